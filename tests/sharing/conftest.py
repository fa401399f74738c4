"""A workspace of three locations. Nothing that is sent to the broker here reaches a worker."""

from pathlib import Path

import pytest

from deployments import drivers
from tests.operations.brokers import flushable, silent_broker
from tests.sharing.scene import Workspace, make_workspace

__all__ = ["flushable", "silent_broker"]


@pytest.fixture
def workspace(db, tmp_path: Path, monkeypatch) -> Workspace:
    """Answer a workspace of three locations, none of them deployed, and connect its Dagster."""
    made = make_workspace(tmp_path)
    monkeypatch.setattr(drivers, "platform_for", lambda location: made.platform)
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: made.platform)
    return made
