"""A deployment that is watched, its clock, and what people do there."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assets.recording import record_deploy
from deployments import execution, observing, operations
from deployments.load_history import Entry, loads_of
from deployments.models import CodeLocation, Deploy, Load, PlatformWatch
from tests.factories import make_deployment, superuser
from tests.observing.dagster import Dagster
from tests.operations.asking import push_parts


class World:
    """One deployment with a Dagster. Its clock is moved by hand; a look is every fifteen seconds."""

    def __init__(self, dagster: Dagster, **fields: Any) -> None:
        self.dagster = dagster
        # The database's own clock rules leases and parked deploys.
        self.now = timezone.now()
        said = {"platform": "dagster", "platform_url": "http://127.0.0.1:3000"} | fields
        self.deployment = make_deployment(**said)

    def clock(self) -> datetime:
        """Answer the time."""
        return self.now

    def passes(self, **span: float) -> datetime:
        """Let time pass, or turn it back."""
        self.now += timedelta(**span)
        return self.now

    def poll(self, after: float = 15) -> list[int]:
        """Let time pass, and have the schedule look at what is due; answer the deploys that are to be recorded."""
        self.passes(seconds=after)
        touched = []
        for deployment_id in observing.due_deployments(now=self.now):
            touched += observing.observe(deployment_id, clock=self.clock)
        for deploy_id in touched:
            record_deploy(deploy_id, now=self.now)
        return touched

    def polls(self, times: int) -> None:
        """Look so many times."""
        for _ in range(times):
            self.poll()

    def after_hand_load(self, digest: int = 1, **said: Any) -> Deploy:
        """Have somebody load by hand, a minute later; look, and answer the deploy that the load belongs to."""
        self.passes(minutes=1)
        self.dagster.load(digest, **said)
        self.poll()
        newest = self.load(said.get("name", "shop"))
        assert newest.deploy is not None
        return newest.deploy

    def push(self, files: dict[str, bytes] | None, **said: Any) -> Deploy:
        """Push, a second later, without carrying it out."""
        bundles = said.pop("bundles", {"dags": files})
        return push_parts(self.location(), bundles=bundles, now=self.passes(seconds=1), **said)

    def deploy(self, files: dict[str, bytes] | None = None, loads: int | None = None, **said: Any) -> Deploy:
        """Push and carry out; Dagster loads these definitions then."""
        if loads is not None:
            self.dagster.will_load(loads)
        return self.carry_out(self.push(files, **said))

    def roll_back(self, to: int | str = "last-good", loads: int | None = None) -> Deploy:
        """Roll back and carry out; Dagster loads these definitions then."""
        if loads is not None:
            self.dagster.will_load(loads)
        asked = operations.request_rollback(
            location=self.location(), to=to, description="Bad.", actor=superuser(), now=self.passes(seconds=1)
        )
        return self.carry_out(asked)

    def carry_out(self, deploy: Deploy) -> Deploy:
        """Carry it out, or on, as if whatever it waits for were over."""
        Deploy.objects.filter(pk=deploy.pk).update(next_check_at=None)
        execution.carry_out(deploy.pk, clock=lambda: self.passes(seconds=0.1))
        record_deploy(deploy.pk, now=self.now)
        return Deploy.objects.get(pk=deploy.pk)

    def resume(self) -> None:
        """Lift the hold that a rollback left."""
        operations.resume(location=self.location(), actor=superuser(), now=self.now)

    def location(self, name: str = "shop") -> CodeLocation:
        """Answer the location as it is now, made by hand if it did not appear yet."""
        rows = CodeLocation.objects.select_related(
            "deployment__organization",
            "live_deploy__release",
            "placed_deploy__release",
            "wanted_deploy",
            "last_load__deploy__release",
        )
        found = rows.filter(deployment=self.deployment, name=name).first()
        return found or rows.get(pk=CodeLocation.objects.create(deployment=self.deployment, name=name).pk)

    def watch(self) -> PlatformWatch:
        """Answer how the connection stands."""
        return PlatformWatch.objects.get(deployment=self.deployment)

    def deploys(self, name: str = "shop") -> list[Deploy]:
        """Answer the location's deploys, oldest first."""
        rows = Deploy.objects.filter(code_location__name=name, code_location__deployment=self.deployment)
        return list(rows.select_related("release").order_by("number"))

    def load(self, name: str = "shop") -> Load:
        """Answer the newest load."""
        return self.loads(name)[-1]

    def loads(self, name: str = "shop") -> list[Load]:
        """Answer the location's loads, oldest first."""
        rows = Load.objects.filter(code_location__name=name, code_location__deployment=self.deployment)
        return list(rows.select_related("deploy__release", "run").order_by("pk"))

    def history(self, *, collapse: bool = True, limit: int = 100) -> list[Entry]:
        """Answer what the history shows, newest first."""
        return list(loads_of(self.location(), collapse=collapse, cursor=None, limit=limit).rows)


def told(loads: list[Load]) -> list[tuple[int, bool, bool]]:
    """Answer of each load the number of its deploy, whether it went well, and whether it was the same code again."""
    return [(load.deploy.number if load.deploy else 0, load.ok, load.again) for load in loads]
