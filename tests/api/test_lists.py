"""A list …"""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.access import Role
from deployments.models import CodeLocation, Deploy
from tests.api.asking import BASE, PLACE, Api, answered, refused
from tests.factories import deploy, make_deployment, make_location, make_member, make_organization, make_superuser
from tests.operations.asking import ONE

pytestmark = [pytest.mark.django_db, pytest.mark.services]

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def location():
    """Answer acme/production/shop with one deploy that is live."""
    location = make_location()
    deploy(location, ONE, description="the first")
    return location


@pytest.fixture
def viewer(location) -> Api:
    """Answer the client of somebody who may look."""
    return Api(make_member(Role.VIEWER, location.deployment))


def grow(location, upto: int, **fields) -> None:
    """Have as many deploys as that, all like the first."""
    first = Deploy.objects.get(number=1)
    base = {
        "code_location": location,
        "kind": "dags",
        "status": "SUCCEEDED",
        "actor_name": "ci",
        "actor_kind": "service_account",
        "release": first.release,
        "previous": first,
        "finished_at": START,
        "origins": first.origins,
    } | fields
    numbers = range(location.deploys.count() + 1, upto + 1)
    Deploy.objects.bulk_create(
        [
            Deploy(number=number, live_seq=number, created_at=START + timedelta(hours=number), **base)
            for number in numbers
        ],
        batch_size=500,
    )
    CodeLocation.objects.filter(pk=location.pk).update(next_number=upto + 1, next_live_seq=upto + 1)


def numbers(body) -> list[int]:
    """Answer the numbers of a page of deploys."""
    return [row["number"] for row in body["results"]]


def test_comes_in_pages_that_lead_on_and_back(location, viewer):
    grow(location, 7)

    first = answered(viewer.get("deploys/", limit=3), 200)
    second = answered(viewer.get(first["next"].removeprefix("http://testserver")), 200)
    third = answered(viewer.get(second["next"].removeprefix("http://testserver")), 200)
    back = answered(viewer.get(third["previous"].removeprefix("http://testserver")), 200)

    assert (numbers(first), numbers(second), numbers(third)) == ([7, 6, 5], [4, 3, 2], [1])
    assert (first["previous"], third["next"]) == (None, None)
    assert numbers(back) == numbers(second)


def test_is_not_moved_by_what_arrives_between_two_pages(location, viewer):
    grow(location, 4)
    first = answered(viewer.get("deploys/", limit=2), 200)
    grow(location, 6)

    second = answered(viewer.get(first["next"].removeprefix("http://testserver")), 200)

    assert numbers(first) + numbers(second) == [4, 3, 2, 1]


def test_has_fifty_rows_unless_asked_and_two_hundred_at_most(location, viewer):
    grow(location, 210)

    assert len(numbers(answered(viewer.get("deploys/"), 200))) == 50
    assert len(numbers(answered(viewer.get("deploys/", limit=200), 200))) == 200
    assert len(numbers(answered(viewer.get("deploys/", limit=1), 200))) == 1


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "²", "9" * 5000])
@pytest.mark.parametrize("path", ["deploys/", f"{PLACE}/code-locations/", f"{BASE}/organizations/"])
def test_of_an_odd_length_is_refused(viewer, path: str, limit: str):
    refused(viewer.get(path, limit=limit), 400, "invalid")


