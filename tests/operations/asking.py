"""Pushes and second looks, in few words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from deployments import execution, operations
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deploy
from portal.common.problems import Refusal
from tests.factories import superuser, upload

ONE, TWO, THREE, FOUR = ({"a.py": f"version = {number}\n".encode()} for number in (1, 2, 3, 4))


def push_parts(location: CodeLocation, *, actor: Any = None, now: Any = None, image: str = "", **said: Any) -> Deploy:
    """Push trees at their mounts (`bundles={mount: files or None}`) and an image."""
    trees = said.pop("bundles", {})
    organization = location.deployment.organization
    parts: dict[str, Any] = {}
    if trees:
        parts["bundles"] = {
            mount: None if files is None else upload(organization, files) for mount, files in trees.items()
        }
    if image:
        parts["image"] = image
    if "runtime_version" in said:
        parts["runtime_version"] = said.pop("runtime_version")
    return operations.create_deploy(
        location=location,
        push=operations.Push(parts=parts, **said),
        actor=actor or superuser(),
        now=now or timezone.now(),
    )


def cancel(deploy: Deploy) -> Deploy:
    """Cancel it."""
    return operations.cancel(deploy=Deploy.objects.get(pk=deploy.pk), actor=superuser(), now=timezone.now())


def retry(deploy: Deploy) -> Deploy:
    """Ask for it again."""
    return operations.retry(deploy=Deploy.objects.get(pk=deploy.pk), actor=superuser(), now=timezone.now())


def hold(location: CodeLocation, reason: str = "Month end.", **said: Any) -> Any:
    """Hold it."""
    return operations.hold(location=location, reason=reason, actor=superuser(), now=timezone.now(), **said)


def resume(location: CodeLocation) -> Deploy | None:
    """Let it go."""
    return operations.resume(location=location, actor=superuser(), now=timezone.now())


def look_again(deploy: Deploy, *, later: timedelta = timedelta()) -> Deploy:
    """Carry a parked deploy on as if its waiting were over, and answer it as it is then."""
    Deploy.objects.filter(pk=deploy.pk).update(next_check_at=timezone.now() - timedelta(seconds=1))
    execution.carry_out(deploy.pk, clock=lambda: timezone.now() + later)
    return Deploy.objects.get(pk=deploy.pk)


def settle(location: CodeLocation) -> None:
    """Have the target agree with the rows, as the worker does after a cancel."""
    execution.settle_target(location.pk, clock=timezone.now)


def current(location: CodeLocation) -> Path:
    """Answer the link that the code server reads through."""
    return target_path(location) / "current"


def in_place(location: CodeLocation) -> dict[str, bytes]:
    """Answer the pushed files that are in place; not the portal's own, which tell image, runtime and settings."""
    root = current(location)
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if not path.startswith(".lastgood/")}


def lines(deploy: Deploy) -> str:
    """Answer what the deploy's events say."""
    return "\n".join(deploy.events.order_by("seq").values_list("message", flat=True))


def refusal(act: Any) -> Refusal:
    """Answer the refusal that this is met with."""
    with pytest.raises(Refusal) as refused:
        act()
    assert refused.value.detail.endswith((".", "…"))
    return refused.value
