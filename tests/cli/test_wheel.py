"""The wheel of the client, in an environment that has nothing else, beside a project with names like ours."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

# Built and installed once.
pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("portal/cli", "assets/definitions")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"

Execute = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From a copy: building leaves its traces where the sources are.
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    _run(sys.executable, "-c", BUILD, str(target), cwd=source)
    [built] = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with the oldest versions it allows: what is beside it may want no newer ones."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    uv = _run("sh", "bootstrap/uv.sh", cwd=ROOT).strip()
    _run(uv, "venv", "--quiet", "--no-project", "--python", _oldest_python(), str(environment), cwd=environment.parent)
    # Without the second it would be the wheel alone that is asked for directly.
    install = [uv, "pip", "install", "--quiet", "--resolution", "lowest-direct", "-r", str(ROOT / "pyproject.toml")]
    _run(*install, "--python", str(environment / "bin" / "python"), str(wheel), cwd=environment.parent)
    return environment


@pytest.fixture
def execute(environment: Path, tmp_path: Path) -> Execute:
    """Run a program of the environment in a project that has packages `assets` and `portal` of its own."""
    for name in ("assets", "portal"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"OWNER = 'the project has {name}'\n")

    def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(environment / "bin" / program), *words],
            cwd=tmp_path,
            env=_plain_environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _oldest_python() -> str:
    """Answer a Python 3.10 where there is one, else our own."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in (shutil.which("python3.10"), *pyenv.glob("versions/3.10.*/bin/python3.10")):
        # pyenv's own program of that name may answer that it is not chosen here.
        if (
            python
            and subprocess.run([python, "-c", "import ssl, ctypes"], capture_output=True, check=False).returncode == 0
        ):
            return str(python)
    return sys.executable


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=_plain_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}


def test_has_only_names_that_collide_with_nobody_elses(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        tops = {name.split("/")[0] for name in packed.namelist()}

    assert {name for name in tops if not name.endswith(".dist-info")} == {"lastgood"}


def test_has_all_modules_and_each_is_python_3_10(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        modules = {name: packed.read(name) for name in packed.namelist() if name.endswith(".py")}

    for name, source in modules.items():
        ast.parse(source, name, feature_version=(3, 10))
    ours = {f"lastgood/{path.name}" for path in (ROOT / "portal/cli").glob("*.py")}
    theirs = {f"lastgood/definitions/{path.name}" for path in (ROOT / "assets/definitions").glob("*.py")}
    assert modules.keys() == ours | theirs


@pytest.mark.parametrize("first", ["lastgood.definitions.differ", "assets"])
def test_leaves_the_projects_own_packages_alone(execute: Execute, first: str) -> None:
    done = execute(
        "python",
        "-c",
        f"import {first}, lastgood.definitions.differ, assets, portal; print(assets.OWNER, portal.OWNER)",
    )

    assert done.stdout == "the project has assets the project has portal\n", done.stderr


def test_brings_no_server(execute: Execute) -> None:
    done = execute("python", "-c", "import django")

    assert "No module named 'django'" in done.stderr


def test_goes_beside_a_dagster_that_wants_an_older_click(execute: Execute) -> None:
    done = execute("python", "-c", "from importlib.metadata import version; print(version('click'))")

    # Dagster 1.10 and the first of 1.11 refuse newer ones.
    assert done.stdout.startswith("8.1.")


@pytest.mark.parametrize("program", [["lastgood"], ["python", "-m", "lastgood.main"]], ids=["script", "module"])
def test_diffs_two_snapshots(execute: Execute, tmp_path: Path, program: list[str]) -> None:
    for name, version in (("base", "1"), ("branch", "2")):
        asset = {"key": ["db", "orders"], "code_version": version}
        (tmp_path / f"{name}.json").write_text(json.dumps({"format": "lastgood.assets/1", "assets": [asset]}))

    shown = execute(*program, "diff", "base.json", "branch.json")
    told = execute(*program, "diff", "base.json", "branch.json", "--json")

    assert (shown.returncode, told.returncode) == (0, 0), shown.stderr + told.stderr
    assert "db/orders" in shown.stdout
    assert json.loads(told.stdout) == {
        "added": [],
        "removed": [],
        "unchanged": 0,
        "changed": {
            "db/orders": {"change_types": ["CODE_VERSION"], "code_version": {"old": "1", "new": "2"}},
        },
    }


def test_explains_snapshot_and_asks_for_a_dagster(execute: Execute) -> None:
    explained = execute("lastgood", "snapshot", "--help")
    refused = execute("lastgood", "snapshot", "-m", "assets")

    assert explained.returncode == 0
    assert "lastgood snapshot -m my_project.definitions" in explained.stdout
    assert refused.returncode == 1
    assert "Dagster is not installed" in refused.stderr
