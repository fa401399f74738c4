"""The figures of a place …"""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import insights
from deployments.delivery import Tally
from deployments.insights import by_deployment, insights_of
from deployments.models import CodeLocation, Deploy
from deployments.periods import Period
from portal.common.problems import Invalid
from tests import factories
from tests.insights.rows import DAY, HOUR, MINUTE, NOON, History

# The same on PostgreSQL: times, JSON and order are each database's own.
pytestmark = [pytest.mark.django_db, pytest.mark.services]

WEEK = Period(date(2026, 11, 12), date(2026, 11, 18))


def read(period: Period = WEEK) -> insights.Insights:
    return insights_of(CodeLocation.objects.all(), period)


def counts(tally: Tally) -> tuple[int, int, int, int]:
    """Answer what went live, was rolled back from, failed, and is open."""
    return tally.live, tally.rolled_back, tally.failed, tally.open


def test_count_what_went_live_and_not_what_only_waited(shop: History):
    shop.push()
    for status in ("HELD", "QUEUED", "CANCELED", "SUPERSEDED"):
        shop.push(NOON, status, placed=None)
    running = shop.push(NOON, "RUNNING", placed=None)
    shop.roll_back(NOON, to=shop.push())

    found = read()

    assert counts(found.now) == (2, 0, 0, 0)
    assert running.finished_at is None


def test_tell_lead_times_to_the_second_and_how_many_are_left_out(shop: History):
    shop.push(NOON, committed=HOUR)
    shop.push(NOON, committed=3 * HOUR)
    shop.push(NOON, committed=timedelta(seconds=-1))
    shop.push(NOON)
    shop.push(NOON, "FAILED", committed=HOUR)
    shop.observe(NOON)

    found = read()

    assert (sorted(found.now.leads), found.now.undated, found.now.observed) == ([3600, 10800], 3, 1)


def test_count_as_failed_what_was_in_place_and_not_what_was_refused_before(shop: History):
    shop.push(NOON - HOUR)
    shop.push(NOON, "FAILED", placed=None)
    shop.push(NOON, "ERRORED")
    shop.push(NOON, "FAILED", placed=MINUTE)
    shop.observe(NOON + MINUTE, "FAILED")

    found = read()

    assert counts(found.now) == (1, 0, 2, 2)
    assert [each.change.number for _, each in found.failures] == [5, 4]


def test_tell_how_long_restoring_took_from_the_moment_of_being_in_place(shop: History):
    first = shop.push(NOON - DAY)
    shop.push(NOON, "FAILED", placed=2 * MINUTE)
    shop.roll_back(NOON + 10 * MINUTE, to=first)
    shop.push(NOON + HOUR, placed=MINUTE)
    shop.roll_back(NOON + 2 * HOUR, to=first)

    found = read()

    assert counts(found.now) == (2, 1, 1, 0)
    assert sorted(found.now.restores) == [12 * 60, 61 * 60]


def test_leave_out_what_was_rolled_back_from_and_found_not_to_blame(shop: History):
    first, second = shop.push(NOON - DAY), shop.push(NOON)
    shop.roll_back(NOON + HOUR, to=first, lifted=True)
    shop.push(NOON + 2 * HOUR, code=second.release.code_digest)

    assert counts(read().now) == (3, 0, 0, 0)


def test_count_what_a_rollback_blames_that_has_not_ended(shop: History):
    first, second = shop.push(NOON - DAY), shop.push(NOON)
    rollback = shop.roll_back(NOON + HOUR, to=first, status="FAILED")
    Deploy.objects.filter(pk=rollback.pk).update(status="RUNNING", finished_at=None)

    found = read()

    assert counts(found.now) == (2, 1, 0, 1)
    assert found.failures[0][1].change.number == second.number


def test_count_a_change_on_the_day_in_utc_on_which_it_ended(shop: History):
    midnight = NOON.replace(hour=0) - DAY
    shop.push(midnight - timedelta(milliseconds=1))
    shop.push(midnight)
    shop.push(midnight + DAY - timedelta(milliseconds=1))
    shop.push(midnight + DAY)

    assert [step.live for step in read().steps] == [0, 0, 0, 0, 1, 2, 1]


def test_are_of_the_period_and_of_the_one_before_and_of_nothing_else(shop: History):
    for at in (WEEK.before.begins, WEEK.begins, WEEK.ends):
        shop.push(at - timedelta(seconds=1))
        shop.push(at)

    found = read()

    assert (found.before.live, found.now.live) == (2, 2)
    assert sum(step.live for step in found.steps) == 2


def test_know_what_ended_a_failure_after_the_period(shop: History, location: CodeLocation):
    first, second = shop.push(NOON - DAY), shop.push(NOON)
    shop.roll_back(NOON + 3 * DAY, to=first)
    other = History(factories.make_location(location.deployment, "other"))
    other.push(NOON - HOUR, "FAILED")
    other.push(NOON + 2 * DAY)
    other.push(NOON + 3 * DAY)

    found = read()

    assert counts(found.now) == (2, 1, 1, 0)
    assert sorted(found.now.restores) == [(2 * DAY + HOUR).total_seconds(), (3 * DAY).total_seconds()]
    assert found.failures[0][1].change.number == second.number


def test_say_of_a_change_that_it_failed_whichever_period_is_asked_for(shop: History):
    first, second = shop.push(NOON - 20 * DAY), shop.push(NOON - 6 * DAY)
    shop.roll_back(NOON + 30 * DAY, to=first)
    whole = Period(date(2026, 11, 1), date(2026, 12, 31))

    assert [each.change.number for _, each in read().failures] == [second.number]
    assert [each.change.number for _, each in read(whole).failures] == [second.number]


def test_keep_code_locations_apart_that_have_the_same_code(shop: History, location: CodeLocation):
    other = History(factories.make_location(location.deployment, "other"))
    first = shop.push(NOON - DAY, code="one")
    shop.push(NOON, code="two")
    other.push(NOON, code="two")
    other.push(NOON, "FAILED", code="one")
    shop.roll_back(NOON + HOUR, to=first)

    found = read()

    assert {spot.name: counts(tally) for spot, tally in found.spots} == {"shop": (2, 1, 0, 0), "other": (1, 0, 1, 1)}
    assert {place: counts(tally) for place, tally in by_deployment(found.spots).items()} == {
        "acme/production": (3, 1, 1, 1)
    }


def test_name_the_newest_failures_first_and_not_more_than_ten(shop: History):
    for minute in range(12):
        shop.push(NOON + minute * MINUTE, "FAILED")

    assert [each.change.number for _, each in read().failures] == list(range(12, 2, -1))


def test_cost_the_same_whatever_is_there(shop: History, location: CodeLocation):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            read()
        return len(queries)

    shop.push(NOON, "FAILED")
    few = cost()
    first = shop.push(NOON)
    shop.roll_back(NOON + MINUTE, to=first)
    for name in ("a", "b", "c"):
        other = History(factories.make_location(location.deployment, name))
        for minute in range(4):
            other.push(NOON + minute * MINUTE, "FAILED" if minute % 2 else "SUCCEEDED")

    assert few == cost() == 5


def test_are_not_made_of_more_than_fits(shop: History, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(insights, "MOST_ROWS", 3)
    for _ in range(3):
        shop.push(NOON)
    assert read().now.live == 3
    shop.push(NOON)

    with pytest.raises(Invalid) as refused:
        read()

    assert refused.value.code == "too_much"
