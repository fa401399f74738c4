"""Settings pushed, carried out, and looked at where they lie."""

import json
import subprocess
from pathlib import Path
from typing import Any

from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, Release
from tests.factories import carry_out, superuser
from tests.operations.asking import current


def secret(value: str) -> dict[str, Any]:
    """Answer a variable that nobody reads again."""
    return {"value": value, "secret": True}


def push_settings(location: CodeLocation, *, actor: Any = None, parts: Any = None, **settings: Any) -> Deploy:
    """Push settings (`env={…}, runtime={…}, free={…}`), and other parts beside them, without carrying it out."""
    return operations.create_deploy(
        location=location,
        push=operations.Push(parts={**(parts or {}), "settings": settings}),
        actor=actor or superuser(),
        now=timezone.now(),
    )


def set_up(location: CodeLocation, *, parts: Any = None, **settings: Any) -> Deploy:
    """Push settings and carry it out."""
    return carry_out(push_settings(location, parts=parts, **settings))


def release_of(deploy: Deploy) -> Release:
    """Answer the deploy's release."""
    found = Deploy.objects.select_related("release").get(pk=deploy.pk).release
    assert found is not None
    return found


def private(location: CodeLocation) -> Path:
    """Answer the folder in which a release's settings lie."""
    return current(location) / ".lastgood"


def settings_file(location: CodeLocation) -> dict[str, Any]:
    """Answer what settings.json holds."""
    found: dict[str, Any] = json.loads((private(location) / "settings.json").read_text())
    return found


def sourced(location: CodeLocation, *names: str) -> dict[str, str]:
    """Answer variables as a shell has them that read the env file."""
    script = 'set -a; . ./env; for name in "$@"; do eval "printf \'%s\\0\' \\"\\$$name\\""; done'
    told = subprocess.run(
        ["sh", "-c", script, "sh", *names], cwd=private(location), env={}, check=True, capture_output=True
    ).stdout
    return dict(zip(names, told.decode().split("\0"), strict=False))
