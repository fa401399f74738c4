"""Reading a directory."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest
from lastgood.ignored import BadRule
from lastgood.tree import Undeployable, scan


def put(root: Path, path: str, text: str = "x\n") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def paths(root: Path, *, force: bool = False) -> list[str]:
    return [file.path for file in scan(root, force=force).files]


def test_lists_regular_files_sorted_with_mode_size_and_hash(tmp_path: Path) -> None:
    put(tmp_path, "b/two.py", "two\n")
    put(tmp_path, "a.py").chmod(0o600)
    put(tmp_path, "b-run.sh").chmod(0o700)

    tree = scan(tmp_path)

    assert tree.manifest() == [
        {"path": "a.py", "mode": "0644", "sha256": hashlib.sha256(b"x\n").hexdigest(), "size": 2},
        {"path": "b-run.sh", "mode": "0755", "sha256": hashlib.sha256(b"x\n").hexdigest(), "size": 2},
        {"path": "b/two.py", "mode": "0644", "sha256": hashlib.sha256(b"two\n").hexdigest(), "size": 4},
    ]


def test_leaves_out_what_nobody_deploys(tmp_path: Path) -> None:
    for noise in (
        ".git/config", "sub/.git", "sub/.hg/x", ".svn/x", "__pycache__/a.pyc", "b.pyc", ".venv/x", ".DS_Store",
        "venv/pyvenv.cfg", "venv/bin/x", ".lastgoodignore",
    ):  # fmt: skip
        put(tmp_path, noise, "")
    put(tmp_path, "sub/venv/kept.py")
    put(tmp_path, ".env.example")

    assert paths(tmp_path) == [".env.example", "sub/venv/kept.py"]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("*.sql", ["logs/a.txt", "sub/logs/b.txt", "top.txt"]),
        ("logs", ["a.sql", "sub/c.sql", "top.txt"]),
        ("logs/", ["a.sql", "sub/c.sql", "top.txt"]),
        ("/logs", ["a.sql", "sub/c.sql", "sub/logs/b.txt", "top.txt"]),
        ("sub/*.sql", ["a.sql", "logs/a.txt", "sub/logs/b.txt", "top.txt"]),
        ("sub/*", ["a.sql", "logs/a.txt", "top.txt"]),
        ("sub/**/b.txt", ["a.sql", "logs/a.txt", "sub/c.sql", "top.txt"]),
        ("**/logs", ["a.sql", "sub/c.sql", "top.txt"]),
        ("t?p.txt", ["a.sql", "logs/a.txt", "sub/c.sql", "sub/logs/b.txt"]),
        ("top.txt/", ["a.sql", "logs/a.txt", "sub/c.sql", "sub/logs/b.txt", "top.txt"]),
        ("# *.sql\n\n  a.sql  ", ["logs/a.txt", "sub/c.sql", "sub/logs/b.txt", "top.txt"]),
    ],
)
def test_leaves_out_what_the_ignore_file_names(tmp_path: Path, line: str, left: list[str]) -> None:
    for file in ("a.sql", "sub/c.sql", "logs/a.txt", "sub/logs/b.txt", "top.txt"):
        put(tmp_path, file)
    put(tmp_path, ".lastgoodignore", line)

    assert paths(tmp_path) == left


def test_refuses_to_take_something_back_in(tmp_path: Path) -> None:
    put(tmp_path, ".lastgoodignore", "*.sql\n!keep.sql\n")

    with pytest.raises(BadRule, match=r"'!keep.sql'"):
        scan(tmp_path)


def test_follows_links_that_stay_inside(tmp_path: Path) -> None:
    put(tmp_path, "shared/macro.sql", "select 1\n").chmod(0o755)
    (tmp_path / "macro.sql").symlink_to("shared/macro.sql")
    (tmp_path / "again").symlink_to(tmp_path / "shared")

    tree = scan(tmp_path)

    assert [(file.path, file.mode) for file in tree.files] == [
        ("again/macro.sql", "0755"),
        ("macro.sql", "0755"),
        ("shared/macro.sql", "0755"),
    ]
    assert len({file.sha256 for file in tree.files}) == 1


@pytest.mark.parametrize("target", ["../outside.txt", "/", "nowhere", ".git/config", "kept-back.txt"])
def test_refuses_links_that_do_not_stay_inside_what_is_deployed(tmp_path: Path, target: str) -> None:
    put(tmp_path, "outside.txt")
    root = tmp_path / "dags"
    put(root, "dag.py")
    put(root, ".git/config", "password = hunter2\n")
    put(root, "kept-back.txt")
    put(root, ".lastgoodignore", "kept-back.txt\n")
    (root / "link").symlink_to(target)

    with pytest.raises(Undeployable, match="'link'"):
        scan(root)
    tree = scan(root, force=True)

    assert [file.path for file in tree.files] == ["dag.py"]
    assert "'link'" in tree.warnings[0]


def test_refuses_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")

    with pytest.raises(Undeployable, match="leads nowhere"):
        scan(tmp_path)


@pytest.mark.parametrize("force", [False, True])
def test_refuses_links_to_a_directory_that_contains_them(tmp_path: Path, force: bool) -> None:
    put(tmp_path, "a/b/dag.py")
    (tmp_path / "a" / "b" / "up").symlink_to("..")

    with pytest.raises(Undeployable, match="a directory that contains it"):
        scan(tmp_path, force=force)


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(Undeployable, match="'pipe' is no regular file"):
        scan(tmp_path, force=True)


@pytest.mark.parametrize("name", ["line\nbreak", "back\\slash", "escape\x1b[31m"])
def test_refuses_names_that_no_release_can_hold(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)

    with pytest.raises(Undeployable, match="Rename it"):
        scan(tmp_path)


def test_refuses_names_that_are_not_utf_8(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text("x")
    except OSError:
        pytest.skip("This file system takes only UTF-8.")

    with pytest.raises(Undeployable, match="not UTF-8"):
        scan(tmp_path)


def test_writes_names_in_one_normal_form(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café.csv") for form in ("NFC", "NFD"))
    put(tmp_path, decomposed)

    assert paths(tmp_path) == [composed]

    put(tmp_path, composed)
    if len(os.listdir(tmp_path)) == 2:
        with pytest.raises(Undeployable, match="two spellings"):
            scan(tmp_path)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads everything")
def test_names_what_it_cannot_read(tmp_path: Path) -> None:
    put(tmp_path, "secret.py").chmod(0)

    with pytest.raises(Undeployable, match=r"secret\.py cannot be read"):
        scan(tmp_path)


def test_reads_a_directory_that_is_itself_a_link(tmp_path: Path) -> None:
    put(tmp_path, "v2/dag.py")
    (tmp_path / "current").symlink_to("v2")

    assert paths(tmp_path / "current") == ["dag.py"]


def test_notices_that_a_file_changed(tmp_path: Path) -> None:
    put(tmp_path, "dag.py", "one\n")
    [file] = scan(tmp_path).files

    assert not file.has_changed()

    put(tmp_path, "dag.py", "two\n")
    assert file.has_changed()

    (tmp_path / "dag.py").unlink()
    assert file.has_changed()