def cursor(*value) -> str:
    """Answer a cursor of our make with any value."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "foreign",
    [
        *(
            "x",
            "é",
            "AAAA",
            "=",
            "!!",
            cursor(),
            cursor(0),
            cursor(2, 5),
            cursor(0, None),
            cursor(0, [1]),
            cursor(0, {"a": 1}),
        ),
        *(
            cursor(0, True),
            cursor(0, 1.5),
            cursor(0, 2**63),
            cursor(0, "shop"),
            cursor(0, "1\0"),
            cursor(0, "\ud800"),
            "A" * 4000,
        ),
    ],
)
def test_refuses_a_foreign_cursor(viewer, foreign: str):
    refused(viewer.get("deploys/", cursor=foreign), 400, "invalid_cursor")


def test_takes_no_cursor_to_places_it_cannot_see(location, viewer):
    globex = make_location(make_deployment(make_organization("globex")))
    grow(location, 3)
    deploy(globex, ONE)

    assert numbers(answered(viewer.get("deploys/", cursor=cursor(0, 3)), 200)) == [2, 1]
    names = [
        row["slug"] for row in answered(viewer.get(f"{BASE}/organizations/", cursor=cursor(0, "a")), 200)["results"]
    ]
    assert names == ["acme"]


def test_of_places_comes_in_pages_by_name():
    acme = make_organization()
    for slug in ("c", "a", "b"):
        make_deployment(acme, slug)
    root = Api(make_superuser())

    first = answered(root.get(f"{BASE}/organizations/acme/deployments/", limit=2), 200)
    second = answered(root.get(first["next"].removeprefix("http://testserver")), 200)

    assert [row["slug"] for row in first["results"] + second["results"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "dags"}, [4, 3, 2, 1]),
        ({"kind": "image"}, [5]),
        ({"kind": ["image", "dags"]}, [5, 4, 3, 2, 1]),
        ({"status": "FAILED"}, [3]),
        ({"status": ["FAILED", "SUCCEEDED"], "kind": "image"}, [5]),
        ({"actor": "MONA"}, [2]),
        ({"actor": "mon"}, []),
        ({"commit": "0123"}, [4]),
        ({"commit": "123"}, []),
        ({"image": "shop:"}, []),
        ({"q": "THE FIRST"}, [1]),
        ({"q": "mona"}, [2]),
        ({"q": "#3"}, [3]),
        ({"q": "0123ab"}, [4]),
        ({"q": "feature/x"}, [4]),
        ({"q": "100%"}, []),
        ({"since": "2026-01-01T04:00:00Z", "until": "2026-01-01T05:00:00Z"}, [5, 4]),
        ({"until": "2026-01-01T02:00:00Z"}, [2]),
        ({}, [5, 4, 3, 2, 1]),
    ],
)
def test_is_filtered(location, viewer, query, found: list[int]):
    grow(location, 2, actor_name="Mona")
    grow(location, 4)
    grow(location, 5, kind="image")
    location.deploys.filter(number=3).update(status="FAILED", live_seq=None)
    location.deploys.filter(number=4).update(git={"commit": "0123abc", "branch": "feature/x", "message": "Add"})

    assert numbers(answered(viewer.get("deploys/", **query), 200)) == found


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "moon"},
        {"status": "LIVE"},
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"q": "a\0"},
        {"actor": "\0"},
    ],
)
def test_refuses_an_odd_filter(viewer, query):
    body = refused(viewer.get("deploys/", **query), 400, "bad_filter")

    assert [error["field"] for error in body["errors"]] == list(query)


def test_keeps_its_filters_from_page_to_page(location, viewer):
    grow(location, 6)
    location.deploys.filter(number__in=[2, 4, 6]).update(actor_name="mona")

    first = answered(viewer.get("deploys/", actor="mona", limit=2), 200)
    second = answered(viewer.get(first["next"].removeprefix("http://testserver")), 200)

    assert numbers(first) + numbers(second) == [6, 4, 2]


def test_costs_the_same_however_long_the_history_is(location, viewer):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(numbers(answered(viewer.get("deploys/", limit=10), 200))) == 10
        return len(captured)

    grow(location, 10)
    queries()  # that a token was seen is written once a minute
    few = queries()
    grow(location, 10_000)

    assert queries() == few <= 20


def test_costs_the_same_however_many_rows_are_shown(location, viewer):
    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            answered(viewer.get("deploys/", limit=limit), 200)
        return len(captured)

    grow(location, 200)
    queries(1)

    assert queries(200) == queries(2)


def test_of_code_locations_costs_the_same_however_many_there_are(location, viewer):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            answered(viewer.get(f"{PLACE}/code-locations/"), 200)
        return len(captured)

    queries()
    one = queries()
    for number in range(10):
        make_location(location.deployment, name=f"other-{number}")

    assert queries() == one


def test_of_loads_and_deploys_are_collapsed_by_a_word_that_is_one(location, viewer):
    grow(location, 5)

    refused(viewer.get("loads/?collapse=perhaps"), 400, "invalid")
    refused(viewer.get("deploys/?collapse=perhaps"), 400, "invalid")
    assert answered(viewer.get("loads/?collapse=true"), 200)["results"] == []
    # What is filtered is told one by one: a run would hide its older deploys.
    assert len(answered(viewer.get("deploys/?collapse=true&actor=ci"), 200)["results"]) == 4
