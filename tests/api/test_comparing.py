"""Two deploys that are compared …"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.states import Source
from deployments.access import Role
from deployments.models import CodeLocation, Deploy
from tests.api.asking import Api, answered, refused
from tests.api.test_assets import keys, walk
from tests.assets.sets import asset, define, record, row_of_history
from tests.factories import deploy, make_location, make_member
from tests.operations.asking import ONE, TWO

pytestmark = [pytest.mark.django_db, pytest.mark.services]

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def location() -> CodeLocation:
    """Answer acme/production/shop, with four deploys, the second and the fourth of which say what they define."""
    location = make_location()
    row_of_history(location)
    record(row_of_history(location), define(asset("a"), asset("b", tags={"x": "1"}), asset("same")))
    row_of_history(location)
    record(row_of_history(location), define(asset("b", code_version="2", tags={"x": "2"}), asset("c"), asset("same")))
    return location


@pytest.fixture
def viewer(location) -> Api:
    """Answer the client of somebody who may look."""
    return Api(make_member(Role.VIEWER, location.deployment))


def compare(api: Api, old: Any, new: Any, **query: Any) -> Any:
    """Answer the comparison."""
    return answered(api.get("compare/", **{"from": old, "to": new, **query}), 200)


def told(body: Any) -> list[tuple[str, str, list[str]]]:
    """Answer what differs, in few words."""
    return [(row["key"], row["kind"], row["change_types"]) for row in body["results"]]


def test_show_every_asset_that_differs(viewer):
    body = compare(viewer, 2, 4)

    assert told(body) == [("a", "removed", []), ("b", "changed", ["CODE_VERSION", "TAGS"]), ("c", "added", [])]
    assert body["assets"] == {
        "added": 1,
        "removed": 1,
        "changed": 1,
        "unchanged": 1,
        "by_type": {"CODE_VERSION": 1, "TAGS": 1},
        "from_recorded": {"ASSETS": 2},
        "to_recorded": {"ASSETS": 4},
    }
    assert (body["from"]["number"], body["to"]["number"]) == (2, 4)
    assert body["results"][0]["definition"]["code_version"] == "1"
    assert body["results"][1]["details"]["code_version"] == {"old": "1", "new": "2"}


def test_show_the_way_back_too(viewer):
    body = compare(viewer, 4, 2)

    assert told(body) == [("a", "added", []), ("b", "changed", ["CODE_VERSION", "TAGS"]), ("c", "removed", [])]
    assert body["results"][1]["details"]["tags"]["changed"] == {"x": {"old": "2", "new": "1"}}


def test_are_equal_to_themselves(viewer):
    body = compare(viewer, "#4", 4)

    assert (told(body), body["assets"]["unchanged"], body["bundles"]) == ([], 3, [])
    assert (body["image"], body["runtime_version"]) == (None, None)


def test_define_what_was_recorded_last_before_them(viewer):
    body = compare(viewer, 3, 4)

    assert body["assets"]["from_recorded"] == {"ASSETS": 2}
    assert len(body["results"]) == 3


def test_that_did_not_go_live_define_nothing_that_anybody_knows(location, viewer):
    failed = row_of_history(location, live_seq=None, status="FAILED")

    for old, new in ((4, failed.number), (failed.number, 4), (failed.number, failed.number)):
        body = compare(viewer, old, new)
        assert (body["assets"], body["results"]) == (None, [])


def test_that_came_before_the_first_recorded_one_have_no_assets(viewer):
    body = compare(viewer, 1, 1)

    assert (body["assets"], body["results"]) == (None, [])


def test_say_when_nothing_was_recorded_of_the_one(viewer):
    body = compare(viewer, 1, 2)

    assert (body["assets"]["from_recorded"], body["assets"]["to_recorded"]) == ({}, {"ASSETS": 2})
    assert {row["kind"] for row in body["results"]} == {"added"}


def test_are_paged_on_and_back(location, viewer):
    record(
        row_of_history(location), define(*(asset(f"many/{number:03}") for number in range(17)), asset("Z"), asset("é"))
    )

    rows = walk(viewer, "compare/", **{"from": "4", "to": "5", "limit": 4})

    found = [row["key"] for row in rows]
    assert found == sorted(["b", "c", "same", "Z", "é", *(f"many/{number:03}" for number in range(17))])
    assert len(keys(compare(viewer, 4, 5, limit=200))) == 22


def test_show_what_a_rollback_brought_back_as_the_same(location, viewer):
    record(row_of_history(location), define(asset("a"), asset("b", tags={"x": "1"}), asset("same")))

    body = compare(viewer, 2, 5)

    assert (body["results"], body["assets"]["unchanged"]) == ([], 3)


def test_of_two_sources_are_compared_in_what_both_can_see(location, viewer):
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *"}
    read = {"type": "time_window", "description": "Daily."}
    record(row_of_history(location), define(asset("p", partitions_def=exact)))
    record(row_of_history(location), define(asset("p", partitions_def=read, code_version="2")), source=Source.PLATFORM)

    body = compare(viewer, 5, 6)

    assert told(body) == [("p", "changed", ["CODE_VERSION"])]
    assert body["results"][0]["details"]["change_types"] == ["CODE_VERSION"]


def test_of_two_worlds_are_compared_in_each(location, viewer):
    fifth, sixth = row_of_history(location), row_of_history(location)
    record(fifth, define(asset("model.a"), asset("model.b")), source=Source.DBT)
    record(sixth, define(asset("model.a", code_version="2")), source=Source.DBT)

    body = compare(viewer, 5, 6)

    assert told(body) == [("model.a", "changed", ["CODE_VERSION"]), ("model.b", "removed", [])]
    assert body["assets"]["to_recorded"] == {"ASSETS": 4, "DBT": 6}
    assert body["assets"]["unchanged"] == 3


def test_show_their_files_and_versions_too(location, viewer):
    deploy(location, ONE)
    deploy(location, TWO | {"b.py": b""})

    body = compare(viewer, 5, 6)

    [bundle] = body["bundles"]
    assert (bundle["mount"], bundle["added"], bundle["changed"]) == ("dags", 1, 1)
    assert {each["path"] for each in bundle["files"]} == {"a.py", "b.py"}


@pytest.mark.parametrize(("old", "new"), [(2, 99), (99, 2), (0, 2), (2, 10**17)])
def test_that_are_not_there_are_not_found(viewer, old: int, new: int):
    refused(viewer.get("compare/", **{"from": old, "to": new}), 404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from": "2"},
        {"to": "2"},
        {"from": "", "to": "2"},
        {"from": "two", "to": "2"},
        {"from": "-1", "to": "2"},
        {"from": "1.5", "to": "2"},
        {"from": "²", "to": "2"},
        {"from": "2", "to": "9" * 5000},
        {"from": "2", "to": "2\0"},
    ],
)
def test_that_are_named_by_nonsense_are_refused(viewer, query: dict[str, str]):
    refused(viewer.get("compare/", **query), 400, "bad_number")


def test_are_not_needed_to_ask_what_was_live_at_a_time(location, viewer):
    for number in (1, 2, 3, 4):
        Deploy.objects.filter(number=number).update(finished_at=NOON + timedelta(hours=number))

    def live(at: str) -> int | None:
        body = answered(viewer.get("compare/", at=at), 200)
        return body["live"]["number"] if body["live"] else None

    assert live("2020-01-01T12:59:59Z") is None
    assert live("2020-01-01T13:00:00Z") == 1
    assert live("2020-01-01T17:30:00+02:00") == 3
    assert (live("2020-01-01"), live("2020-01-03")) == (None, 4)
    assert live("0001-01-02T00:00:00Z") is None


def test_are_what_is_live_now_at_a_time_to_come(viewer):
    assert answered(viewer.get("compare/", at="9999-12-31T00:00:00Z"), 200)["live"]["number"] == 4


@pytest.mark.parametrize(
    "at", ["", "now", "2026-13-01", "2026-02-30T00:00:00Z", "\0", "1", "0001-01-01T00:00:00+23:00", "9" * 500]
)
def test_or_a_time_that_is_none_are_refused(viewer, at: str):
    refused(viewer.get("compare/", at=at), 400, "bad_time")
