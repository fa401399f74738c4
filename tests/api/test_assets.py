"""Assets of a code location, asked for over the API …"""

import json
from typing import Any

import pytest

from assets.states import Source
from deployments.access import Role
from deployments.models import CodeLocation
from tests.api.asking import LOCATION, PLACE, Api, answered, refused
from tests.assets.sets import asset, define, form, go_live, load, record, record_known_of, row_of_history
from tests.factories import make_deployment, make_location, make_member, make_organization

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ORDERS = asset("db/orders", group="core", kinds=["dbt"], deps=[{"key": ["raw", "orders"]}], tags={"tier": "gold"})
RAW = asset("raw/orders", group="raw", kinds=["csv", "file"])


@pytest.fixture
def location() -> CodeLocation:
    """Answer acme/production/shop, with three deploys that say what they define."""
    location = make_location()
    record(row_of_history(location), define(ORDERS, RAW))
    record(
        row_of_history(location), define(ORDERS | {"code_version": "2", "tags": {"tier": "silver"}}, RAW, asset("new"))
    )
    record(
        row_of_history(location), define(ORDERS | {"code_version": "2"}, asset("new", deps=[{"key": ["db", "orders"]}]))
    )
    return location


@pytest.fixture
def viewer(location) -> Api:
    """Answer the client of somebody who may look."""
    return Api(make_member(Role.VIEWER, location.deployment))


def keys(body: Any) -> list[str]:
    """Answer the keys of a page."""
    return [row["key"] for row in body["results"]]


def walk(api: Api, path: str, **query: Any) -> list[Any]:
    """Follow the cursors to the end and back again, and answer all rows in order."""
    page = answered(api.get(path, **query), 200)
    rows = list(page["results"])
    while page["next"]:
        page = answered(api.get(page["next"].removeprefix("http://testserver")), 200)
        rows += page["results"]
    again = list(page["results"])
    while page["previous"]:
        page = answered(api.get(page["previous"].removeprefix("http://testserver")), 200)
        again = page["results"] + again
    assert again == rows
    return rows


def test_are_listed_by_key_with_what_changed_them_last(viewer):
    body = answered(viewer.get("assets/"), 200)

    assert keys(body) == ["db/orders", "new"]
    orders, new = body["results"]
    assert (orders["path"], orders["group"], orders["kinds"], orders["world"]) == (
        ["db", "orders"],
        "core",
        ["dbt"],
        "ASSETS",
    )
    assert (orders["version"], orders["changed"]["number"], new["changed"]["number"]) == (3, 3, 3)
    assert orders["changed"]["actor"] == {"name": "ci", "kind": "service_account"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "ORDERS"}, ["db/orders"]),
        ({"q": "/"}, ["db/orders"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"group": "core"}, ["db/orders"]),
        ({"group": "raw"}, []),
        ({"kind": "dbt"}, ["db/orders"]),
        ({"kind": "db"}, []),
        ({"world": "ASSETS"}, ["db/orders", "new"]),
        ({"world": "DBT"}, []),
        ({"q": "o", "kind": "dbt", "group": "core"}, ["db/orders"]),
        ({"changed_since": "0"}, ["db/orders", "new"]),
        ({"changed_since": "2"}, ["db/orders", "new"]),
        ({"changed_since": "#3"}, []),
        ({"changed_since": "99"}, []),
        ({"changed_since": "2000-01-01"}, ["db/orders", "new"]),
        ({"changed_since": "2000-01-01T00:00:00Z"}, ["db/orders", "new"]),
        ({"changed_since": "2100-01-01"}, []),
        ({"changed_since": "yesterday"}, []),
        ({"changed_since": "#"}, []),
        ({"changed_since": "9" * 400}, []),
        ({"changed_since": "0001-01-01T00:00:00+23:00"}, []),
        ({"changed_since": "9999-12-31T23:59:59-23:00"}, []),
        ({"changed_since": "2026-02-30"}, []),
        ({}, ["db/orders", "new"]),
    ],
)
def test_are_filtered(viewer, query: dict[str, str], found: list[str]):
    assert keys(answered(viewer.get("assets/", **query), 200)) == found


