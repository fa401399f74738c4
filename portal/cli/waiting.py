"""Following a deploy while it runs: each event as it comes, until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from .api import Document, Portal
from .place import Place
from .problems import Unreachable

ENDED = frozenset({"SUCCEEDED", "FAILED", "ERRORED", "CANCELED", "SUPERSEDED"})
# A held deploy has not ended, but nothing happens to it until somebody resumes.
RESTING = ENDED | {"HELD"}

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.3, 2.0, 1.3
# A portal that restarts does not end the wait; one that stays silent for so long does.
LONGEST_SILENCE = 60.0


def follow(
    portal: Portal,
    place: Place,
    number: int,
    *,
    show: Callable[[Document], None],
    patience: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Document:
    """Show each event until the deploy rests or patience ends, and return it. Raises Unanswered."""
    started = heard = clock()
    pause, seen = FIRST_PAUSE, 0
    deploy: Document | None = None
    while True:
        try:
            # The deploy before its events: after the last status no event is missed.
            deploy = portal.read(place.path("deploys", number))
            for event in events(portal, place, number, after=seen):
                seen = event["seq"]
                show(event)
            heard = clock()
        except Unreachable:
            if deploy is None or clock() - heard > LONGEST_SILENCE:
                raise
        else:
            if deploy.get("status") in RESTING:
                return deploy
        if patience is not None and clock() - started >= patience:
            return deploy
        sleep(pause)
        pause = min(LONGEST_PAUSE, pause * GROWTH)


def events(portal: Portal, place: Place, number: int, *, after: int = 0) -> Iterator[Document]:
    """Yield the events after a known one, in order, until there are no more for now."""
    while True:
        page = portal.read(place.path("deploys", number, "events"), {"after": after})
        fresh = [row for row in portal.rows_of(page) if _sequence(portal, row) > after]
        if not fresh:
            return
        yield from fresh
        after = _sequence(portal, fresh[-1])


def _sequence(portal: Portal, event: Document) -> Any:
    return portal.field(event, "seq")
