"""Operators' commands: small scripts of our own, run by real shells."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployments.models import CodeLocation, Deployment


def command(location: CodeLocation, folder: Path, script: str, *, patience: int = 20, words: str = "") -> Path:
    """Make a script the deployment's command, and answer its path. It runs in the folder of the location's releases."""
    path = folder / "apply.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    said = {"activation_command": f"{shlex.quote(str(path))} {words}".strip(), "command_patience": patience}
    Deployment.objects.filter(pk=location.deployment_id).update(**said)
    location.deployment.refresh_from_db()
    return path


def is_running(process_id: int) -> bool:
    """Say whether a process runs; one that has ended and was not fetched by its parent does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def wait_for(condition: Callable[[], Any], *, patience: float = 20.0) -> Any:
    """Poll until the condition holds, and answer what it answered."""
    ends_at = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    return found
