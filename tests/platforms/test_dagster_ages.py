"""The Dagster driver against schemas of several ages: all of it since 1.9, and what an older one can tell."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployments.platforms.base import PlatformUnreachable, Status
from deployments.platforms.dagster import DagsterPlatform
from deployments.platforms.dagster_schema import TOLD_SINCE_1_9
from tests.platforms.dagster_schemas import V1_5_LACKS, V1_9, OfAnAge, older
from tests.platforms.http_server import HttpServer, Reply, Request, reply

KEY = '["server-1", null]'
NO_VERSION_KEYS = "This Dagster does not tell version keys: loads are told apart by their time."


@contextmanager
def asking(dagster: OfAnAge) -> Iterator[DagsterPlatform]:
    with HttpServer(dagster).running() as server, DagsterPlatform(server.url) as platform:
        yield platform


def test_asks_1_9_each_question_once() -> None:
    dagster = OfAnAge(V1_9)
    with asking(dagster) as platform:
        connection = platform.connection()
        statuses = platform.statuses()
        status = platform.status("orders")
        report = platform.report("orders")

    assert (connection.version, connection.locations) == ("1.9.13", ("orders", "billing"))
    assert (connection.may_reload, connection.missing) == (True, ())
    assert statuses == {
        "orders": Status(KEY, loading=False, server_id="server-1"),
        "billing": Status("1700000001.5", loading=False, server_id=None),
    }
    assert status == statuses["orders"]
    assert report is not None
    assert (report.version_key, report.server_id, report.missing) == (KEY, "server-1", ())
    assert report.raw["assets"][0]["owners"] == ["team:data"]
    assert report.raw["assets"][0]["metadata"]["ratio"]["value"] == 0.5
    assert dagster.operations == [
        "LastgoodConnection",
        "LastgoodStatuses",
        "LastgoodStatus",
        "LastgoodLocation",
        "LastgoodAssets",
    ]


def test_says_that_it_may_not_reload() -> None:
    with asking(OfAnAge(V1_9, may_reload=False)) as platform:
        assert platform.connection().may_reload is False


def test_does_not_know_whether_it_may_reload_without_a_location_or_when_they_differ() -> None:
    empty, mixed = OfAnAge(V1_9), OfAnAge(V1_9)
    empty.entries.clear()
    mixed.entries[0]["permissions"] = [{"permission": "reload_repository_location", "value": False}]
    with asking(empty) as platform:
        connection = platform.connection()
    with asking(mixed) as platform:
        told = platform.connection().may_reload

    assert (connection.locations, connection.may_reload) == ((), None)
    assert told is None


def test_takes_the_time_for_the_version_key_that_an_older_one_lacks() -> None:
    dagster = OfAnAge(older(*V1_5_LACKS))
    with asking(dagster) as platform:
        statuses = platform.statuses()
        status = platform.status("orders")
        report = platform.report("orders")
        failed = platform.report("billing")

    assert statuses == {
        "orders": Status("1700000000.25", loading=False, server_id=None),
        "billing": Status("1700000001.5", loading=False, server_id=None),
    }
    assert status == statuses["orders"]
    assert report is not None
    assert (report.version_key, report.server_id, report.asset_count) == ("1700000000.25", "server-1", 1)
    assert report.raw["assets"][0]["code_version"] == "3"
    assert report.raw["assets"][0]["kinds"] == []
    assert report.raw["assets"][0]["metadata"]["docs"] == {"type": "Url", "value": "https://example.com"}
    assert NO_VERSION_KEYS in report.missing
    assert "This Dagster does not tell owners of assets." in report.missing
    assert failed is not None
    assert (failed.version_key, failed.missing) == ("1700000001.5", report.missing)
    # One question is refused; what is known then fits the others.
    assert dagster.operations[:3] == ["LastgoodStatuses", "LastgoodSchema", "LastgoodStatuses"]
    assert dagster.operations.count("LastgoodSchema") == 1


def test_tells_what_an_older_one_lacks_before_anything_is_read() -> None:
    dagster = OfAnAge(older(*V1_5_LACKS))
    with asking(dagster) as platform:
        connection = platform.connection()
        report = platform.report("orders")

    assert connection.may_reload is True
    assert connection.missing[0] == NO_VERSION_KEYS
    assert report is not None
    assert report.missing == connection.missing
    assert len(connection.missing) == 8  # a type that it does not know is nothing that it could tell


@pytest.mark.parametrize("lacks", [("TableMetadataEntry",), ("TableMetadataEntry", "TableSchemaMetadataEntry")])
def test_does_without_kinds_of_metadata_that_it_does_not_know(lacks: tuple[str, ...]) -> None:
    with asking(OfAnAge(older(*lacks))) as platform:
        report = platform.report("orders")

    assert report is not None
    assert report.missing == ()
    assert report.raw["assets"][0]["metadata"]["ratio"]["value"] == 0.5


@pytest.mark.parametrize("name", TOLD_SINCE_1_9)
def test_does_without_each_of_the_fields(name: str) -> None:
    dagster = OfAnAge(older(name))
    with asking(dagster) as platform:
        connection = platform.connection()
        statuses = platform.statuses()
        status = platform.status("orders")
        report = platform.report("orders")

    words = TOLD_SINCE_1_9[name]
    assert connection.missing == ((f"This Dagster does not tell {words}.",) if words else ())
    assert connection.locations == ("orders", "billing")
    assert connection.may_reload is (None if name == "WorkspaceLocationEntry.permissions" else True)
    assert status == statuses["orders"]
    assert report is not None
    assert (report.version_key, report.missing) == (status.version_key, connection.missing)
    assert dagster.operations.count("LastgoodSchema") == 1


def test_a_reload_needs_nothing_that_an_older_one_lacks() -> None:
    dagster = OfAnAge(older(*V1_5_LACKS))
    with asking(dagster) as platform:
        answered = [platform.reload("orders"), platform.reload_all()]

    assert answered == [True, True]
    assert dagster.operations == ["LastgoodReload", "LastgoodReloadAll"]


@pytest.mark.parametrize("name", ["Query.workspaceLocationEntryOrError", "AssetNode.assetKey"])
def test_one_that_is_too_old_is_told_so(name: str) -> None:
    dagster = OfAnAge(older(name))
    with (
        asking(dagster) as platform,
        pytest.raises(PlatformUnreachable, match="This portal knows Dagster") as unreachable,
    ):
        platform.report("orders")

    assert unreachable.value.code == "platform_odd_answer"
    assert f"Cannot query field '{name.split('.')[1]}'" in str(unreachable.value)
    assert len(dagster.operations) <= 4


def test_one_that_may_not_be_asked_what_it_knows_is_odd(server: HttpServer, dagster: DagsterPlatform) -> None:
    of_an_age = OfAnAge(older(*V1_5_LACKS))

    def guarded(request: Request) -> Reply:
        if b"__schema" in request.body:
            return reply('{"errors": [{"message": "GraphQL introspection is not allowed here."}]}', 400)
        return of_an_age(request)

    server.answer = guarded
    with pytest.raises(PlatformUnreachable, match="introspection is not allowed") as unreachable:
        dagster.statuses()

    assert unreachable.value.code == "platform_odd_answer"
    assert len(server.requests) == 2
