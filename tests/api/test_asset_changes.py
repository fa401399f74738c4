"""Assets, asked over the API for what changed in them …"""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.asking import answered, refused
from tests.api.test_assets import keys, location, viewer, walk
from tests.assets.sets import asset, define, record, row_of_history
from tests.factories import make_deployment, make_location

__all__ = ["location", "viewer"]

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_have_a_history_of_changes(viewer):
    newest, middle, oldest = answered(viewer.get("assets/changes/", key="db/orders"), 200)["results"]

    assert [row["deploy"]["number"] for row in (newest, middle, oldest)] == [3, 2, 1]
    assert (oldest["kind"], oldest["definition"]["tags"]["tier"], oldest["details"]) == ("added", "gold", None)
    assert (middle["kind"], middle["change_types"], middle["definition"]) == ("changed", ["CODE_VERSION", "TAGS"], None)
    assert middle["details"] == {
        "change_types": ["CODE_VERSION", "TAGS"],
        "code_version": {"old": "1", "new": "2"},
        "tags": {"added": {}, "removed": {}, "changed": {"tier": {"old": "gold", "new": "silver"}}},
    }
    assert (newest["before_version"], newest["after_version"], newest["compared"]) == (2, 3, "sent")


def test_have_a_history_that_comes_in_pages(location, viewer):
    for number in range(11):
        record(row_of_history(location), define(asset("new", code_version=f"v{number}")))

    rows = walk(viewer, "assets/changes/", key="new", limit=4)

    assert [row["deploy"]["number"] for row in rows] == [*range(14, 3, -1), 3, 2]


def test_have_a_history_that_costs_the_same_however_long_it_is(location, viewer):
    def queries(path: str, **query: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            answered(viewer.get(path, **query), 200)
        return len(captured)

    asked = [("assets/changes/", {"key": "new"}), ("assets/", {}), ("assets/detail/", {"key": "new"})]
    asked += [("deploys/2/asset-changes/", {}), ("compare/", {"from": "2", "to": "1"}), ("deploys/", {"asset": "new"})]
    queries("assets/")
    few = [queries(path, **query) for path, query in asked]
    for number in range(30):
        entries = (asset(f"a/{each}", code_version=f"{number}", deps=[{"key": ["new"]}]) for each in range(30))
        record(row_of_history(location), define(asset("new", code_version=f"v{number}"), *entries))
    asked[3], asked[4] = ("deploys/20/asset-changes/", {}), ("compare/", {"from": "1", "to": "30"})

    many = [queries(path, **query) for path, query in asked]

    assert [one for one in zip(many, few, strict=True) if one[0] > one[1]] == []
    assert max(few) <= 15


def test_d6_that_a_deploy_changed_are_listed_with_what_was_recorded(viewer):
    body = answered(viewer.get("deploys/2/asset-changes/"), 200)

    assert [(row["key"], row["kind"], row["change_types"]) for row in body["results"]] == [
        ("db/orders", "changed", ["CODE_VERSION", "TAGS"]),
        ("new", "added", []),
    ]
    assert body["counts"] == {"added": 1, "removed": 0, "changed": 1}
    [recorded] = body["recorded"]
    assert (recorded["source"], recorded["assets"], recorded["compared_with"]) == ("SNAPSHOT", 3, 1)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "added"}, ["new"]),
        ({"kind": "changed"}, ["db/orders"]),
        ({"kind": ["added", "changed"]}, ["db/orders", "new"]),
        ({"kind": "removed"}, []),
        ({"type": "TAGS"}, ["db/orders"]),
        ({"type": "METADATA"}, []),
        ({"type": ["METADATA", "CODE_VERSION"]}, ["db/orders"]),
        ({"type": "TAGS", "kind": "added"}, []),
        ({"q": "ORD"}, ["db/orders"]),
        ({"q": "\0new"}, ["new"]),
        ({"q": "%"}, []),
    ],
)
def test_that_a_deploy_changed_are_filtered(viewer, query: dict[str, Any], found: list[str]):
    assert keys(answered(viewer.get("deploys/2/asset-changes/", **query), 200)) == found


@pytest.mark.parametrize(
    "query", [{"kind": "moon"}, {"kind": "ADDED"}, {"type": "tags"}, {"type": "x\0"}, {"type": ""}]
)
def test_that_a_deploy_changed_are_not_filtered_by_nonsense(viewer, query: dict[str, str]):
    body = refused(viewer.get("deploys/2/asset-changes/", **query), 400, "bad_filter")

    assert [error["field"] for error in body["errors"]] == list(query)


def test_that_a_deploy_changed_come_in_pages(location, viewer):
    record(row_of_history(location), define(*(asset(f"many/{number:02}") for number in range(12))))

    found = [row["key"] for row in walk(viewer, "deploys/4/asset-changes/", limit=5)]

    assert found == ["db/orders", *(f"many/{number:02}" for number in range(12)), "new"]


def test_of_a_deploy_of_which_nobody_knows_any_are_none(location, viewer):
    row_of_history(location)

    body = answered(viewer.get("deploys/4/asset-changes/"), 200)

    assert (body["results"], body["recorded"], body["counts"]) == ([], [], None)


def test_name_the_deploys_that_changed_them(location, viewer):
    elsewhere = make_location(make_deployment(location.deployment.organization, "staging"))
    record(row_of_history(elsewhere), define(asset("raw/orders")))

    def numbers(key: str) -> list[int]:
        return [row["number"] for row in answered(viewer.get("deploys/", asset=key), 200)["results"]]

    assert (numbers("raw/orders"), numbers("new"), numbers("nothing")) == ([3, 1], [3, 2], [])
    assert numbers("") == [3, 2, 1]
    refused(viewer.get("deploys/", asset="a\0"), 400, "bad_filter")
