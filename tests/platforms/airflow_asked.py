"""Asking the driver again and again how far a scripted Airflow is with a release."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.base import Convergence, Expected, ExpectedFile
from tests.platforms.airflow_api import NOON, PASSWORD, USER, Airflow, dag, later
from tests.platforms.http_server import HttpServer

RELEASE, BEFORE = "2-0123456789ab", "1-ba9876543210"
DAG_FILE = "from airflow.sdk import DAG\n"
OLD_FILE = "# as it was\n"


class Asked:
    """Asks again and again about one release, placed at noon, as time goes by."""

    def __init__(self, url: str, files: dict[str, str]) -> None:
        self.now: datetime = NOON
        self.seen: dict[str, Any] = {}
        self.texts_read: list[str] = []
        self.expected = Expected(RELEASE, {path: self._file(path, text) for path, text in files.items()}, NOON)
        self.platform = AirflowPlatform(url, user=USER, password=PASSWORD, clock=lambda: self.now)

    def at(self, seconds: float) -> Convergence:
        """Answer how far it is so many seconds after the release was placed."""
        self.now = later(seconds)
        found = self.platform.converge(self.expected, self.seen)
        self.seen = found.seen
        return found

    def _file(self, path: str, text: str) -> ExpectedFile:
        def read() -> str:
            self.texts_read.append(path)
            return text

        return ExpectedFile(path, hashlib.sha256(text.encode()).hexdigest(), read)


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


@pytest.fixture
def ask(airflow: Airflow) -> Iterator[Callable[[dict[str, str]], Asked]]:
    with HttpServer(airflow).running() as server:
        yield lambda files: Asked(server.url, files)


Ask = Callable[[dict[str, str]], Asked]


def serve(airflow: Airflow, name: str, text: str, *, at: float, **said: Any) -> None:
    """Let Airflow have read that text of `<name>.py` then."""
    airflow.dags = [row for row in airflow.dags if row["dag_id"] != name] + [dag(name, at=later(at), **said)]
    airflow.sources[name] = text
