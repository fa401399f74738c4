"""Deploys of every part there is, carried out at once, and the rollbacks of them."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, Deployment, PlatformWatch
from deployments.states import PlatformKind
from tests import factories

CANARY = "hunter2-in-plain-sight"


def ship(location: CodeLocation, files: dict[str, bytes] | None = None, *, mount: str = "dags", **parts: Any) -> Deploy:
    """Push these parts (`image`, `runtime_version`, `settings`, and a file tree for the mount), and carry it out.

    `description` and `git` are said of the push.
    """
    said = {name: parts.pop(name) for name in ("description", "git", "kind") if name in parts}
    if files is not None:
        parts["bundles"] = {mount: factories.upload(location.deployment.organization, files)}
    asked = operations.Push(parts=parts, **said)
    return factories.carry_out(
        operations.create_deploy(location=location, push=asked, actor=factories.superuser(), now=timezone.now())
    )


def roll_back(location: CodeLocation, to: int, *, actor: User | None = None, **said: Any) -> Deploy:
    """Ask for a rollback and carry it out; `scope` and `acknowledged` are said of it."""
    asked = {"description": "Bad.", "now": timezone.now()} | said
    actor = actor or factories.superuser()
    return factories.carry_out(operations.request_rollback(location=location, to=to, actor=actor, **asked))


def secret(value: str) -> dict[str, Any]:
    """Answer a variable whose value nobody is told."""
    return {"value": value, "secret": True}


def make_airflow(**fields: Any) -> CodeLocation:
    """Make the one code location of a deployment in which an Airflow would run, were one connected."""
    return factories.make_location(factories.make_deployment(slug="warehouse", **fields), "default")


def history_of_airflow(location: CodeLocation) -> None:
    """Let there be #1 on an old runtime, #2 new settings, #3 a dbt project, and #4 on a newer runtime."""
    knobs = {"executor": "LocalExecutor", "airflow_version": "3.0.6"}
    first = {"env": {"WAREHOUSE_PASSWORD": secret(f"{CANARY}-1"), "REGION": "eu"}, "runtime": knobs}
    ship(
        location,
        {"orders.py": b"1\n", "customers.py": b"1\n"},
        image="registry.example/acme/airflow:2026.10.1",
        runtime_version="3.0-9",
        settings=first,
        description="Orders",
    )
    second = {"env": {"WAREHOUSE_PASSWORD": secret(f"{CANARY}-2")}, "runtime": {"executor": "CeleryExecutor"}}
    ship(location, settings=second, description="Celery workers")
    ship(location, {"dbt_project.yml": b"name: finance\n"}, mount="dbt/finance", description="Finance")
    ship(
        location,
        {"orders.py": b"2\n", "forecast.py": b"1\n"},
        image="registry.example/acme/airflow:2026.11.4",
        runtime_version="3.1-4",
        settings={"runtime": {"airflow_version": "3.1.5"}},
        description="Airflow 3.1",
    )


def connect_airflow(deployment: Deployment, **watched: Any) -> None:
    """Say that an Airflow is connected, and what is known from asking it."""
    fields = {"platform": PlatformKind.AIRFLOW, "platform_url": "http://localhost:8080"}
    Deployment.objects.filter(pk=deployment.pk).update(**fields)
    PlatformWatch.objects.update_or_create(
        deployment=deployment, defaults={"due_at": timezone.now() + timedelta(days=1), **watched}
    )
