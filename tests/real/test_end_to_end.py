"""The main job, with every part real: the client, the portal over HTTP, a worker, a broker, a Dagster."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments import access
from deployments.access import Role
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deploy, Token
from deployments.states import PlatformKind
from portal.dagster_env import ensure_dagster_env
from tests.factories import make_deployment, make_location, make_user, superuser
from tests.real.dagster_server import CodeServer, DagsterServer
from tests.workers import ROOT, running_worker, wait_for

pytestmark = [
    pytest.mark.dagster,
    pytest.mark.xdist_group("dagster"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
]

ASSETS = "import dagster as dg\n\n{assets}\ndefs = dg.Definitions(assets=[{names}])\n"
ASSET = "@dg.asset(code_version='{version}')\ndef {name}(): ...\n"


def project(version: str, *names: str) -> str:
    """Answer the source of a small Dagster project."""
    assets = "\n".join(ASSET.format(name=name, version=version) for name in names)
    return ASSETS.format(assets=assets, names=", ".join(names))


V1, V2, V3 = project("1", "orders"), project("2", "orders", "refunds"), "import a_module_that_is_not_there\n"


class Scene:
    """A code location `shop` with a Dagster beside it, and the client's command line."""

    def __init__(self, url: str, folder: Path, *, workspace_line: str | None = None) -> None:
        self.folder = folder
        self.location: CodeLocation = make_location(make_deployment(platform=PlatformKind.DAGSTER))
        self.editor = make_user("editor")
        access.grant(user=self.editor, role=Role.EDITOR, on=self.location.deployment, actor=superuser())
        _, token = Token.objects.create(user=self.editor, name="test")
        self.environment = {**os.environ, "LASTGOOD_URL": url, "LASTGOOD_TOKEN": token, "HOME": str(folder)}
        self.code = target_path(self.location) / "current" / "dags"
        self.workspace = folder / "workspace.yaml"

    def write_workspace(self, entry: str) -> Path:
        """Write Dagster's workspace with this one location."""
        self.workspace.write_text(f"load_from:\n  - {entry}\n")
        return self.workspace

    def connect(self, url: str) -> None:
        """Tell the portal where Dagster is."""
        type(self.location.deployment).objects.update(platform_url=url)

    def lastgood(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the client."""
        command = [sys.executable, "-m", "lastgood.main", *words]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
        )

    def deploy(self, source: str, *options: str) -> tuple[int, dict[str, Any]]:
        """Deploy a project of one file and wait; answer exit code and the deploy."""
        folder = self.folder / f"project-{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "defs.py").write_text(source)
        return self.answer("deploy", "acme/production/shop", "--dags", str(folder), "--wait", "--json", *options)

    def changes(self, number: int) -> dict[str, Any] | None:
        """Answer what a deploy changed in the assets, by key, once that is recorded; None: nothing ever will be."""
        path = f"/api/v1/organizations/acme/deployments/production/code-locations/shop/deploys/{number}"
        headers = {"Authorization": f"Bearer {self.environment['LASTGOOD_TOKEN']}"}

        def recorded() -> dict[str, Any] | None:
            answer = httpx.get(f"{self.environment['LASTGOOD_URL']}{path}/asset-changes/", headers=headers).json()
            return answer if answer["counts"] is not None else None

        if Deploy.objects.get(code_location=self.location, number=number).live_seq is None:
            return recorded()
        answer = wait_for(recorded, what=f"what deploy {number} changed in the assets")
        return {row["key"]: row for row in answer["results"]}

    def answer(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run the client with --json; answer exit code and document."""
        done = self.lastgood(*words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


def served(dagster: DagsterServer) -> dict[str, str] | None:
    """Ask Dagster itself: code versions by asset; None when the location failed to load."""
    query = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename
      ... on RepositoryLocation { repositories { assetNodes { assetKey { path } opVersion } } } } } } } }"""
    answer = httpx.post(f"{dagster.url}/graphql", json={"query": query}, timeout=60).json()
    location = answer["data"]["workspaceOrError"]["locationEntries"][0]["locationOrLoadError"]
    if location["__typename"] != "RepositoryLocation":
        return None
    nodes = [node for repository in location["repositories"] for node in repository["assetNodes"]]
    return {"/".join(node["assetKey"]["path"]): node["opVersion"] for node in nodes}


@pytest.fixture(scope="session")
def dagster_bin() -> Path:
    """Make Dagster's own environment, once."""
    return ensure_dagster_env(ROOT / ".tools", say=print)


@pytest.fixture
def scene(live_server: Any, tmp_path: Path, broker: str) -> Iterator[Scene]:
    """Answer a scene with a worker in it."""
    made = Scene(live_server.url, tmp_path)
    with running_worker(broker, tmp_path / "worker.log"):
        yield made