@pytest.mark.parametrize("query", [{"world": "MOON"}, {"q": "a\0"}, {"group": "\0"}, {"kind": "\0"}])
def test_are_not_listed_by_an_odd_filter(viewer, query: dict[str, str]):
    body = refused(viewer.get("assets/", **query), 400, "bad_filter")

    assert [error["field"] for error in body["errors"]] == list(query)


def test_that_changed_since_a_deploy_are_those_that_changed_after_it_went_live(location, viewer):
    # #4 waited, and went live after #5.
    waited, fifth = row_of_history(location, live_seq=5), row_of_history(location, live_seq=4)
    CodeLocation.objects.filter(pk=location.pk).update(next_live_seq=6)
    record(fifth, define(ORDERS, asset("new")))
    record(waited, define(ORDERS, asset("new", code_version="2")))

    assert keys(answered(viewer.get("assets/", changed_since="5"), 200)) == ["new"]
    assert keys(answered(viewer.get("assets/", changed_since="4"), 200)) == []


def test_come_in_pages_without_loss_or_repetition(location, viewer):
    many = [asset(f"many/{number:03}", code_version=str(number)) for number in range(23)]
    record(row_of_history(location), define(*many, asset("Upper"), asset("été"), asset("zoo/🦆")))

    rows = walk(viewer, "assets/", limit=5)

    found = [row["key"] for row in rows]
    assert sorted(found) == sorted([*(each for each in define(*many)), "Upper", "été", "zoo/🦆"])


def test_come_in_pages_of_what_they_are_filtered_by(location, viewer):
    many = [asset(f"many/{number:03}", group="even" if number % 2 == 0 else "odd") for number in range(20)]
    record(row_of_history(location), define(*many))

    found = [row["key"] for row in walk(viewer, "assets/", limit=3, group="even")]

    assert found == [f"many/{number:03}" for number in range(0, 20, 2)]


@pytest.mark.parametrize("path", ["assets/", "assets/changes/", "deploys/2/asset-changes/", "compare/"])
@pytest.mark.parametrize(("name", "odd", "code"), [("limit", "0", "invalid"), ("cursor", "x", "invalid_cursor")])
def test_are_not_paged_by_nonsense(viewer, path: str, name: str, odd: str, code: str):
    query = {"key": "new", "from": "1", "to": "2", name: odd}

    refused(viewer.get(path, **query), 400, code)


def test_show_what_they_are_and_what_is_beside_them(viewer):
    body = answered(viewer.get("assets/detail/", key="db/orders"), 200)

    assert (body["present"], body["version"], body["exact"]) == (True, 3, True)
    assert (body["definition"]["code_version"], body["definition"]["tags"]["tier"]) == ("2", "gold")
    assert body["upstream"] == [{"key": "raw/orders", "known": False}]
    assert body["downstream"] == ["new"]
    assert body["changed"]["number"] == 3


def test_show_what_they_were_last_when_they_are_gone(viewer):
    body = answered(viewer.get("assets/detail/", key="raw/orders"), 200)

    assert (body["present"], body["version"], body["definition"]["group"]) == (False, 1, "raw")
    assert (body["upstream"], body["downstream"]) == ([], ["db/orders"])
    assert body["changed"]["number"] == 3


@pytest.mark.parametrize("path", ["assets/detail/", "assets/changes/"])
def test_that_nobody_knows_are_not_there(viewer, path: str):
    for key in ("nothing", "db", "db/orders/", "DB/ORDERS", "a\0b", "x" * 10_000, "%", "db\\/orders"):
        refused(viewer.get(path, key=key), 404, "not_found")
    refused(viewer.get(path), 400, "key_missing")
    refused(viewer.get(path, key=""), 400, "key_missing")


