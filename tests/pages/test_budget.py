"""The history page …"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from assets.models import AssetChange
from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.assets.sets import asset, define, record
from tests.pages import scenes

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15
# A rollback's plan looks at both sides' bundles, agents, runs, what is under way: it has to do with as many.
MOST_QUERIES_OF_A_PLAN = 15
# Fifty rows, each of which changed assets of every kind.
MOST_BYTES = 60_000
MOST_BYTES_OF_A_PAGE = 150_000


def many(location: CodeLocation, count: int) -> None:
    """Add so many deploys that look like the second one."""
    like = location.deploys.get(number=2)
    first = location.next_number
    Deploy.objects.bulk_create(
        Deploy(
            code_location=location,
            number=first + step,
            kind=like.kind,
            status=like.status,
            description="Load orders every hour instead of every day, as agreed with the warehouse team",
            actor_name="github-actions",
            actor_kind=like.actor_kind,
            parts=like.parts,
            origins=like.origins,
            git=scenes.GIT,
            release_id=like.release_id,
            created_at=like.created_at + timedelta(seconds=step),
            started_at=like.started_at,
            activated_at=like.activated_at,
            finished_at=like.finished_at,
            live_seq=1000 + first + step,
            asset_counts={"added": 3, "removed": 1, "changed": 5},
        )
        for step in range(count)
    )
    CodeLocation.objects.filter(pk=location.pk).update(next_number=first + count)
    location.next_number = first + count


def with_deploys(location: CodeLocation, like: CodeLocation) -> None:
    """Give it sixty deploys that look like those of another code location, the last of them live."""
    rows = list(like.deploys.filter(number__gt=2))
    for number, row in enumerate(rows, start=1):
        row.pk, row.code_location, row.number = None, location, number
    made = Deploy.objects.bulk_create(rows)
    CodeLocation.objects.filter(pk=location.pk).update(
        next_number=len(made) + 1, live_deploy=made[-1], placed_deploy=made[-1], wanted_deploy=made[-1]
    )


def cost(browser: Client, address: str) -> tuple[int, int]:
    """Answer the queries and the bytes of a page."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = browser.get(address)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("", MOST_QUERIES),
        ("deploys/2/", MOST_QUERIES),
        ("rollback/?to=1", MOST_QUERIES_OF_A_PLAN),
        ("rollback/?to=1&scope=code", MOST_QUERIES_OF_A_PLAN),
    ],
)
def test_costs_the_same_with_ten_deploys_and_with_ten_thousand(
    path: str, most: int, location: CodeLocation, here: str, editor: Client
):
    many(location, 60)
    editor.get("/")  # what a process learns once
    few, size = cost(editor, here + path)
    many(location, 9_950)

    lots, _ = cost(editor, here + path)

    assert few == lots
    assert lots <= most
    assert size < MOST_BYTES


PAGES_OF_ASSETS = [
    "assets/",
    "assets/?q=table&group=core&kind=dbt&changed_since=1",
    "assets/detail/?key=orders",
    "assets/changes/?key=orders",
    "deploys/2/assets/",
    "deploys/2/assets/?type=TAGS&kind=changed&q=table",
    "compare/?from=1&to=2",
]


@pytest.mark.parametrize("path", PAGES_OF_ASSETS)
def test_of_assets_costs_the_same_with_five_of_them_and_with_five_hundred(
    path: str, location: CodeLocation, editor: Client
):
    few = with_tables(factories.make_location(location.deployment, "few"), 5)
    lots = with_tables(factories.make_location(location.deployment, "lots"), 500)
    editor.get("/")

    queries, _ = cost(editor, few + path)
    same, size = cost(editor, lots + path)

    assert queries == same
    assert same <= MOST_QUERIES
    assert size < MOST_BYTES_OF_A_PAGE


def with_tables(location: CodeLocation, count: int) -> str:
    """Have two deploys define so many tables, all of which change, and answer the location's address."""
    for version in (1, 2):
        kept = {"tags": {"version": str(version)}, "kinds": ["dbt"], "group": "core"}
        tables = [asset(f"table_{number}", **kept) for number in range(count)]
        orders = asset("orders", code_version=str(version), deps=[{"key": each["key"]} for each in tables])
        record(factories.deploy(location, scenes.files(version)), define(orders, *tables))
    return location.get_absolute_url()


def test_of_an_assets_changes_costs_the_same_with_two_of_them_and_with_a_thousand(
    location: CodeLocation, editor: Client
):
    here = with_tables(factories.make_location(location.deployment, "lots"), 1)
    place = CodeLocation.objects.get(name="lots")
    changed = AssetChange.objects.get(asset__key="table_0", kind="CHANGED")
    editor.get("/")
    two, _ = cost(editor, f"{here}assets/changes/?key=table_0")
    many(place, 1_000)
    AssetChange.objects.bulk_create(
        AssetChange(
            deploy=deploy,
            asset_id=changed.asset_id,
            live_seq=deploy.live_seq,
            kind=changed.kind,
            change_types=changed.change_types,
            sight=changed.sight,
            before_id=changed.before_id,
            after_id=changed.after_id,
        )
        for deploy in place.deploys.filter(number__gt=2)
    )

    thousand, size = cost(editor, f"{here}assets/changes/?key=table_0")
    far_back, _ = cost(editor, f"{here}assets/changes/?key=table_0&at=2")

    assert two == thousand
    assert far_back == two + 2
    assert far_back <= MOST_QUERIES
    assert size < MOST_BYTES_OF_A_PAGE


def test_of_all_deployments_costs_the_same_with_one_location_and_with_fifty(location: CodeLocation, editor: Client):
    many(location, 60)
    editor.get("/")
    one, _ = cost(editor, "/")
    for number in range(49):
        other = factories.make_location(location.deployment, f"zone-{number}")
        with_deploys(other, location)

    fifty, size = cost(editor, "/")
    overview, _ = cost(editor, location.deployment.get_absolute_url())

    assert one == fifty <= MOST_QUERIES
    assert size < MOST_BYTES_OF_A_PAGE
    assert overview <= MOST_QUERIES
