"""The Dagster driver asks for reloads once, and says why one was refused."""

import pytest

from deployments.platforms.base import PlatformRefused, PlatformUnreachable
from deployments.platforms.dagster import DagsterPlatform
from tests.platforms.conftest import ASKED, RELOADS
from tests.platforms.http_server import HttpServer, graphql, reply


@pytest.mark.parametrize("method", RELOADS)
def test_a_reload_is_asked_once(server: HttpServer, dagster: DagsterPlatform, method: str) -> None:
    server.answer = lambda request: reply("", 502)
    with pytest.raises(PlatformUnreachable):
        ASKED[method](dagster)

    assert len(server.requests) == 1


@pytest.mark.parametrize("method", RELOADS)
def test_a_reload_that_a_gateway_does_not_wait_for_goes_on(
    server: HttpServer, dagster: DagsterPlatform, method: str
) -> None:
    server.answer = lambda request: reply("", 504)

    assert ASKED[method](dagster) is False
    assert len(server.requests) == 1


def test_reads_good_data_under_http_500(server: HttpServer, dagster: DagsterPlatform) -> None:
    answer = {"__typename": "PythonError", "message": "boom: no space left.\nand more"}
    server.answer = lambda request: graphql({"reloadRepositoryLocation": answer}, status=500)
    with pytest.raises(PlatformRefused, match=r"while reloading orders: boom: no space left\.$") as refused:
        dagster.reload("orders")

    assert refused.value.code == "reload_failed"


def test_a_workspace_that_cannot_be_read_is_said_with_its_error(server: HttpServer, dagster: DagsterPlatform) -> None:
    answer = {
        "__typename": "PythonError",
        "message": "Errors while loading workspace.yaml.\n    Error 1: no port\nmore",
    }
    server.answer = lambda request: graphql({"reloadWorkspace": answer}, status=500)
    with pytest.raises(PlatformRefused, match=r"its locations: .+workspace.yaml. Error 1: no port\.$") as refused:
        dagster.reload_all()

    assert refused.value.code == "reload_failed"


@pytest.mark.parametrize(
    ("method", "field"), [("reload", "reloadRepositoryLocation"), ("reload_all", "reloadWorkspace")]
)
def test_a_reload_that_is_not_allowed_is_a_refusal(
    server: HttpServer, dagster: DagsterPlatform, method: str, field: str
) -> None:
    server.answer = lambda request: graphql({field: {"__typename": "UnauthorizedError", "message": "no"}})
    with pytest.raises(PlatformRefused, match="does not let us reload") as refused:
        ASKED[method](dagster)

    assert refused.value.code == "not_allowed"


def test_a_location_that_cannot_be_reloaded_is_a_refusal(server: HttpServer, dagster: DagsterPlatform) -> None:
    answer = {"__typename": "ReloadNotSupported", "message": "orders"}
    server.answer = lambda request: graphql({"reloadRepositoryLocation": answer})
    with pytest.raises(PlatformRefused, match="restart its code server") as refused:
        dagster.reload("orders")

    assert refused.value.code == "reload_not_supported"
