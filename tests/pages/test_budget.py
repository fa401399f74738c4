"""The history page …"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import CodeLocation, Deploy
from tests import factories
from tests.pages import scenes

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15
MOST_BYTES = 60_000


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
        )
        for step in range(count)
    )
    CodeLocation.objects.filter(pk=location.pk).update(next_number=first + count)
    location.next_number = first + count


def cost(browser: Client, address: str) -> tuple[int, int]:
    """Answer the queries and the bytes of a page."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = browser.get(address)
    assert answer.status_code == 200
    return len(queries), len(answer.content)


@pytest.mark.parametrize("path", ["", "deploys/2/", "rollback/?to=1"])
def test_costs_the_same_with_ten_deploys_and_with_ten_thousand(
    path: str, location: CodeLocation, here: str, editor: Client
):
    many(location, 60)
    editor.get("/")  # what a process learns once
    few, size = cost(editor, here + path)
    many(location, 9_950)

    lots, _ = cost(editor, here + path)

    assert few == lots
    assert lots <= MOST_QUERIES
    assert size < MOST_BYTES


def test_of_all_deployments_costs_the_same_with_one_location_and_with_fifty(location: CodeLocation, editor: Client):
    editor.get("/")
    one, _ = cost(editor, "/")
    for number in range(49):
        factories.make_location(location.deployment, f"location-{number}")

    fifty, _ = cost(editor, "/")
    overview, _ = cost(editor, location.deployment.get_absolute_url())

    assert one == fifty <= MOST_QUERIES
    assert overview <= MOST_QUERIES + 5
