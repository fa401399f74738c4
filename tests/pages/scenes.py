"""Scenes that pages show: a history in which everything that can happen has happened once."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from assets.definitions.normal import Definition
from assets.states import Source
from deployments import drivers, operations
from deployments.access import Role
from deployments.models import CodeLocation, Deploy, Organization, Release
from deployments.platforms.base import LoadError, LocationReport, Status
from deployments.states import PlatformKind
from tests import factories
from tests.assets.sets import asset, define, record

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


SQL = """select
  orders.order_id,
  orders.customer_id,
  orders.ordered_at,
  orders.amount as amount
from {{ source('shop', 'orders') }} as orders
where orders.status <> 'test'
order by orders.ordered_at
"""
IN_CURRENCY = SQL.replace("orders.amount as amount", "orders.amount * rates.rate as amount_eur").replace(
    "as orders\n", "as orders\njoin {{ ref('rates') }} as rates using (currency)\n"
)
DAILY = {
    "type": "time_window",
    "cron_schedule": "0 0 * * *",
    "start": 1704067200.0,
    "timezone": "UTC",
    "fmt": "%Y-%m-%d",
}
HOURLY = DAILY | {"cron_schedule": "0 * * * *", "fmt": "%Y-%m-%d-%H:%M", "end_offset": 1}
TEAM = {"group": "core", "owners": ["team:data-platform", "maria@acme.example"]}


def shop_assets(version: int) -> dict[str, Definition]:
    """Answer what a version of the shop's project defines: each changes something else."""
    orders: dict[str, Any] = {
        "code_version": str(min(version, 3)),
        "kinds": ["duckdb", "sql"],
        "description": "Orders as the customer sees them: cancelled ones are left out.",
        "tags": {"tier": "gold" if version > 2 else "silver", "domain": "sales"},
        "partitions_def": HOURLY if version > 2 else DAILY,
        "deps": [{"key": ["raw", "orders"]}, *([{"key": ["raw", "rates"]}] if version > 4 else [])],
        "metadata": {
            "sql": {"type": "Text", "value": IN_CURRENCY if version > 4 else SQL},
            "dashboard": {"type": "Url", "value": "https://bi.acme.example/d/orders?from=now-7d"},
            "rows": {"type": "Int", "value": 120_000 + version},
            "freshness": {"type": "Json", "value": {"warn_after": {"count": 6, "period": "hour"}}},
            "dagster/column_schema": {"type": "TableSchema", "value": _columns(version)},
        },
        **TEAM,
    }
    entries = [
        asset("raw/orders", group="raw", kinds=["postgres"]),
        asset("raw/customers", group="raw", kinds=["postgres"]),
        asset("analytics/orders_cleaned", **orders),
    ]
    if version > 1:
        reads = {"deps": [{"key": ["raw", "customers"]}, {"key": ["analytics", "orders_cleaned"]}]}
        entries.append(asset("analytics/customers", kinds=["python"], **reads, **TEAM))
    if version < 5:
        entries.append(asset("analytics/orders_legacy", kinds=["python"], deps=[{"key": ["raw", "orders"]}]))
    if version > 4:
        entries.append(asset("raw/rates", group="raw", kinds=["python"], partitions_def=DAILY))
        daily = {"deps": [{"key": ["analytics", "orders_cleaned"]}], "partitions_def": DAILY}
        entries.append(asset("marts/finance/revenue_daily", group="finance", kinds=["python"], **daily))
    return define(*entries)


def with_assets(location: CodeLocation) -> CodeLocation:
    """Record what the deploys of `long_history` define: a rollback, two sources, a dbt project, one of them unsaid."""
    live = {deploy.number: deploy for deploy in location.deploys.went_live()}
    for number in (1, 2, 3):
        record(live[number], shop_assets(number))
    models = [
        asset("model.finance.revenue", code_version="9f3a6f0c2d11", group="finance", kinds=["dbt", "model"]),
        asset("source.finance.invoices", code_version=None, group="finance", kinds=["dbt", "source"]),
    ]
    record(live[4], shop_assets(3), source=Source.PLATFORM)
    record(live[4], define(*models), source=Source.DBT)
    record(live[5], shop_assets(5))
    record(live[7], shop_assets(5))
    return factories.fresh(location)


def _columns(version: int) -> dict[str, Any]:
    names = {"order_id": "bigint", "customer_id": "bigint", "ordered_at": "timestamp"}
    names |= {"amount_eur": "decimal(18, 2)"} if version > 4 else {"amount": "decimal(18, 2)"}
    columns = [
        {
            "name": name,
            "type": kind,
            "description": "Whoever ordered, see `raw/customers`" if name == "customer_id" else None,
            "constraints": {"nullable": name != "order_id", "unique": name == "order_id", "other": []},
            "tags": {"pii": ""} if name == "customer_id" else {},
        }
        for name, kind in names.items()
    ]
    return {"columns": columns, "constraints": []}
