"""A period …"""

from datetime import UTC, date, datetime

import pytest

from deployments.periods import Period, Step, period_of
from portal.common.problems import Invalid

TODAY = date(2026, 11, 18)  # a Wednesday


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ({}, date(2026, 10, 20), TODAY),
        ({"days": ""}, date(2026, 10, 20), TODAY),
        ({"days": "7"}, date(2026, 11, 12), TODAY),
        ({"days": "1"}, TODAY, TODAY),
        ({"days": "366"}, date(2025, 11, 18), TODAY),
        ({"from": "2026-01-01", "to": "2026-01-31"}, date(2026, 1, 1), date(2026, 1, 31)),
        ({"from": "2026-11-01", "days": "7"}, date(2026, 11, 1), TODAY),
        ({"to": "2026-01-31", "days": "31"}, date(2026, 1, 1), date(2026, 1, 31)),
        ({"from": "2026-11-01", "to": "2027-11-01"}, date(2026, 11, 1), TODAY),
    ],
)
def test_is_what_the_address_says(said: dict[str, str], first: date, last: date):
    assert period_of(said, today=TODAY) == Period(first, last)


@pytest.mark.parametrize(
    "said",
    [
        {"days": "0"},
        {"days": "367"},
        {"days": "-7"},
        {"days": "7.5"},
        {"days": "٧"},
        {"days": "9" * 5000},
        {"from": "yesterday"},
        {"to": "2026-13-01"},
        {"from": "1999-12-31"},
        {"to": "0001-01-01"},
        {"from": "2026-11-19"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "2025-11-17"},
    ],
)
def test_is_refused_when_it_is_none(said: dict[str, str]):
    with pytest.raises(Invalid) as refused:
        period_of(said, today=TODAY)

    assert refused.value.code == "bad_period"


def test_is_followed_upon_by_itself():
    period = Period(date(2026, 11, 12), TODAY)

    assert period.before == Period(date(2026, 11, 5), date(2026, 11, 11))
    assert period.before.ends == period.begins == datetime(2026, 11, 12, tzinfo=UTC)


def test_has_days_for_steps_up_to_a_month():
    period = Period(date(2026, 10, 19), TODAY)

    assert (period.days, len(period.steps)) == (31, 31)
    assert (period.steps[0], period.steps[-1]) == (Step(period.first, period.first), Step(TODAY, TODAY))


def test_has_weeks_for_steps_when_it_is_longer_the_first_and_the_last_cut():
    period = Period(date(2026, 10, 18), TODAY)

    assert period.steps == [
        Step(date(2026, 10, 18), date(2026, 10, 18)),
        Step(date(2026, 10, 19), date(2026, 10, 25)),
        Step(date(2026, 10, 26), date(2026, 11, 1)),
        Step(date(2026, 11, 2), date(2026, 11, 8)),
        Step(date(2026, 11, 9), date(2026, 11, 15)),
        Step(date(2026, 11, 16), date(2026, 11, 18)),
    ]


@pytest.mark.parametrize(
    ("days", "at", "step"),
    [
        (7, "2026-11-11T23:59:59.999+00:00", -1),
        (7, "2026-11-12T00:00:00+00:00", 0),
        (7, "2026-11-12T23:59:59.999+00:00", 0),
        (7, "2026-11-13T00:30:00+01:00", 0),
        (7, "2026-11-18T23:59:59+00:00", 6),
        (32, "2026-10-18T23:59:59+00:00", 0),
        (32, "2026-10-19T00:00:00+00:00", 1),
        (32, "2026-10-25T23:59:59+00:00", 1),
        (32, "2026-11-18T12:00:00+00:00", 5),
        (366, "2025-11-17T12:00:00+00:00", -1),
        (366, "2025-11-18T12:00:00+00:00", 0),
        (366, "2026-11-18T12:00:00+00:00", 52),
    ],
)
def test_knows_the_step_of_each_moment(days: int, at: str, step: int):
    period = period_of({"days": str(days)}, today=TODAY)

    assert period.step_at(seconds(at)) == step
    if step >= 0:
        here = period.steps[step]
        assert here.first <= datetime.fromisoformat(at).astimezone(UTC).date() <= here.last
