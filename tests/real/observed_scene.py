"""A portal that watches a real Dagster: no worker, each look and each deploy is a call in the test's own process."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from django.utils import timezone

from assets.recording import record_deploy
from deployments import drivers, execution, observing
from deployments.drivers import target_path_of
from deployments.models import CodeLocation, Deploy, Deployment, PlatformWatch
from deployments.states import PlatformKind, TargetKind
from tests.factories import ask_rollback, fresh, make_deployment, push
from tests.real.dagster_server import DagsterServer

PATIENCE = 90.0  # for a reload beside other work
ASSET = "@dg.asset(code_version='{version}')\ndef {name}(): ...\n"
BROKEN = "import a_module_that_is_not_there\n"
RELOAD = """mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"""
SERVED = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename
  ... on RepositoryLocation { repositories { assetNodes { assetKey { path } opVersion } } } } } } } }"""


def project(version: str, *names: str) -> str:
    """Answer the source of a small Dagster project."""
    assets = "\n".join(ASSET.format(name=name, version=version) for name in names)
    return f"import dagster as dg\n\n{assets}\ndefs = dg.Definitions(assets=[{', '.join(names)}])\n"


class Watched:
    """A deployment of a portal that knows nothing but the address, and a workspace.yaml of locations in its folders."""

    def __init__(self, folder: Path, bin_dir: Path, *names: str, target: TargetKind = TargetKind.DIRECTORY) -> None:
        self.file = folder / "etc" / "workspace.yaml"
        self.file.parent.mkdir()
        named = {"workspace_file": str(self.file)} if target == TargetKind.WORKSPACE else {}
        self.deployment: Deployment = make_deployment(target=target, platform=PlatformKind.DAGSTER, **named)
        self.root = target_path_of(self.deployment)
        self.file.write_text("load_from:\n" + "".join(self._entry(name) for name in names))
        self.dagster = DagsterServer(self.file, bin_dir=bin_dir, home=folder / "dagster")
        self.deployment.platform_url = self.dagster.url
        self.deployment.save()
        self._later = timedelta()

    def _entry(self, name: str) -> str:
        code = self.code(name)
        where = f"relative_path: {code}/defs.py, working_directory: {code}"
        return f"  - python_file: {{{where}, location_name: {name}}}\n"

    def serve_through(self, port: int, name: str = "shop") -> None:
        """Have the workspace name a code server on that port, before Dagster is started."""
        self.file.write_text(f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {name}}}\n")

    def code(self, name: str = "shop") -> Path:
        """Answer the folder that a location reads its code from."""
        return self.root / name / "current" / "dags"

    def location(self, name: str = "shop") -> CodeLocation:
        """Answer the location's row as it is now."""
        return fresh(CodeLocation.objects.get(deployment=self.deployment, name=name))

    # What others do

    def write_by_hand(self, name: str, source: str) -> None:
        """Put source where the location reads it: in a folder of somebody's own, or into the release in place."""
        current = self.root / name / "current"
        if not current.is_symlink():
            own = self.root.parent / f"by-hand-{name}"
            (own / "dags").mkdir(parents=True)
            current.parent.mkdir(parents=True, exist_ok=True)
            current.symlink_to(own)
        file = self.code(name) / "defs.py"
        if file.exists():
            # Files of releases are read-only, for those who mind.
            file.chmod(0o644)
        file.write_text(source)

    def press_reload(self, name: str = "shop") -> None:
        """Have Dagster load a location again, as its own page does."""
        assert self._ask(RELOAD, {"name": name})["reloadRepositoryLocation"]["__typename"] == "WorkspaceLocationEntry"

    def served(self, name: str = "shop") -> dict[str, str] | None:
        """Ask Dagster itself: code versions by asset; None when the location failed to load."""
        entries = self._ask(SERVED, {})["workspaceOrError"]["locationEntries"]
        [told] = [entry["locationOrLoadError"] for entry in entries if entry["name"] == name]
        if told["__typename"] != "RepositoryLocation":
            return None
        nodes = [node for repository in told["repositories"] for node in repository["assetNodes"]]
        return {"/".join(node["assetKey"]["path"]): node["opVersion"] for node in nodes}

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = httpx.post(f"{self.dagster.url}/graphql", json=body, timeout=PATIENCE).json()
        return dict(answer["data"])

    # What the portal does

    def let_time_pass(self, span: timedelta) -> None:
        """Have the portal's clock run ahead."""
        self._later += span

    def clock(self) -> datetime:
        """Answer the portal's time."""
        return timezone.now() + self._later

    def look(self) -> None:
        """Look once, as the schedule does; and record what the assets are, as the one who is told does."""
        PlatformWatch.objects.update(due_at=self.clock())
        assert observing.due_deployments(now=self.clock()) == [self.deployment.pk]
        for deploy_id in observing.observe(self.deployment.pk, clock=self.clock):
            record_deploy(deploy_id, now=self.clock())
        watch = PlatformWatch.objects.get()
        assert (watch.error, watch.notes, watch.lease_expires_at) == (None, [], None)

    def look_until_settled(self, *names: str) -> None:
        """Look until each location has a load: a webserver that has just started loads them one after another."""
        known = CodeLocation.objects.filter(name__in=names, last_load__isnull=False)
        try:
            self.look_until(lambda: known.count() == len(names), PATIENCE / 2)
        except AssertionError:
            # Seen once, beside much other work: one that did not come up with its webserver. A person presses Reload.
            for name in names:
                self.press_reload(name)
            self.look_until(lambda: known.count() == len(names))

    def look_until(self, seen: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Look now, and again until that is seen. Raises AssertionError when the patience ends, with all that was told."""
        give_up_at = time.monotonic() + patience
        self.look()
        while not seen():
            assert time.monotonic() < give_up_at, self._told()
            time.sleep(0.5)
            self.look()

    def _told(self) -> str:
        """Answer what Dagster says and what we know, for whoever reads why a test gave up."""
        platform = drivers.platform_of(self.deployment)
        assert platform is not None
        return f"{platform.statuses()} {list(CodeLocation.objects.values())} {self.dagster.log.read_text()[-3000:]}"

    def deploy(self, source: str, name: str = "shop") -> Deploy:
        """Push a project of one file and carry it out."""
        return self._carried(push(self.location(name), {"defs.py": source.encode()}))

    def roll_back(self, to: int | str, name: str = "shop") -> Deploy:
        """Roll a location back."""
        return self._carried(ask_rollback(self.location(name), to))

    def _carried(self, deploy: Deploy) -> Deploy:
        give_up_at = time.monotonic() + PATIENCE
        while not deploy.is_finished:
            assert time.monotonic() < give_up_at, deploy.step
            execution.carry_out(deploy.pk, clock=self.clock)
            deploy = Deploy.objects.get(pk=deploy.pk)
            time.sleep(0.2)
        record_deploy(deploy.pk, now=self.clock())
        return Deploy.objects.get(pk=deploy.pk)
