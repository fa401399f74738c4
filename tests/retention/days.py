"""History made on chosen days, and purges on chosen days."""

from datetime import UTC, datetime, timedelta

from deployments import execution, operations, retention
from deployments.models import CodeLocation, Deploy, Release
from tests.factories import make_deployment, make_location, superuser
from tests.operations.asking import push_parts

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAYS = 10


def day(number: float) -> datetime:
    """Answer noon of that day."""
    return START + timedelta(days=number)


def files(content: str) -> dict[str, bytes]:
    """Answer a small tree."""
    return {"a.py": f"version = {content!r}\n".encode()}


def make_short_lived_location() -> CodeLocation:
    """Make a location whose releases are kept for ten days after they were live."""
    return make_location(make_deployment(retention_days=DAYS))


def push_on(location: CodeLocation, number: float, content: str) -> Deploy:
    """Push on that day."""
    return push_parts(location, bundles={"dags": files(content)}, now=day(number))


def carry_out_on(deploy: Deploy, number: float) -> Deploy:
    """Carry out on that day."""
    execution.carry_out(deploy.pk, clock=lambda: day(number))
    return Deploy.objects.get(pk=deploy.pk)


def deploy_on(location: CodeLocation, number: float, content: str) -> Deploy:
    """Push and carry out on that day."""
    return carry_out_on(push_on(location, number, content), number)


def ask_rollback_on(location: CodeLocation, number: float, to: int | str) -> Deploy:
    """Ask for a rollback on that day."""
    return operations.request_rollback(location=location, to=to, description="Bad.", actor=superuser(), now=day(number))


def roll_back_on(location: CodeLocation, number: float, to: int | str) -> Deploy:
    """Roll back on that day."""
    return carry_out_on(ask_rollback_on(location, number, to), number)


def purge_on(number: float, *, dry_run: bool = False) -> retention.Report:
    """Purge on that day."""
    return retention.purge(now=day(number), dry_run=dry_run)


def rules(report: retention.Report) -> dict[int, str]:
    """Answer the rule that kept each release, by its first deploy; empty for what goes."""
    return {min(judged.numbers): judged.kept_because for _, judged in report.judged}


def kept(location: CodeLocation) -> set[int]:
    """Answer the numbers whose artifacts are here."""
    return set(
        Deploy.objects.filter(code_location=location, release__purged_at=None, release__isnull=False).values_list(
            "number", flat=True
        )
    )


def release_of(location: CodeLocation, number: int) -> Release:
    """Answer the release of a deploy."""
    return Release.objects.get(deploys__code_location=location, deploys__number=number)
