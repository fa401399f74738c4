"""`lastgood snapshot` where there is no Dagster; with a real one it is tried in tests/real."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from lastgood import dagster_snapshot
from lastgood.definitions import reading

from .conftest import Run

ORDERS = {"key": ["orders"], "description": "Größe ✓"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a directory with a module of definitions."""
    (tmp_path / "shop.py").write_text("import dagster\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def defined(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answer the assets that every project is said to have; its import prints."""
    assets: list[dict[str, Any]] = [ORDERS]

    def load(_project: dagster_snapshot.Project) -> None:
        print("The project prints.")
        os.write(1, b"So does a program that it starts.\n")

    monkeypatch.setattr(dagster_snapshot, "load", load)
    monkeypatch.setattr(
        dagster_snapshot, "document", lambda _repository, *, roots: {"format": reading.FORMAT, "assets": assets}
    )
    return assets


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "either -m MODULE or -f FILE"),
        (["-m", "shop", "-f", "shop.py"], "either -m MODULE or -f FILE"),
        (["-f", "nowhere.py"], "nowhere.py"),
        (["-m", "shop", "-d", "nowhere"], "nowhere"),
        (["-m", "shop", "-d", "shop.py"], "shop.py"),
    ],
)
def test_wants_one_place_that_is_there(run: Run, project: Path, options: list[str], told: str) -> None:
    done = run("snapshot", *options)

    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize("folder", ["", "dagster"])
def test_says_where_dagster_is_missing(run: Run, project: Path, folder: str) -> None:
    # A folder of that name beside the code is no Dagster.
    (project / "dags" / folder).mkdir(parents=True)

    done = run("snapshot", "-f", "shop.py", "-d", "dags")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: Dagster is not installed for {sys.executable}: install lastgood into")


def test_writes_to_stdout_what_no_print_can_spoil(
    run: Run, project: Path, defined: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    done = run("snapshot", "-m", "shop")

    assert json.loads(done.stdout) == {"format": "lastgood.assets/1", "assets": [ORDERS]}
    assert "Größe ✓" in done.stdout
    assert done.stdout.endswith("}\n")
    assert "The project prints." in done.stderr
    # What is written beside Python's own stdout reaches the terminal's stderr.
    assert capfd.readouterr() == ("", "So does a program that it starts.\n")


def test_writes_a_file_and_says_so(run: Run, project: Path, defined: list[Any]) -> None:
    said = run("snapshot", "-m", "shop", "-o", "assets.json")
    said_in_json = run("snapshot", "-m", "shop", "-o", "assets.json", "--json")

    assert reading.read((project / "assets.json").read_bytes()).assets.keys() == {"orders"}
    assert (said.exit_code, said.stdout) == (0, "")
    assert f"Wrote 1 asset to {project}/assets.json." in said.stderr
    assert json.loads(said_in_json.stdout) == {"assets": 1, "output": f"{project}/assets.json"}


def test_refuses_what_no_portal_would_take(run: Run, project: Path, defined: list[Any]) -> None:
    defined.append(ORDERS)

    done = run("snapshot", "-m", "shop", "-o", "assets.json")

    assert done.exit_code == 1
    assert "cannot be written as a snapshot: Asset orders is there twice" in done.stderr
    assert not (project / "assets.json").exists()


def test_says_that_a_file_cannot_be_written(run: Run, project: Path, defined: list[Any]) -> None:
    done = run("snapshot", "-m", "shop", "-o", "nowhere/assets.json")

    assert done.exit_code == 1
    assert "nowhere/assets.json cannot be written: No such file or directory." in done.stderr
