"""A repository, a code location that is fetched from it, and a broker that gives nobody anything."""

from pathlib import Path
from typing import Any

import pytest

from deployments.git.base import Limits, Surroundings
from deployments.models import CodeLocation
from tests.factories import make_location
from tests.git.repositories import Repository
from tests.operations.brokers import flushable, silent_broker

__all__ = ["flushable", "silent_broker"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Make a repository with one commit."""
    made = Repository(tmp_path / "shop.git")
    made.commit({"dags/a.py": b"a = 1\n", "README": b"Shop"}, "First\n\nWith a body.")
    return made


@pytest.fixture
def where(tmp_path: Path) -> Surroundings:
    """Answer where git may write in this test."""
    return Surroundings(tmp_path / "spool", Limits(20, 50_000_000, 1000, 1_000_000, 5_000_000))


@pytest.fixture
def by_file(settings: Any) -> None:
    """Let the portal fetch from folders of this machine."""
    settings.LASTGOOD_GIT_PROTOCOLS = ["https", "ssh", "file"]


@pytest.fixture
def shop(db: None) -> CodeLocation:
    """Make acme/production/shop."""
    return make_location()
