"""Which directory goes to which mount."""

from __future__ import annotations

from pathlib import Path

import pytest
from lastgood.exits import Misuse
from lastgood.parts import mounted, project_name, read_tree


def test_puts_directories_at_their_mounts(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    plugins = ("plugins", tmp_path / "plugins")

    assert mounted(tmp_path / "dags", tmp_path, None, [plugins]) == {
        "dags": tmp_path / "dags",
        "dbt/shop": tmp_path,
        "plugins": tmp_path / "plugins",
    }
    assert mounted(None, tmp_path, "transform", []) == {"transform": tmp_path}


def test_refuses_two_directories_for_a_mount(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="dags is given twice"):
        mounted(tmp_path, None, None, [("dags", tmp_path)])


def test_refuses_a_mount_without_a_project() -> None:
    with pytest.raises(Misuse, match="--dbt"):
        mounted(None, None, "transform", [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name: shop\nversion: 1\n", "shop"),
        ("version: 1\nname:   'shop'   # ours\n", "shop"),
        ('name : "shop"\n', "shop"),
        ("name: shop\r\n", "shop"),
        ("models:\n  name: other\n", "folder"),
        ("# name: other\n", "folder"),
        ("name: {{ env_var('X') }}\n", "folder"),
        ("name: 'shop\n", "folder"),
        ("", "folder"),
        (None, "folder"),
    ],
)
def test_reads_the_name_of_a_dbt_project(tmp_path: Path, text: str | None, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if text is not None:
        (folder / "dbt_project.yml").write_bytes(text.encode())

    assert project_name(folder) == name


def test_refuses_an_empty_directory_unless_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()

    with pytest.raises(Misuse, match="would remove every file of mount dags"):
        read_tree("dags", tmp_path, force=False)
    assert read_tree("dags", tmp_path, force=True).files == []
