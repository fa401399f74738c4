"""A deploy is stalled …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import trouble
from deployments.models import Deploy
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(db: None) -> Deploy:
    """Answer a deploy that is asked for and that nobody takes up."""
    deploy = factories.push(factories.make_location())
    return at(deploy, created_at=timezone.now() - timedelta(minutes=5))


def at(deploy: Deploy, **fields) -> Deploy:
    Deploy.objects.filter(pk=deploy.pk).update(**fields)
    return Deploy.objects.get(pk=deploy.pk)


def found() -> list[int]:
    return [row.number for row in trouble.stalled(timezone.now())]


def test_that_waits_though_it_is_its_turn(waiting):
    assert found() == [1]


def test_not_before_beat_can_have_found_it(waiting):
    at(waiting, created_at=timezone.now() - timedelta(seconds=20))

    assert found() == []


def test_not_while_another_one_runs_before_it(waiting):
    first = factories.deploy(factories.make_location(waiting.code_location.deployment, "other"))
    now = timezone.now()
    at(first, code_location=waiting.code_location, number=0, status="RUNNING", live_seq=None, started_at=now,
            lease_expires_at=now + timedelta(seconds=15), finished_at=None)  # fmt: skip

    assert found() == []


def test_not_when_its_turn_came_just_now(waiting):
    before = factories.push(waiting.code_location)
    at(before, status="CANCELED", finished_at=timezone.now())

    assert found() == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"lease_expires_at": timedelta(minutes=-2)}, "Its worker is gone, and nobody took over."),
        ({"next_check_at": timedelta(minutes=-2)}, "It waits for something else, and nobody looks at it."),
        (
            {"lease_expires_at": timedelta(seconds=9), "started_at": timedelta(hours=-2)},
            "It runs for more than an hour",
        ),
    ],
)
def test_that_runs_and_is_not_looked_at(waiting, fields, why):
    live = factories.deploy(waiting.code_location, {"a": b"1"})
    now = timezone.now()
    said = {"started_at": now, **{name: now + ago for name, ago in fields.items()}}
    at(waiting, status="RUNNING", release=live.release, **said)

    (row,) = trouble.stalled(now)

    assert row.number == 1
    assert trouble.why_stalled(row, now).startswith(why)


def test_not_while_its_worker_renews_its_lease(waiting):
    live = factories.deploy(waiting.code_location, {"a": b"1"})
    now = timezone.now()
    at(waiting, status="RUNNING", release=live.release, started_at=now, lease_expires_at=now + timedelta(seconds=9))

    assert found() == []
