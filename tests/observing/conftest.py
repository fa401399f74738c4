"""A Dagster that people load by hand, and the portal that watches it."""

import pytest

from deployments import drivers
from tests.observing.dagster import Dagster
from tests.observing.world import World
from tests.operations.brokers import flushable, silent_broker

__all__ = ["flushable", "silent_broker"]


@pytest.fixture
def dagster(monkeypatch: pytest.MonkeyPatch) -> Dagster:
    """Answer the Dagster that every deployment here is connected to; it serves one location, `shop`."""
    scripted = Dagster()
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: scripted)
    return scripted


@pytest.fixture
def world(dagster: Dagster, transactional_db_if_asked: None) -> World:
    """Answer a deployment that has just been connected to it."""
    return World(dagster)


@pytest.fixture
def transactional_db_if_asked(request: pytest.FixtureRequest) -> None:
    """Have the database that the test's own mark asks for."""
    mark = request.node.get_closest_marker("django_db")
    request.getfixturevalue("transactional_db" if mark and mark.kwargs.get("transaction") else "db")
