"""Following a deploy."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from lastgood import waiting
from lastgood.api import Portal
from lastgood.place import Place
from lastgood.problems import Unreachable
from lastgood.waiting import follow

from .scripted_portal import ScriptedPortal, answer, page, problem, rows

PROD = Place("acme", "prod", "default")
RUNNING, SUCCEEDED, HELD = (answer({"number": 7, "status": word}) for word in ("RUNNING", "SUCCEEDED", "HELD"))
BROKEN = page("Server Error", 500)


def event(seq: int) -> dict[str, Any]:
    return {"seq": seq, "at": None, "kind": "LOG", "message": f"line {seq}"}


class Watcher:
    """A clock that only sleeping moves, and a memory of what was shown."""

    def __init__(self, portal: ScriptedPortal) -> None:
        self.portal = portal
        self.now = 0.0
        self.pauses: list[float] = []
        self.shown: list[int] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def follow(self, patience: float | None = None) -> dict[str, Any]:
        with Portal(self.portal.url) as talk:
            return follow(
                talk,
                PROD,
                7,
                show=lambda row: self.shown.append(row["seq"]),
                patience=patience,
                clock=lambda: self.now,
                sleep=self.sleep,
            )


@pytest.fixture
def watcher(portal: ScriptedPortal) -> Watcher:
    return Watcher(portal)


def test_shows_each_event_once_and_ends_with_the_deploy(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(
        RUNNING, rows(event(1), event(2)), rows(),
        RUNNING, rows(),
        SUCCEEDED, rows(event(3)), rows(event(4)), rows(),
    )  # fmt: skip

    assert watcher.follow()["status"] == "SUCCEEDED"
    assert watcher.shown == [1, 2, 3, 4]
    after = [request.query.get("after") for request in portal.requests if request.path.endswith("/events/")]
    assert after == [["0"], ["2"], ["2"], ["2"], ["3"], ["4"]]


def test_does_not_show_again_what_a_portal_repeats(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(RUNNING, rows(event(1)), rows(event(1)), SUCCEEDED, rows(event(1)))

    watcher.follow()

    assert watcher.shown == [1]


def test_asks_less_and_less_often(portal: ScriptedPortal, watcher: Watcher) -> None:
    for _ in range(12):
        portal.script(RUNNING, rows())
    portal.script(SUCCEEDED, rows())

    watcher.follow()

    assert watcher.pauses[0] == pytest.approx(0.3)
    assert watcher.pauses == sorted(watcher.pauses)
    assert watcher.pauses[-1] == pytest.approx(2.0)


def test_ends_when_patience_ends(portal: ScriptedPortal, watcher: Watcher) -> None:
    for _ in range(99):
        portal.script(RUNNING, rows())

    assert watcher.follow(patience=10)["status"] == "RUNNING"
    assert 10 <= watcher.now < 12


def test_does_not_wait_for_a_deploy_that_is_held(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(HELD, rows())

    assert watcher.follow()["status"] == "HELD"
    assert watcher.pauses == []


def test_outlives_a_restart_of_the_portal(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(RUNNING, rows(event(1)), rows(), *[BROKEN] * 9, SUCCEEDED, rows())

    assert watcher.follow()["status"] == "SUCCEEDED"


def test_ends_when_the_portal_stays_away(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(RUNNING, rows(), *[BROKEN] * 99)

    with pytest.raises(Unreachable):
        watcher.follow()
    assert watcher.now > waiting.LONGEST_SILENCE


def test_ends_at_once_when_the_portal_was_never_there(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(BROKEN)

    with pytest.raises(Unreachable):
        watcher.follow()


def test_ends_when_it_may_not_look_any_more(portal: ScriptedPortal, watcher: Watcher) -> None:
    portal.script(RUNNING, rows(), problem(401, "not_signed_in", "Token revoked."))

    with pytest.raises(Exception, match="Token revoked"):
        watcher.follow()


def test_the_pauses_grow_slowly() -> None:
    pause, steps = waiting.FIRST_PAUSE, count()
    while pause < waiting.LONGEST_PAUSE:
        pause *= waiting.GROWTH
        assert next(steps) < 10
