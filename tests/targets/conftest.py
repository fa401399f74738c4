"""What the tests of targets share."""

from pathlib import Path

import pytest

from deployments.targets.directory import DirectoryTarget


@pytest.fixture
def target(tmp_path: Path) -> DirectoryTarget:
    return DirectoryTarget(tmp_path / "srv" / "dags")
