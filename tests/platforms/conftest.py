"""A server of ours, and a driver that asks it."""

from collections.abc import Iterator

import pytest

from deployments.platforms.dagster import DagsterPlatform
from deployments.platforms.dagster_http import Limits
from tests.platforms.http_server import HttpServer, graphql

SECRET = "s3cr3t-t0k3n"
HEADERS = {"Authorization": f"Bearer {SECRET}"}
GOOD = graphql({"version": "1.13.27"})


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(lambda request: GOOD).running() as running:
        yield running


@pytest.fixture
def dagster(server: HttpServer) -> Iterator[DagsterPlatform]:
    limits = Limits(answer_bytes=300_000, report_bytes=1_000_000)
    with DagsterPlatform(server.url, headers=HEADERS, timeout=0.3, limits=limits) as platform:
        yield platform
