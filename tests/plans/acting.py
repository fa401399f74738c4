"""Places with a history of code and settings, and plans of how to go back in it."""

from typing import Any

from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, RemoteAgent
from deployments.planning import Plan
from tests.factories import ask_rollback, carry_out, superuser, upload
from tests.settings.acting import push_settings


def push_all(
    location: CodeLocation, content: str, *, version: str | None = None, image: str | None = None, **settings: Any
) -> Deploy:
    """Push code (`version` is its runtime's), and settings (`env={…}, runtime={…}`), without carrying it out."""
    bundle = upload(location.deployment.organization, {"a.py": f"version = {content!r}\n".encode()})
    parts: dict[str, Any] = {"bundles": {"dags": bundle}}
    parts |= {} if version is None else {"runtime_version": version}
    parts |= {} if image is None else {"image": image}
    return push_settings(location, parts=parts, **settings)


def deploy_all(location: CodeLocation, content: str, **said: Any) -> Deploy:
    """Do the same and carry it out."""
    made = carry_out(push_all(location, content, **said))
    assert made.status == "SUCCEEDED", made.error
    return made


def plan_of(location: CodeLocation, to: int | str, scope: str = "all") -> Plan:
    """Answer the plan of a rollback as things are now."""
    return operations.plan_of(location=location, to=to, scope=scope, actor=superuser())


def report(location: CodeLocation, name: str, version: str) -> RemoteAgent:
    """Have an agent report itself."""
    return operations.report_agent(
        deployment=location.deployment, name=name, version=version, actor=superuser(), now=timezone.now()
    )


def restored(location: CodeLocation, to: int | str, **said: Any) -> Deploy:
    """Ask for a rollback and carry it out."""
    made = carry_out(ask_rollback(location, to, **said))
    assert made.status == "SUCCEEDED", made.error
    return made
