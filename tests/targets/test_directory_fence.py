"""The directory target, when two want different things,"""

import fcntl
import threading
import time
from random import Random
from typing import BinaryIO

import pytest

from deployments.targets.base import Holding, InPlace, TargetRefused, TargetUnreachable
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import (
    DAGS,
    OTHER_DAGS,
    activate,
    assert_nothing_half_done,
    contents_below,
    make_release,
    snapshot,
    store_of,
)


def test_refuses_a_stale_fence_before_building(target: DirectoryTarget) -> None:
    activate(target, make_release(2, fence=2))
    before = snapshot(target.root)

    def never(sha256: str) -> BinaryIO:
        pytest.fail("It built.")

    with pytest.raises(TargetRefused, match=r"has seen fence 2, and this act carries 1: .*\.$") as refusal:
        activate(target, make_release(1, OTHER_DAGS, fence=1, open_blob=never))

    assert refusal.value.code == "stale_fence"
    assert snapshot(target.root) == before


def test_refuses_a_stale_fence_even_for_what_is_in_place(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    target.raise_fence(2)

    with pytest.raises(TargetRefused) as refusal:
        activate(target, make_release(1))

    assert refusal.value.code == "stale_fence"


def test_refuses_a_zombie_that_was_overtaken_while_it_built(target: DirectoryTarget) -> None:
    overtaken = threading.Event()

    def slow(sha256: str) -> BinaryIO:
        assert overtaken.wait(10)
        return store_of(DAGS)(sha256)

    refusals: list[str] = []

    def act_as_zombie() -> None:
        with pytest.raises(TargetRefused) as refusal:
            activate(target, make_release(1, open_blob=slow))
        refusals.append(refusal.value.code)

    zombie = threading.Thread(target=act_as_zombie)
    zombie.start()
    while not list(target.root.glob(".lastgood/build-*")):
        time.sleep(0.005)
    newer = activate(target, make_release(2, OTHER_DAGS))
    overtaken.set()
    zombie.join(10)

    assert refusals == ["stale_fence"]
    assert target.read() == Holding(in_place=newer, fence=2)
    assert contents_below(target.current) == OTHER_DAGS
    assert [path.name for path in target.releases.iterdir()] == [newer.name]
    assert_nothing_half_done(target)


def test_raises_the_fence_before_anything_is_in_place(target: DirectoryTarget) -> None:
    assert target.raise_fence(4) == Holding(in_place=None, fence=4)
    assert target.raise_fence(4) == Holding(in_place=None, fence=4)
    with pytest.raises(TargetRefused) as refusal:
        target.raise_fence(3)

    assert refusal.value.code == "stale_fence"
    assert target.read() == Holding(in_place=None, fence=4)


def test_ends_with_the_highest_fence_when_ten_threads_race(target: DirectoryTarget) -> None:
    patient = DirectoryTarget(target.root)
    releases = [make_release(number, {"dag.py": b"%d" % number}) for number in range(1, 11)]
    Random(4).shuffle(releases)
    line = threading.Barrier(len(releases))
    outcomes: dict[int, InPlace | str] = {}

    def race(number: int) -> None:
        line.wait()
        try:
            outcomes[number] = activate(patient, by_number[number])
        except TargetRefused as refusal:
            outcomes[number] = refusal.code

    by_number = {release.number: release for release in releases}
    threads = [threading.Thread(target=race, args=(release.number,)) for release in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    winners = {outcome.name for outcome in outcomes.values() if isinstance(outcome, InPlace)}
    assert {outcome for outcome in outcomes.values() if isinstance(outcome, str)} <= {"stale_fence"}
    assert len(outcomes) == 10
    assert patient.read() == Holding(in_place=outcomes[10], fence=10)
    assert contents_below(target.current) == {"dag.py": b"10"}
    assert {path.name for path in target.releases.iterdir()} == winners
    assert_nothing_half_done(target)


def test_waits_for_the_lock_only_so_long(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    before = snapshot(target.root)

    with (target.root / ".lastgood/lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for ask in (
            lambda: activate(target, make_release(2)),
            lambda: target.raise_fence(2),
            lambda: target.prune(keep=lambda number: True, fence=2),
        ):
            with pytest.raises(TargetUnreachable, match=r"lock for more than 0\.2 s\. .*\.$") as busy:
                ask()
            assert busy.value.code == "target_locked"
        assert target.read().in_place is not None

    assert snapshot(target.root) == before
    activate(target, make_release(2))
