"""The changes of one asset along time, as a picture: where each stands, and what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log2
from typing import Any

from django.utils.safestring import SafeString

from assets import history
from assets.models import Asset
from assets.states import ChangeKind
from assets.views.steps import SIGNS, titles
from deployments.views.moments import ago

# Changes that are drawn; of those before them, so many are counted.
MOST, MOST_EARLIER = 60, 1000
# All in pixels. Two changes stand so far apart at least, so that each can be hit, and at most;
# what takes longer stands further apart, and all of it is about as wide as a page.
NARROW, CLOSE, FAR, WIDE = 26, 34, 170, 1_200
PER_DOUBLING = 14
MARGIN = 22
# What a letter of a number, and a day, need below the line.
LETTER, DAY = 7, 52


@dataclass(frozen=True)
class Mark:
    """One change. `number` and `day` stand below it where there is room."""

    x: int
    kind: str
    deploy: int
    when: SafeString | str
    exact: str
    types: list[str]
    versions: str
    who: str
    words: str
    number: str
    day: str

    @property
    def sign(self) -> str:
        """Answer what stands on it."""
        return SIGNS[self.kind]

    @property
    def told(self) -> str:
        """Tell all of it in a line."""
        what = f"#{self.deploy} {self.kind} it" + (f": {', '.join(self.types)}" if self.types else "")
        return f"{what}. {self.exact}, by {self.who}."


@dataclass(frozen=True)
class Band:
    """A stretch in which the asset was there."""

    x: int
    width: int


@dataclass(frozen=True)
class Timeline:
    """The newest changes of an asset, oldest first. `earlier` counts those that are left out, up to a bound."""

    marks: list[Mark]
    bands: list[Band]
    end: int
    earlier: int

    @property
    def width(self) -> int:
        """Answer how wide it is: up to now, and a margin."""
        return self.end + MARGIN

    @property
    def many_earlier(self) -> bool:
        """Say whether there are even more."""
        return self.earlier >= MOST_EARLIER

    @property
    def newest_first(self) -> list[Mark]:
        """Answer the same for a table."""
        return self.marks[::-1]


def timeline_of(asset: Asset, now: datetime) -> Timeline | None:
    """Answer the picture of an asset's changes; None when nothing ever happened to it. Two queries."""
    rows = list(history.marks_of(asset)[:MOST])[::-1]
    if not rows:
        return None
    earlier = history.marks_of(asset).filter(live_seq__lt=rows[0]["live_seq"])[:MOST_EARLIER].count()
    places = _places([row["deploy__finished_at"] for row in rows], now)
    marks = list(_marks(rows, places, now))
    bands = list(_bands(marks, places[-1], asset.current_id is not None))
    return Timeline(marks, bands, places[-1], earlier)


def _places(times: Sequence[datetime], now: datetime) -> list[int]:
    """Answer where each of these stands, and now: the longer it took, the further apart."""
    close = CLOSE if len(times) <= MOST // 2 else NARROW
    spans = [
        max((later - sooner).total_seconds() / 3600, 0) for sooner, later in zip(times, [*times[1:], now], strict=True)
    ]
    longer = [min(PER_DOUBLING * log2(1 + hours), FAR - close) for hours in spans]
    room = max(0, WIDE - close * len(spans))
    scale = min(1, room / sum(longer)) if sum(longer) else 0
    places = [MARGIN]
    for more in longer:
        places.append(places[-1] + close + int(more * scale))
    return places


def _marks(rows: list[dict[str, Any]], places: list[int], now: datetime) -> Iterator[Mark]:
    number_from = day_from = 0
    last_day = ""
    for row, x in zip(rows, places, strict=False):
        at = row["deploy__finished_at"].astimezone(UTC)
        number, day = f"#{row['deploy__number']}", f"{at:%d %b %Y}" if at.year != now.year else f"{at:%d %b}"
        half = LETTER * len(number) // 2
        if x - half < number_from:
            number = ""
        else:
            number_from = x + half + 4
        if day == last_day or x < day_from:
            day = ""
        else:
            last_day, day_from = day, x + DAY
        yield _mark(row, x, now, number, day)


def _mark(row: dict[str, Any], x: int, now: datetime, number: str, day: str) -> Mark:
    sides = [row[side] for side in ("before__number", "after__number") if row[side]]
    at = row["deploy__finished_at"]
    return Mark(
        x=x,
        kind=ChangeKind(row["kind"]).lower(),
        deploy=row["deploy__number"],
        when=ago(at, now),
        exact=f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        types=titles(row["change_types"].split()),
        versions=" → ".join(f"v{side}" for side in sides),
        who=row["deploy__actor_name"],
        words=row["deploy__description"],
        number=number,
        day=day,
    )


def _bands(marks: list[Mark], end: int, is_there: bool) -> Iterator[Band]:
    """Answer from where to where the asset was there."""
    begin = None if marks[0].kind == "added" else 0
    for mark in marks:
        if mark.kind == "removed" and begin is not None:
            yield Band(begin, mark.x - begin)
            begin = None
        elif mark.kind != "removed" and begin is None:
            begin = mark.x
    if begin is not None and is_there:
        yield Band(begin, end - begin)