def test_rolls_a_running_dagster_back_and_keeps_it_there(scene: Scene, dagster_bin: Path):
    entry = (
        f"python_file: {{relative_path: {scene.code}/defs.py, working_directory: {scene.code}, location_name: shop}}"
    )
    workspace = scene.write_workspace(entry)
    with DagsterServer(workspace, bin_dir=dagster_bin, home=scene.folder / "dagster") as dagster:
        scene.connect(dagster.url)

        code, first = scene.deploy(V1)
        assert (code, first["status"], first["verified"]) == (0, "SUCCEEDED", True), first
        assert served(dagster) == {"orders": "1"}

        code, second = scene.deploy(V2)
        assert (code, second["verified"]) == (0, True), second
        assert served(dagster) == {"orders": "2", "refunds": "2"}

        assert {key: row["kind"] for key, row in scene.changes(1).items()} == {"orders": "added"}
        assert {key: row["kind"] for key, row in scene.changes(2).items()} == {"orders": "changed", "refunds": "added"}
        assert scene.changes(2)["orders"]["change_types"] == ["CODE_VERSION"]
        assert scene.changes(2)["orders"]["details"]["code_version"] == {"old": "1", "new": "2"}

        code, third = scene.deploy(V3)
        assert (code, third["status"], third["error"]["code"]) == (1, "FAILED", "load_failed"), third
        assert "a_module_that_is_not_there" in third["error"]["detail"]
        assert served(dagster) is None
        _, place = scene.answer("status", "acme/production/shop", "--json")
        assert (place["placed_deploy"], place["live_deploy"], place["last_good"]) == (3, 2, 2)

        rollback = [
            "rollback",
            "acme/production/shop",
            "--to",
            "last-good",
            "--description",
            "Does not import.",
            "--wait",
        ]
        code, fourth = scene.answer(*rollback, "--json")
        assert (code, fourth["kind"], fourth["restores"], fourth["verified"]) == (0, "rollback", 2, True), fourth
        assert served(dagster) == {"orders": "2", "refunds": "2"}

        code, back = scene.answer(
            "rollback", "acme/production/shop", "--to", "1", "--description", "Older.", "--wait", "--json"
        )
        assert (code, back["verified"]) == (0, True), back
        assert served(dagster) == {"orders": "1"}
        # A load that failed defines nothing, and changes nothing: what came back had never gone from the history.
        assert scene.changes(3) is None
        assert scene.changes(4) == {}
        returned = scene.changes(5)
        assert {key: row["kind"] for key, row in returned.items()} == {"orders": "changed", "refunds": "removed"}
        assert returned["orders"]["details"]["code_version"] == {"old": "2", "new": "1"}
        assert (returned["orders"]["before_version"], returned["orders"]["after_version"]) == (2, 1)

        code, pushed = scene.deploy(project("5", "orders"))
        assert (code, pushed["status"]) == (3, "HELD")
        assert served(dagster) == {"orders": "1"}
        code, blocked = scene.deploy(V2)
        assert (code, blocked["code"]) == (4, "blocked")

        code, resumed = scene.answer("resume", "acme/production/shop", "--json")
        assert code == 0
        code = scene.lastgood("logs", "acme/production/shop", str(resumed["number"]), "--follow").returncode
        assert code == 0
        assert served(dagster) == {"orders": "5"}


def test_calls_a_dagster_that_answers_and_does_not_reload_a_failure(scene: Scene, dagster_bin: Path):
    scene.connect("")
    assert scene.deploy(V1)[0] == 0
    where = ["-f", f"{scene.code}/defs.py", "-d", str(scene.code)]
    with CodeServer(
        "api grpc", *where, bin_dir=dagster_bin, home=scene.folder / "grpc", cwd=scene.folder
    ) as code_server:
        entry = f"grpc_server: {{host: 127.0.0.1, port: {code_server.port}, location_name: shop}}"
        workspace = scene.write_workspace(entry)
        with DagsterServer(workspace, bin_dir=dagster_bin, home=scene.folder / "dagster") as dagster:
            scene.connect(dagster.url)

            code, deploy = scene.deploy(V2)

            assert (code, deploy["status"], deploy["error"]["code"]) == (1, "FAILED", "not_reloaded"), deploy
            assert "dagster api grpc" in deploy["error"]["detail"]
            assert served(dagster) == {"orders": "1"}


def test_calls_a_dagster_that_reloads_old_code_a_failure(scene: Scene, dagster_bin: Path):
    home = scene.folder / "dagster"
    python_file = (
        f"python_file: {{relative_path: {scene.code}/defs.py, working_directory: {scene.code}, location_name: shop}}"
    )
    with DagsterServer(scene.write_workspace(python_file), bin_dir=dagster_bin, home=home) as dagster:
        scene.connect(dagster.url)
        assert scene.deploy(V1)[1]["verified"] is True
        assert scene.deploy(V2)[1]["verified"] is True
    # Started inside the release that `current` was then, without -d: it stays there.
    with CodeServer(
        "code-server start", "-f", "defs.py", bin_dir=dagster_bin, home=scene.folder / "code", cwd=scene.code
    ) as server:
        entry = f"grpc_server: {{host: 127.0.0.1, port: {server.port}, location_name: shop}}"
        with DagsterServer(scene.write_workspace(entry), bin_dir=dagster_bin, home=home) as dagster:
            scene.connect(dagster.url)

            code, deploy = scene.answer(
                "rollback", "acme/production/shop", "--to", "1", "--description", "Bad.", "--wait", "--json"
            )

            assert (code, deploy["status"], deploy["error"]["code"]) == (1, "FAILED", "old_code_loaded"), deploy
            assert served(dagster) == {"orders": "2", "refunds": "2"}
