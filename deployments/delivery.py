"""How well changes are delivered: four figures, worked out of plain rows. Reads nothing, and knows no database.

A **change** is a push, or code that a platform was seen to load without anybody having told us (an observed deploy);
what was there already when Lastgood looked for the first time is none. A rollback is not a change: it ends one.

- **Deploy frequency**: how many changes went live, by day or week. A change that was held counts when it goes live; one
  that was canceled, or superseded before it was in place, never does.
- **Lead time**: from the time of the commit to going live, of changes that went live and whose commit's time is known.
  How many are left out is told beside it. Median, and the 90th percentile: nine of ten took no longer.
- **Change failure rate**: of the changes that went live or failed in place, the share that failed. A change *failed*
  when it ended as FAILED after it was put in place, or was observed to fail to load; or when a rollback left its code,
  unless the blame was lifted since: of several changes with that code, the newest before the rollback. A rollback that
  blames no code (one of settings alone) leaves the change that was live before it. What was refused before it was in
  place did not fail, and what ERRORED (we broke on the way) is not the change's doing.
- **Time to restore**: from the moment when a change that failed was put in place (an observed one: was seen) to the
  next deploy that went live: a rollback, a fix, a retry. After a change that had gone live itself, one with another
  release. Until then it is open.

A change counts on the day, in UTC, on which it went live, or failed. The order of changes is the server's sequence of
going live, whatever clocks did; what never went live is put into it by the time when it ended.
"""

import heapq
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from deployments.states import DeployKind, DeployStatus

Doubles = array[float]


class Ended(NamedTuple):
    """One deploy that ended. Times are seconds since 1970; `seq`: its place in the order of going live, if it did."""

    location: int
    number: int
    kind: str
    status: str
    at: float
    placed: float | None
    seq: int | None
    release: int | None
    code: str | None = None
    committed: str | None = None

    @property
    def is_change(self) -> bool:
        """Say whether it brought something new."""
        known_before = self.kind == DeployKind.OBSERVED and self.seq == 1
        return self.kind != DeployKind.ROLLBACK and not known_before

    @property
    def lead_time(self) -> float | None:
        """Answer the seconds from commit to live; None when the commit's time is not known, or is later than that."""
        if self.committed is None:
            return None
        try:
            seconds = self.at - datetime.fromisoformat(self.committed).timestamp()
        except (ValueError, OverflowError):
            return None
        return seconds if seconds >= 0 else None


class Left(NamedTuple):
    """Code that a rollback left: the rollback's number and place in the order. Without blame when that was lifted."""

    code: str
    number: int
    seq: int | None
    blamed: bool = True

    def came_after(self, change: Ended) -> bool:
        """Say whether the change was there before the rollback."""
        if change.seq is not None and self.seq is not None:
            return change.seq < self.seq
        return change.number < self.number


@dataclass(slots=True)
class Failure:
    """A change that failed, and the deploy that ended this."""

    change: Ended
    restored: Ended | None = None

    @property
    def went_live(self) -> bool:
        """Say whether it was live before it was rolled back from."""
        return self.change.seq is not None

    @property
    def began(self) -> float:
        """Answer when it came into place."""
        return self.change.at if self.change.placed is None else self.change.placed

    @property
    def seconds(self) -> float | None:
        """Answer how long it took to restore; None while it is open."""
        return None if self.restored is None else max(self.restored.at - self.began, 0)

    def ends_with(self, row: Ended) -> bool:
        """Say whether this deploy, which went live after it, ended it."""
        return self.change.status == DeployStatus.FAILED or row.release != self.change.release


