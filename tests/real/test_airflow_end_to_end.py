"""Deploys and rollbacks of a real Airflow through the one pipeline: what is in place, and what Airflow says of it."""

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from assets.recording import record_deploy
from deployments import execution, observing, operations
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deploy, Load, PlatformWatch
from deployments.states import DeployKind, DeployStatus, PlatformKind
from tests.factories import ask_rollback, fresh, make_deployment, make_location, push, superuser
from tests.operations.brokers import silent_broker
from tests.real.airflow_server import AirflowServer, password_of
from tests.real.airflow_site import BROKEN, dag

__all__ = ["silent_broker"]

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow"),
    # Leases are renewed from threads of their own: they must see what is written.
    pytest.mark.django_db(transaction=True),
]

PATIENCE = 120.0
FIRST = {"orders.py": dag("orders", settings="tags=['core'], schedule=None")}
SECOND = FIRST | {"refunds.py": dag("refunds")}
THIRD = SECOND | {"refunds.py": BROKEN}
LATER = timedelta(minutes=5)


class Flown:
    """A portal and an Airflow that reads what the portal puts in place."""

    def __init__(self, location: CodeLocation, server: AirflowServer) -> None:
        self.location = location
        self.server = server
        self._later = timedelta()

    def clock(self) -> datetime:
        """Answer the portal's time."""
        return timezone.now() + self._later

    def deploy(self, files: dict[str, str], **more: object) -> Deploy:
        """Push these DAG files and carry that out."""
        return self.carried(push(self.location, {path: text.encode() for path, text in files.items()}, **more))

    def carried(self, deploy: Deploy) -> Deploy:
        """Carry a deploy out, as workers do."""
        give_up_at = time.monotonic() + PATIENCE
        while not deploy.is_finished:
            assert time.monotonic() < give_up_at, (deploy.step, [event.message for event in deploy.events.all()])
            execution.carry_out(deploy.pk, clock=self.clock)
            deploy = Deploy.objects.with_places().get(pk=deploy.pk)
            time.sleep(0.2)
        return deploy

    def look(self) -> CodeLocation:
        """Look once, as the schedule does, and record what the assets are; answer the code location."""
        PlatformWatch.objects.update(due_at=self.clock())
        observing.due_deployments(now=self.clock())
        for deploy_id in observing.observe(self.location.deployment_id, clock=self.clock):
            record_deploy(deploy_id, now=self.clock())
        return fresh(self.location)

    def look_later(self) -> CodeLocation:
        """Look when what was placed has had its time."""
        self._later += LATER
        return self.look()


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Airflow looks for DAGs: a link, which each test leads to its own releases."""
    return tmp_path_factory.mktemp("flown") / "dags"


@pytest.fixture(scope="module")
def server(
    airflow_bin: Path, airflow_template: Path, dags: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowServer]:
    """Start one Airflow for all: the first test finds one that never saw a DAG."""
    # Nothing is in place: Airflow looks for new files every five seconds, not minutes.
    env = {"AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5"}
    home = tmp_path_factory.mktemp("airflow-flown")
    with AirflowServer(home, bin_dir=airflow_bin, template=airflow_template, dags=dags, env=env) as server:
        yield server


@pytest.fixture
def flown(server: AirflowServer, dags: Path) -> Flown:
    """Answer an Airflow over the releases of a code location that has none yet."""
    location = make_location(make_deployment(platform=PlatformKind.AIRFLOW), name="default")
    dags.unlink(missing_ok=True)
    dags.symlink_to(target_path(location) / "current" / "dags")
    deployment = location.deployment
    deployment.platform_url, deployment.platform_user = server.url, "portal"
    deployment.platform_password = password_of("portal")
    deployment.save()
    return Flown(location, server)


def test_a3_a6_a8_a_release_that_does_not_import_is_left_by_a_rollback_that_airflow_confirms(flown: Flown):
    first = flown.deploy(FIRST)
    assert (first.status, first.verified, first.kind) == (DeployStatus.SUCCEEDED, True, DeployKind.DAGS), first.error
    assert first.activated_at < first.verified_at
    assert flown.look_later().live_deploy == first
    assert counts(first) == (1, 0, 0)

    second = flown.deploy(SECOND)
    assert (second.status, second.verified) == (DeployStatus.SUCCEEDED, True), second.error
    served = flown.look_later()
    assert served.live_deploy == second
    assert counts(second) == (1, 0, 0)

    third = flown.deploy(THIRD)
    assert (third.status, third.verified, third.error["code"]) == (DeployStatus.FAILED, False, "load_failed")
    assert "a_module_that_is_not_there" in third.error["detail"]
    assert any("refunds.py" in str(link["frame"]) for link in third.error["chain"])
    location = fresh(flown.location)
    assert (location.placed_deploy, location.live_deploy) == (third, second)
    flown.look_later()
    # It is the same failure, however often it is seen.
    assert Load.objects.filter(ok=False).count() == 1

    back = flown.carried(ask_rollback(flown.location, "last-good"))
    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, second), back.error
    location = flown.look_later()
    assert (location.live_deploy, location.last_load.ok, location.last_load.deploy) == (back, True, back)
    assert location.deploys.count() == 4

    older = flown.carried(ask_rollback(flown.location, first.number))
    assert (older.status, older.verified) == (DeployStatus.SUCCEEDED, True), older.error
    flown.look_later()
    assert counts(older) == (0, 1, 0)


def test_what_somebody_else_does_to_the_files_becomes_history(flown: Flown):
    first = flown.deploy(FIRST)
    assert first.verified, first.error
    flown.look_later()
    file = target_path(flown.location) / "current" / "dags" / "orders.py"
    file.chmod(0o644)

    file.write_text(dag("orders", "fetch", "store", settings="tags=['gold'], schedule=None"))
    seen = _look_until(flown, lambda location: location.live_deploy != first)
    assert (seen.live_deploy.kind, seen.live_deploy.actor_name) == (DeployKind.OBSERVED, "observed")
    assert counts(seen.live_deploy) == (0, 0, 1)

    file.write_text(BROKEN)
    seen = _look_until(flown, lambda location: not location.last_load.ok)
    failed = seen.deploys.order_by("-number").first()
    assert (failed.kind, failed.status, failed.error["code"]) == (
        DeployKind.OBSERVED,
        DeployStatus.FAILED,
        "load_failed",
    )

    back = flown.carried(ask_rollback(flown.location, first.number))
    assert (back.status, back.verified) == (DeployStatus.SUCCEEDED, True), back.error
    assert flown.look_later().last_load.ok


def test_a9_settings_are_put_in_place_and_the_command_is_told_of_them(flown: Flown, tmp_path: Path):
    told = tmp_path / "told"
    script = tmp_path / "apply.py"
    script.write_text(
        "import os, pathlib, sys\n"
        "env = pathlib.Path(os.environ['LASTGOOD_SETTINGS'], 'env').read_text()\n"
        f"pathlib.Path({str(told)!r}).write_text(os.environ['LASTGOOD_CHANGED'] + '|' + env)\n"
        "print('applied', env)\n"
    )
    deployment = flown.location.deployment
    deployment.activation_command = f"{sys.executable} {script}"
    deployment.save()
    first = flown.deploy(FIRST)
    assert first.verified, first.error

    parts = {"settings": {"env": {"WAREHOUSE": {"value": "s3cret word", "secret": True}}, "runtime": {"workers": 2}}}
    pushed = operations.create_deploy(
        location=flown.location, push=operations.Push(parts=parts), actor=superuser(), now=flown.clock()
    )
    settings = flown.carried(pushed)

    assert (settings.kind, settings.status, settings.verified) == (DeployKind.SETTINGS, DeployStatus.SUCCEEDED, True)
    assert told.read_text() == "settings|WAREHOUSE='s3cret word'\n"
    lines = [event.message for event in settings.events.all()]
    assert any("applied WAREHOUSE=" in line for line in lines)
    assert "s3cret word" not in " ".join(lines)

    back = flown.carried(ask_rollback(flown.location, first.number, scope="settings"))
    assert (back.status, back.release.settings_digest) == (DeployStatus.SUCCEEDED, "")
    assert back.release.code_digest == settings.release.code_digest


def counts(deploy: Deploy) -> tuple[int, int, int] | None:
    """Answer how many assets it added, removed and changed."""
    told = Deploy.objects.get(pk=deploy.pk).asset_counts
    return told and (told["added"], told["removed"], told["changed"])


def _look_until(flown: Flown, seen) -> CodeLocation:
    give_up_at = time.monotonic() + PATIENCE
    while not seen(location := flown.look()):
        assert time.monotonic() < give_up_at, list(Load.objects.values("ok", "metadata", "error"))
        time.sleep(1)
    return location
