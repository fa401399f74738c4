"""The Dagster driver reads a location whole, from one load, whatever its version answers."""

import json
from typing import Any

import pytest

from deployments.platforms.base import PlatformRefused, PlatformUnreachable
from deployments.platforms.dagster import DagsterPlatform
from deployments.platforms.dagster_http import Limits
from deployments.platforms.dagster_reading import PAGE
from tests.platforms.http_server import HttpServer, Reply, Request, graphql


class FakeDagster:
    """Answers like a Dagster with one location of three assets, two of them on the first page."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)  # the version key at each question
        self.status = "LOADED"
        self.loaded: dict[str, Any] | None = {
            "__typename": "RepositoryLocation",
            "serverId": "a",
            "dagsterLibraryVersions": None,
            "repositories": [{"name": "r", "jobs": [], "schedules": [], "sensors": []}],
        }
        self.paged = True

    def __call__(self, request: Request) -> Reply:
        key = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        entry: dict[str, Any] = {
            "__typename": "WorkspaceLocationEntry",
            "loadStatus": self.status,
            "versionKey": json.dumps([key, None]),
            "displayMetadata": [],
            "locationOrLoadError": self.loaded,
        }
        return graphql(
            {
                "version": "1.13.27",
                "workspaceLocationEntryOrError": entry,
                "repositoryOrError": {"__typename": "Repository", **self._assets(request, key)},
                "Repository": {"fields": [{"name": "assetNodesConnection"}] if self.paged else []},
                "AssetNode": {"fields": []},
                "FloatMetadataEntry": {"fields": []},
                "PoolMetadataEntry": None,
            }
        )

    def _assets(self, request: Request, key: str) -> dict[str, Any]:
        nodes = [
            {"assetKey": {"path": [f"{key}{number}"]}, "opVersion": key, "metadataEntries": []} for number in range(3)
        ]
        if not self.paged:
            return {"assetNodes": nodes}
        if request.variables.get("cursor") is None:
            return {"assetNodesConnection": {"nodes": nodes[:2], "cursor": "2", "hasMore": True}}
        return {"assetNodesConnection": {"nodes": nodes[2:], "cursor": "3", "hasMore": False}}


def test_reads_every_page(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = FakeDagster("a")
    report = dagster.report("orders")

    assert report is not None
    assert (report.asset_count, report.server_id) == (3, "a")
    assert [request.variables.get("cursor") for request in server.requests] == [None, None, "2"]
    assert server.requests[1].variables["limit"] == PAGE


def test_reads_unpaged_what_an_older_dagster_answers(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = older = FakeDagster("a")
    older.paged = False
    report = dagster.report("orders")

    assert report is not None
    assert report.asset_count == 3
    assert len(server.requests) == 2
    assert b"assetNodesConnection" not in server.requests[1].body


def test_never_mixes_two_loads(server: HttpServer, dagster: DagsterPlatform) -> None:
    # Reloaded between the two pages: read again from the start.
    server.answer = FakeDagster("a", "a", "b")
    report = dagster.report("orders")

    assert report is not None
    assert {asset["code_version"] for asset in report.raw["assets"]} == {"b"}
    assert report.version_key == '["b", null]'


def test_gives_up_on_a_location_that_never_rests(server: HttpServer, dagster: DagsterPlatform) -> None:
    server.answer = FakeDagster(*(str(number) for number in range(100)))
    with pytest.raises(PlatformUnreachable, match="loaded orders anew") as unreachable:
        dagster.report("orders")

    assert unreachable.value.code == "platform_moving"
    assert len(server.requests) < 10


@pytest.mark.parametrize(("status", "loaded"), [("LOADING", {}), ("LOADING", None), ("LOADED", None)])
def test_a_location_that_is_still_loading_is_no_report(
    server: HttpServer, dagster: DagsterPlatform, status: str, loaded: dict[str, Any] | None
) -> None:
    server.answer = fake = FakeDagster("a")
    fake.status, fake.loaded = status, loaded
    with pytest.raises(PlatformUnreachable) as unreachable:
        dagster.report("orders")

    assert unreachable.value.code == "platform_loading"


@pytest.mark.parametrize(
    ("version_key", "server_id"),
    [
        ('["68a17b56-124f", null]', "68a17b56-124f"),
        ('["68a17b56-124f", "registry/image:7"]', "68a17b56-124f"),
        ("68a17b56-124f", "68a17b56-124f"),  # older versions
        ("1795296310.58", None),  # failed to load
    ],
)
def test_reads_the_code_server_out_of_the_version_key(
    server: HttpServer, dagster: DagsterPlatform, version_key: str, server_id: str | None
) -> None:
    entry = {"__typename": "WorkspaceLocationEntry", "loadStatus": "LOADED", "versionKey": version_key}
    server.answer = lambda request: graphql({"workspaceLocationEntryOrError": entry})
    status = dagster.status("orders")

    assert status is not None
    assert (status.version_key, status.server_id) == (version_key, server_id)


def test_reads_why_a_location_failed_outermost_first(server: HttpServer, dagster: DagsterPlatform) -> None:
    def error(name: str, message: str) -> dict[str, Any]:
        return {"__typename": "PythonError", "className": name, "message": message, "stack": ["a\n", "b\n"]}

    server.answer = fake = FakeDagster("a")
    cause = error("ValueError", "ValueError: no\0 such: thing\n")
    fake.loaded = {
        **error("DagsterUserCodeLoadError", "dagster._core.errors.DagsterUserCodeLoadError: It failed"),
        "errorChain": [{"error": cause}],
    }
    report = dagster.report("orders")

    assert report is not None
    assert report.error is not None
    assert report.error.message == "It failed"
    assert report.error.chain == [
        {"message": "It failed", "class_name": "DagsterUserCodeLoadError", "stack": "a\nb\n", "frame": ""},
        {"message": "no\\x00 such: thing", "class_name": "ValueError", "stack": "a\nb\n", "frame": ""},
    ]


def test_pages_without_end_are_refused(server: HttpServer) -> None:
    answer = FakeDagster("a")

    def more(request: Request) -> Reply:
        request.body = request.body.replace(b'"cursor":"2"', b'"cursor":null')
        return answer(request)

    server.answer = more
    with (
        DagsterPlatform(server.url, limits=Limits(report_bytes=20_000)) as dagster,
        pytest.raises(PlatformRefused) as refused,
    ):
        dagster.report("orders")

    assert refused.value.code == "platform_answer_too_large"