@dataclass(slots=True)
class Tally:
    """What was counted in some days at some places."""

    live: int = 0
    observed: int = 0
    rolled_back: int = 0  # of those that went live
    failed: int = 0  # never went live
    open: int = 0
    undated: int = 0
    leads: Doubles = field(default_factory=lambda: array("d"))
    restores: Doubles = field(default_factory=lambda: array("d"))

    @property
    def changes(self) -> int:
        """Answer how many changes went live, or failed in place."""
        return self.live + self.failed

    @property
    def failures(self) -> int:
        """Answer how many of them failed."""
        return self.rolled_back + self.failed

    @property
    def failure_rate(self) -> float | None:
        """Answer the share that failed; None of nothing."""
        return self.failures / self.changes if self.changes else None

    def add(self, found: Ended | Failure) -> None:
        """Count a change that went live, or a failure."""
        if isinstance(found, Failure):
            self.rolled_back += found.went_live
            self.failed += not found.went_live
            self.open += found.restored is None
            if found.seconds is not None:
                self.restores.append(found.seconds)
            return
        self.live += 1
        self.observed += found.kind == DeployKind.OBSERVED
        seconds = found.lead_time
        self.undated += seconds is None
        if seconds is not None:
            self.leads.append(seconds)

    def merge(self, other: "Tally") -> None:
        """Count what another one counted too."""
        for name in ("live", "observed", "rolled_back", "failed", "open", "undated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.leads.extend(other.leads)
        self.restores.extend(other.restores)


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """Answer all of them as one, its durations in order."""
    whole = Tally()
    for each in tallies:
        whole.merge(each)
    # Sorted once: whoever asks for quantiles sorts again, which costs next to nothing then.
    whole.leads, whole.restores = array("d", sorted(whole.leads)), array("d", sorted(whole.restores))
    return whole


def quantile(values: Iterable[float], share: float) -> float | None:
    """Answer what this share of the values does not exceed, between two values in proportion; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    at = (len(ordered) - 1) * share
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def by_location(live: Iterable[Ended], others: Iterable[Ended]) -> Iterator[tuple[int, Iterator[Ended]]]:
    """Answer each code location with what ended there, in order.

    `live` come by location and in the order of going live, `others` by location and time.
    """
    both = heapq.merge(_never_back(live), ((row.at, row) for row in others), key=_place_in_line)
    for location, pairs in groupby(both, key=lambda pair: pair[1].location):
        yield location, (row for _, row in pairs)


def _never_back(live: Iterable[Ended]) -> Iterator[tuple[float, Ended]]:
    # A clock that was set back must not undo the order of going live.
    location, latest = -1, 0.0
    for row in live:
        latest = max(latest, row.at) if row.location == location else row.at
        location = row.location
        yield latest, row


def _place_in_line(pair: tuple[float, Ended]) -> tuple[int, float, int]:
    # Merging keeps each side's own order, whatever numbers say.
    at, row = pair
    return row.location, at, row.number


def judged(rows: Iterable[Ended], left: Iterable[Left]) -> Iterator[Ended | Failure]:
    """Answer each change of one code location that went live, and each failure, of rows that come in order.

    A change that went live and failed later comes twice: as itself, and as a failure.
    """
    blaming = list(left)
    blamed = {each.code: each for each in blaming if each.blamed}
    blamers = {each.number for each in blaming}
    waiting: list[Failure] = []
    suspects: dict[str, Failure] = {}
    latest: Ended | None = None
    for row in rows:
        if row.seq is not None:
            yield from _restored(waiting, suspects, row)
            if row.kind == DeployKind.ROLLBACK and row.number not in blamers and _replaced(latest, row):
                assert latest is not None
                suspects = {code: each for code, each in suspects.items() if each.change != latest}
                yield Failure(latest, restored=row)
            latest = row
        if not row.is_change:
            continue
        if row.seq is not None:
            yield row
        by = blamed.get(row.code or "")
        if by is not None and by.came_after(row):
            suspects[by.code] = Failure(row)
        if row.status == DeployStatus.FAILED:
            suspects = {code: each for code, each in suspects.items() if each.change != row}
            waiting.append(Failure(row))
    yield from waiting
    yield from suspects.values()


def _restored(waiting: list[Failure], suspects: dict[str, Failure], row: Ended) -> Iterator[Failure]:
    """Answer the failures that this deploy ended, and take them off the list."""
    for failure in waiting:
        failure.restored = row
        yield failure
    waiting.clear()
    # Whether these failed is not settled yet: another change with their code may come.
    for suspect in suspects.values():
        if suspect.restored is None and suspect.ends_with(row):
            suspect.restored = row


def _replaced(latest: Ended | None, rollback: Ended) -> bool:
    return latest is not None and latest.is_change and latest.release != rollback.release
