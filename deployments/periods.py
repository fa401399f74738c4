"""Periods that figures are of: whole days in UTC, and the steps that plots draw them in. Knows no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from portal.common.problems import Invalid

USUAL = 30
CHOICES = (7, USUAL, 90, 365)
LONGEST = 366
EARLIEST = date(2000, 1, 1)
# Up to a month day by day, then week by week: more bars than that nobody reads.
MOST_DAYS_APART = 31
DAY = 86_400


@dataclass(frozen=True)
class Step:
    """Some days of a period that are counted together, both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Answer how many days it has."""
        return (self.last - self.first).days + 1

    @property
    def begins(self) -> datetime:
        """Answer its first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def ends(self) -> datetime:
        """Answer the first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), UTC)

    @property
    def before(self) -> "Period":
        """Answer as many days that end where it begins."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    @property
    def is_daily(self) -> bool:
        """Say whether its steps are days; else they are weeks, which begin on Mondays."""
        return self.days <= MOST_DAYS_APART

    @cached_property
    def steps(self) -> list[Step]:
        """Answer its days or weeks, in order; the first and the last week may be cut."""
        found, at = [], self.first
        while at <= self.last:
            end = at if self.is_daily else min(at + timedelta(days=6 - at.weekday()), self.last)
            found.append(Step(at, end))
            at = end + timedelta(days=1)
        return found

    @cached_property
    def began(self) -> float:
        """Answer its first moment, in seconds since 1970."""
        return self.begins.timestamp()

    def step_at(self, seconds: float) -> int:
        """Answer the place in `steps` of a moment, in seconds since 1970; -1: before it began."""
        day = int((seconds - self.began) // DAY)
        if day < 0 or self.is_daily:
            return max(day, -1)
        return (day + self.first.weekday()) // 7


def period_of(said: Mapping[str, str], *, today: date) -> Period:
    """Answer the period that `days`, or `from` and `to`, say: at most 366 days, none of them to come. Raises Invalid."""
    last = min(_day(said, "to") or today, today)
    first = _day(said, "from")
    if first is None:
        first = last - timedelta(days=_days(said.get("days") or str(USUAL)) - 1)
    if first > last:
        raise Invalid(f"A period that begins on {first} cannot end on {last}.", code="bad_period")
    if (last - first).days >= LONGEST:
        raise Invalid(f"A period has at most {LONGEST} days.", code="bad_period")
    return Period(first, last)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= LONGEST:
        raise Invalid(f"days is a number from 1 to {LONGEST}.", code="bad_period")
    return int(text)


def _day(said: Mapping[str, str], name: str) -> date | None:
    text = said.get(name)
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as odd:
        raise Invalid(f"{name} is a day, as 2026-11-21.", code="bad_period") from odd
    if found < EARLIEST:
        raise Invalid(f"{name} is no day before {EARLIEST}.", code="bad_period")
    return found
