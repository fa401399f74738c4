"""What the tests of targets share."""

from pathlib import Path

import pytest

from deployments.targets import _desk
from deployments.targets.directory import DirectoryTarget


@pytest.fixture(autouse=True)
def patient_clearing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that does much else, deletions take long; the tests look at what is there afterwards."""
    monkeypatch.setattr(_desk, "CLEARING_PATIENCE", 30.0)


@pytest.fixture
def target(tmp_path: Path) -> DirectoryTarget:
    return DirectoryTarget(tmp_path / "srv" / "dags")
