"""A platform that does not answer, and an observer that breaks …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import drivers, observing
from deployments.models import CodeLocation, Deployment, PlatformWatch
from deployments.observing import watching
from deployments.platforms.base import PlatformRefused
from tests.observing.dagster import Dagster
from tests.observing.world import World, told

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def waits(world: World, times: int) -> list[float]:
    """Answer how many seconds pass between so many looks."""
    found = []
    for _ in range(times):
        world.now = world.watch().due_at
        before = world.now
        world.poll(after=0)
        found.append((world.watch().due_at - before).total_seconds())
    return found


def test_is_asked_less_and_less_often_and_never_more_seldom_than_every_five_minutes(world, dagster):
    world.poll()
    dagster.silent = {"statuses": 99}

    assert waits(world, 7) == [15, 30, 60, 120, 240, 300, 300]

    assert world.watch().failures == 7


def test_is_asked_as_seldom_as_its_deployment_says(world, dagster):
    Deployment.objects.update(poll_seconds=3600)
    world.poll()
    dagster.silent = {"statuses": 2}

    assert waits(world, 3) == [3600, 3600, 3600]


def test_says_since_when_and_why(world, dagster):
    world.poll()
    answered = world.now
    dagster.silent = {"statuses": 3}

    world.polls(1)
    since = world.now
    world.poll(30)

    watch = world.watch()
    assert (watch.unreachable_since, watch.answered_at, watch.asked_at) == (since, answered, world.now)
    assert watch.error == {
        "code": "platform_unreachable",
        "detail": "No answer from Dagster at http://127.0.0.1:3000.",
    }
    assert told(world.loads()) == [(1, True, False)]


def test_that_answers_again_has_nothing_wrong_with_it_and_is_asked_what_it_is(world, dagster):
    world.poll()
    dagster.silent = {"statuses": 2}
    world.polls(1)
    world.poll(30)
    dagster.load(2)
    dagster.asked.clear()

    world.poll(60)

    watch = world.watch()
    assert (watch.failures, watch.unreachable_since, watch.error, watch.lease_expires_at) == (0, None, None, None)
    assert (watch.version, watch.may_reload, watch.introduced_at) == ("1.12.0", True, world.now)
    assert dagster.asked == ["statuses", "connection", "report"]
    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    assert watch.due_at == world.now + timedelta(seconds=15)


def test_was_away_and_comes_back_loaded_anew_with_the_same_code_is_one_entry(world, dagster):
    world.poll()
    dagster.silent = {"statuses": 1}
    world.poll()
    dagster.restart()

    world.poll(30)

    assert [entry.count for entry in world.history()] == [2]
    assert len(world.deploys()) == 1


def test_is_asked_for_its_version_once_an_hour(world, dagster):
    world.poll()
    dagster.asked.clear()

    for _ in range(8):
        world.poll(600)

    assert dagster.asked.count("connection") == 1


def test_that_the_operator_forbids_is_said_and_asked_seldom(world, dagster, monkeypatch):
    def refuse(deployment: Deployment) -> Dagster:
        raise PlatformRefused("host_not_allowed", "An operator lists hosts.")

    monkeypatch.setattr(drivers, "platform_of", refuse)

    world.polls(2)

    assert world.watch().error["code"] == "host_not_allowed"
    assert world.watch().failures == 2


def test_whose_answer_breaks_us_is_no_crash_loop(world, dagster, monkeypatch):
    def break_down() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(dagster, "statuses", break_down)

    world.polls(1)

    watch = world.watch()
    assert (watch.error["code"], watch.failures, watch.lease_expires_at) == ("internal_error", 1, None)
    assert watch.due_at == world.now + timedelta(seconds=15)


def test_one_location_that_breaks_us_does_not_stop_the_others(world, dagster):
    dagster.load(3, name="aaa")
    dagster.load(4, name="zzz")
    dagster.odd.add("shop")

    world.poll()

    assert (told(world.loads("aaa")), told(world.loads()), told(world.loads("zzz"))) == (
        [(1, True, False)],
        [],
        [(1, True, False)],
    )
    watch = world.watch()
    assert watch.notes == ["shop could not be written down: the portal's log says why."]
    assert (watch.failures, watch.due_at) == (0, world.now + timedelta(seconds=15))
    dagster.odd.clear()
    world.poll(60)
    assert told(world.loads()) == [(1, True, False)]
    assert (world.watch().notes, world.watch().due_at) == ([], world.now + timedelta(seconds=15))


@pytest.mark.django_db(transaction=True)
def test_one_location_that_cannot_be_written_down_leaves_the_database_usable(world, dagster, monkeypatch):
    """A statement that the database refuses ends a transaction of its own, and nobody else's."""
    really = watching.look_at

    def look(asked):
        if asked.location.name == "aaa":
            CodeLocation.objects.create(deployment=world.deployment, name="shop")
        return really(asked)

    monkeypatch.setattr(watching, "look_at", look)
    dagster.load(3, name="aaa")

    world.poll()

    assert told(world.loads()) == [(1, True, False)]


def test_one_location_that_does_not_answer_does_not_stop_the_others(world, dagster):
    dagster.load(4, name="zzz")
    dagster.silent = {"report": 1}

    world.poll()

    [note] = world.watch().notes
    assert note == "shop could not be read: No answer from Dagster at http://127.0.0.1:3000."
    assert told(world.loads("zzz")) == [(1, True, False)]
    world.poll(60)
    assert told(world.loads()) == [(1, True, False)]


def test_is_not_asked_while_somebody_asks(world, dagster):
    world.poll()
    PlatformWatch.objects.update(lease_expires_at=timezone.now() + timedelta(seconds=30))
    dagster.load(2)

    world.poll()

    assert observing.due_deployments(now=world.now) == []
    assert observing.observe(world.deployment.pk, clock=world.clock) == []
    assert told(world.loads()) == [(1, True, False)]


def test_is_asked_by_the_next_when_an_observer_died(world, dagster):
    world.poll()
    PlatformWatch.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    dagster.load(2)

    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    assert world.watch().lease_expires_at is None


def test_holds_the_lease_while_it_reads(world, dagster):
    seen = []
    dagster.reading.append(lambda: seen.append(world.watch().lease_expires_at))

    world.poll()

    # Long enough for ten thousand assets.
    assert seen[0] > timezone.now() + timedelta(seconds=300)


def test_is_not_asked_before_it_is_due(world, dagster):
    world.poll()
    dagster.asked.clear()

    world.poll(14)
    assert dagster.asked == []
    world.poll(1)
    assert dagster.asked == ["statuses"]


def test_is_asked_at_its_pace_although_the_clock_was_set_back(world, dagster):
    world.poll()
    world.passes(hours=-2)
    dagster.asked.clear()

    world.polls(3)

    assert dagster.asked == ["statuses"] * 3


def test_is_not_asked_twice_because_two_clocks_differ_a_little(world, dagster):
    world.poll()
    dagster.asked.clear()

    world.poll(-5)

    assert dagster.asked == []


def test_that_is_disconnected_while_it_is_due_is_left_alone(world, dagster, monkeypatch):
    world.poll()
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: None)

    world.poll()

    assert world.watch().lease_expires_at is None
    assert world.watch().due_at > world.now + timedelta(minutes=4)


def test_empty_answers_make_all_locations_absent_and_nothing_else(world, dagster):
    world.poll()
    dagster.serves = None

    world.poll()

    assert world.location().absent_since == world.now
    assert world.location().live_deploy.number == 1
    assert told(world.loads()) == [(1, True, False)]
