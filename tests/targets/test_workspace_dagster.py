"""The workspace target, and a real Dagster that reads its file."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.targets.workspace import WorkspaceTarget
from portal.dagster_env import ensure_dagster_env
from tests.real.dagster_server import DagsterServer
from tests.targets.processes import CHECKOUT
from tests.targets.test_workspace import act, release

pytestmark = [pytest.mark.dagster, pytest.mark.xdist_group("dagster")]

PATIENCE = 60.0  # for a reload beside other work
CODE = "import dagster as dg\n\n@dg.asset(code_version='{version}')\ndef orders(): ...\n\ndefs = dg.Definitions([orders])\n"
ENTRIES = """\
load_from:
  - python_file: {{relative_path: {root}/current/dags/defs.py, working_directory: {root}/current/dags, location_name: shop}}
  - python_file: {root}/current/dags/defs.py  # by its own name
"""
SERVED = """{ workspaceOrError { ... on Workspace { locationEntries { name displayMetadata { key value }
  locationOrLoadError { __typename ... on RepositoryLocation {
    repositories { assetNodes { opVersion } } } } } } } }"""
RELOAD = "mutation { reloadWorkspace { __typename } }"


def ask(dagster: DagsterServer, query: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.post(f"{dagster.url}/graphql", json={"query": query}, timeout=PATIENCE).json()
    return answer["data"]


def served(dagster: DagsterServer) -> dict[str, tuple[list[str], str]]:
    """Code versions and the path of the code, by location, once all have loaded."""
    give_up_at = time.monotonic() + PATIENCE
    while True:
        entries = ask(dagster, SERVED)["workspaceOrError"]["locationEntries"]
        loaded = [entry["locationOrLoadError"] for entry in entries]
        if all(each and each["__typename"] == "RepositoryLocation" for each in loaded):
            break
        assert time.monotonic() < give_up_at, loaded
        time.sleep(0.5)
    return {entry["name"]: (_versions(entry), _path(entry)) for entry in entries}


def _versions(entry: dict[str, Any]) -> list[str]:
    repositories = entry["locationOrLoadError"]["repositories"]
    return [node["opVersion"] for repository in repositories for node in repository["assetNodes"]]


def _path(entry: dict[str, Any]) -> str:
    return next(each["value"] for each in entry["displayMetadata"] if each["key"] == "python_file")


def test_a_workspace_that_is_read_anew_serves_the_release_that_the_file_names(tmp_path: Path) -> None:
    bin_dir = ensure_dagster_env(CHECKOUT / ".tools", say=print)
    root, file = tmp_path / "shop", tmp_path / "workspace.yaml"
    file.write_text(ENTRIES.format(root=root))
    targets = [WorkspaceTarget(root, workspace_file=file, location=each) for each in ("shop", "defs.py")]

    first, _ = act(targets[0], release(1, {"dags/defs.py": CODE.format(version="1").encode()}))
    with DagsterServer(file, bin_dir=bin_dir, home=tmp_path / "dagster") as dagster:
        before = served(dagster)
        second, _ = act(targets[0], release(2, {"dags/defs.py": CODE.format(version="2").encode()}))
        # It stays on its release until it reads the file anew.
        between = served(dagster)
        answer = ask(dagster, RELOAD)
        after = served(dagster)

    path = "{root}/releases/{name}/dags/defs.py"
    assert before["shop"] == (["1"], path.format(root=root, name=first.name))
    assert between["shop"] == before["shop"]
    assert answer["reloadWorkspace"]["__typename"] == "Workspace"
    assert after["shop"] == (["2"], path.format(root=root, name=second.name))
    # Dagster and we agree on what a location without a name is called.
    assert after["defs.py"][1] == f"{root}/current/dags/defs.py"
    assert targets[1].read().found.startswith(f"{file} points at current, current at releases/2-")
