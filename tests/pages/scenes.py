"""Scenes that pages show: a history in which everything that can happen has happened once."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from unittest import mock

from django.utils import timezone

from deployments import drivers, operations
from deployments.access import Role
from deployments.models import CodeLocation, Deploy, Organization, Release
from deployments.platforms.base import LoadError, LocationReport, Status
from deployments.states import PlatformKind
from tests import factories

GIT = {
    "commit": "4be1f6a90cde7b1fb5c0a8a6f7e6d9c3b2a19080",
    "url": "git@github.com:acme/pipelines.git",
    "branch": "main",
    "author": "Maria Lindqvist",
    "message": "Price orders in the customer's currency",
}
STACK = (
    '  File "definitions.py", line 41, in <module>\n    from shop.orders import priced_orders\n'
    '  File "shop/orders.py", line 7, in <module>\n    from shop.currency import rates\n'
)


@dataclass
class ScriptedPlatform:
    """A platform that answers what a scene says: `error` is what the next load ends with, `digest` what it defines."""

    digest: str = "d0"
    error: LoadError | None = None
    loads: int = 0

    def version(self) -> str:
        return "1.13"

    def status(self, location: str) -> Status:
        return Status(f"v{self.loads}", loading=False, server_id=None if self.error else f"s{self.loads}")

    def report(self, location: str) -> LocationReport:
        defined = None if self.error else self.digest
        return LocationReport(f"v{self.loads}", None if self.error else f"s{self.loads}", self.error, defined, 12)

    def reload(self, location: str) -> bool:
        self.loads += 1
        return True


def broken_import() -> LoadError:
    """Answer the error of a code location that imports what is not there."""
    outer = LoadError("Error loading module definitions.py", "DagsterUserCodeLoadError")
    inner = {"message": "No module named 'shop.currency'\n", "class_name": "ModuleNotFoundError", "stack": STACK}
    return LoadError(
        outer.message,
        outer.class_name,
        [{"message": outer.message, "class_name": outer.class_name, "stack": ""}, inner],
    )


def files(version: int, *, extra: int = 0) -> dict[str, bytes]:
    """Answer a small project: every version changes one file."""
    tree = {
        "definitions.py": f"VERSION = {version}\n".encode(),
        "shop/__init__.py": b"",
        "shop/orders.py": f"# orders, version {version}\n".encode(),
        "shop/customers.py": b"# customers\n",
    }
    return tree | {f"shop/generated_{number}.py": b"x = 1\n" for number in range(extra)}


def connect(location: CodeLocation) -> None:
    """Say that a Dagster is connected to the deployment."""
    deployment = location.deployment
    deployment.platform, deployment.platform_url = PlatformKind.DAGSTER, "http://localhost:3000"
    deployment.save()


def playing(platform: ScriptedPlatform) -> AbstractContextManager[object]:
    """Let this platform answer in the place of a Dagster."""
    return mock.patch.object(drivers, "platform_for", lambda place: platform if place.deployment.has_platform else None)


def long_history(organization: Organization) -> CodeLocation:
    """Make a location with a Dagster, and a history with successes, a failed load, a rollback, held pushes, a purge."""
    location = factories.make_location(factories.make_deployment(organization, name="Production"))
    connect(location)
    platform = ScriptedPlatform()
    ci = factories.make_user("github-actions")
    from deployments.models import ServiceAccount

    ServiceAccount.objects.create(user=ci, organization=organization, name="ci", created_by_name="operator")
    from deployments import access

    access.grant(user=ci, role=Role.DEPLOYER, on=organization, actor=factories.superuser())

    def ship(version: int, words: str, *, extra: int = 0, mount: str = "dags", **git: str) -> Deploy:
        platform.digest = f"d{version}"
        pushed = factories.push(
            location,
            files(version, extra=extra),
            mount=mount,
            actor=ci,
            description=words,
            git=GIT | {"commit": f"{version:x}" * 7 + GIT["commit"][:20], "message": words} | git,
        )
        return factories.carry_out(pushed)

    with playing(platform):
        first = ship(1, "First version of the shop's pipelines")
        ship(2, "Add customers")
        ship(3, "Load orders every hour instead of every day")
        ship(4, "Mount the dbt project of finance", mount="dbt/finance")
        _with_image(location, ci, platform)
        platform.error = broken_import()
        ship(6, "Price orders in the customer's currency", extra=3)
        platform.error = None
        factories.roll_back(location, description="Orders fail to load since #6: back to the image of this morning")
        _push(location, 8, ci, "Price orders in the customer's currency, with the missing module")
        _push(location, 9, ci, "Rename a column")
        platform.digest = "d4"
    purge(first)
    _age(location)
    return factories.fresh(location)


def purge(deploy: Deploy) -> None:
    """Take the files of a deploy away, as retention does."""
    Release.objects.filter(pk=deploy.release_id).update(
        purged_at=timezone.now(), purged_because="older than 90 days, and nothing needs it."
    )


def _with_image(location: CodeLocation, ci: object, platform: ScriptedPlatform) -> None:
    platform.digest = "d5"
    digest = factories.upload(location.deployment.organization, files(5))
    parts = {"bundles": {"dags": digest}, "image": "registry.example/acme/shop:2026.11.3", "runtime_version": "1.13.2"}
    push = operations.Push(parts=parts, description="Image with pandas 3, and the DAGs that need it", git=GIT)
    factories.carry_out(
        operations.create_deploy(location=location, push=push, actor=factories.superuser(), now=timezone.now())
    )


def _push(location: CodeLocation, version: int, ci: object, words: str) -> Deploy:
    return factories.push(location, files(version), description=words, git=GIT)


def _age(location: CodeLocation) -> None:
    """Spread the rows over some days, as if they had not all happened now."""
    rows = list(location.deploys.order_by("-number"))
    steps = [4, 9, 31, 47, 180, 60 * 7, 60 * 26, 60 * 49, 60 * 24 * 9, 60 * 24 * 40, 60 * 24 * 95]
    for row, minutes in zip(rows, steps, strict=False):
        back = timezone.now() - timedelta(minutes=minutes) - row.created_at
        moved = {
            name: getattr(row, name) + back
            for name in ("created_at", "started_at", "activated_at", "reloaded_at", "verified_at", "finished_at")
            if getattr(row, name)
        }
        type(row).objects.filter(pk=row.pk).update(**moved)
        for line in row.events.all():
            row.events.filter(pk=line.pk).update(at=line.at + back)
    for hold in location.holds.all():
        location.holds.filter(pk=hold.pk).update(created_at=timezone.now() - timedelta(minutes=29))