def test_of_a_key_with_a_slash_in_a_part_are_named_with_a_backslash_before_it(viewer, location):
    live = go_live(location)
    key = ["s3://bucket/a", "b"]
    load(live, form("x") | {"key": key}, form("y", deps=[{"key": key, "partition_mapping": None}]))
    record_known_of(live)
    name = "s3:\\/\\/bucket\\/a/b"

    assert name in keys(answered(viewer.get("assets/"), 200))
    body = answered(viewer.get("assets/detail/", key=name), 200)
    assert (body["path"], body["downstream"], body["exact"]) == (["s3://bucket/a", "b"], ["y"], False)
    assert answered(viewer.get("assets/detail/", key="y"), 200)["upstream"] == [{"key": name, "known": True}]
    assert answered(viewer.get("assets/changes/", key=name), 200)["results"][0]["kind"] == "added"


def test_of_others_are_not_there(location, viewer):
    globex = make_location(make_deployment(make_organization("globex")))
    record(row_of_history(globex), define(asset("secret")))
    theirs = LOCATION.replace("acme", "globex")

    paths = ["assets/", "assets/detail/?key=secret", "assets/changes/?key=secret", "compare/?from=1&to=1"]
    for path in [*paths, "compare/?at=2100-01-01", "deploys/1/asset-changes/"]:
        refused(viewer.get(f"{theirs}/{path}"), 404, "not_found")
    refused(viewer.ask("PUT", f"{theirs}/deploys/1/assets/", {"assets": []}), 404, "not_found")
    refused(viewer.get("assets/detail/", key="secret"), 404, "not_found")


@pytest.mark.parametrize(
    ("labels", "status"),
    [
        (["dagster/table_name"], 200),
        ([], 200),
        (["x" * 201], 400),
        (["a\0"], 400),
        ("dagster/table_name", 400),
        ([["x"]], 400),
        ([None], 400),
        (["x"] * 101, 400),
        ({"x": "y"}, 400),
        (["\ud800"], 400),
    ],
)
def test_have_labels_that_do_not_count_which_are_the_deployments_to_name(location, labels: Any, status: int):
    admin = Api(make_member(Role.ADMIN, location.deployment))

    answer = admin.ask("PATCH", f"{PLACE}/", json.dumps({"ignored_metadata": labels}).encode())

    if status == 200:
        assert answered(answer, 200)["ignored_metadata"] == labels
    else:
        refused(answer, 400, "invalid")
    location.deployment.refresh_from_db()
    assert location.deployment.ignored_metadata == (labels if status == 200 else [])


def test_that_differ_in_a_label_that_does_not_count_did_not_change(location):
    admin = Api(make_member(Role.ADMIN, location.deployment))
    answered(admin.ask("PATCH", f"{PLACE}/", {"ignored_metadata": ["where"]}), 200)
    for table in "xy":
        live = row_of_history(location)
        entry = asset("new", metadata={"where": {"type": "Text", "value": table}})
        answered(admin.ask("PUT", f"deploys/{live.number}/assets/", {"assets": [entry]}), 200)

    assert answered(admin.get("deploys/5/asset-changes/"), 200)["counts"] == {"added": 0, "removed": 0, "changed": 0}


def test_told_by_a_platform_are_answered_as_it_told_them(location, viewer):
    told = {"type": "time_window", "description": "Daily, starting 2024-01-01 UTC."}
    record(row_of_history(location), define(asset("new", partitions_def=told)), source=Source.PLATFORM)

    body = answered(viewer.get("assets/detail/", key="new"), 200)
    [recorded] = answered(viewer.get("deploys/4/asset-changes/"), 200)["recorded"]

    assert (body["exact"], body["definition"]["partitions_def"]) == (False, told)
    assert recorded["source"] == "PLATFORM"


def test_of_a_location_of_which_nothing_is_recorded_are_none(location, viewer):
    make_location(location.deployment, "empty")
    empty = f"{PLACE}/code-locations/empty"

    assert answered(viewer.get(f"{empty}/assets/"), 200) == {"next": None, "previous": None, "results": []}
    refused(viewer.get(f"{empty}/assets/detail/", key="new"), 404, "not_found")
