"""A server of ours, and a driver that asks it."""

from collections.abc import Callable, Iterator

import pytest

from deployments.platforms.dagster import DagsterPlatform
from deployments.platforms.dagster_http import Limits
from tests.platforms.http_server import HttpServer, graphql

SECRET = "s3cr3t-t0k3n"
HEADERS = {"Authorization": f"Bearer {SECRET}"}
GOOD = graphql({"version": "1.13.27"})
ASKED: dict[str, Callable[[DagsterPlatform], object]] = {
    "status": lambda dagster: dagster.status("orders"),
    "statuses": lambda dagster: dagster.statuses(),
    "connection": lambda dagster: dagster.connection(),
    "report": lambda dagster: dagster.report("orders"),
    "reload": lambda dagster: dagster.reload("orders"),
    "reload_all": lambda dagster: dagster.reload_all(),
}
QUESTIONS = [method for method in ASKED if "reload" not in method]
RELOADS = ["reload", "reload_all"]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(lambda request: GOOD).running() as running:
        yield running


@pytest.fixture
def dagster(server: HttpServer) -> Iterator[DagsterPlatform]:
    limits = Limits(answer_bytes=300_000, report_bytes=1_000_000)
    with DagsterPlatform(server.url, headers=HEADERS, timeout=0.3, limits=limits) as platform:
        yield platform
