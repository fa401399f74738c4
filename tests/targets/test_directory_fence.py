"""The directory target, when two want different things,"""

import os
import shutil
import threading
import time
from pathlib import Path
from random import Random
from typing import BinaryIO

import pytest

from deployments.targets import _desk
from deployments.targets._desk import Desk
from deployments.targets.base import Holding, InPlace, TargetRefused
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
    while not list(target.root.glob(".lastgood/fences/1/*/build")):
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
    releases = [make_release(number, {"dag.py": b"%d" % number}) for number in range(1, 11)]
    Random(4).shuffle(releases)
    line = threading.Barrier(len(releases))
    outcomes: dict[int, InPlace | str] = {}

    def race(number: int) -> None:
        line.wait()
        try:
            outcomes[number] = activate(target, by_number[number])
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
    assert target.read() == Holding(in_place=outcomes[10], fence=10)
    assert contents_below(target.current) == {"dag.py": b"10"}
    assert {path.name for path in target.releases.iterdir()} == winners
    assert_nothing_half_done(target)


# What the design stands on


def test_lets_nobody_change_anything_from_a_desk_that_was_overtaken(target: DirectoryTarget) -> None:
    """Not even who resolved the desk's path before: a process may be paused between that and the change."""
    activate(target, make_release(1))
    desk = target.root / ".lastgood/fences/1/act-zombie"
    desk.mkdir()
    (desk / "build").mkdir()
    (desk / "current").symlink_to("releases/nowhere")
    handle = os.open(desk, os.O_RDONLY | os.O_DIRECTORY)

    try:
        newer = activate(target, make_release(2, OTHER_DAGS))
        for late in (
            lambda: os.replace("current", target.current, src_dir_fd=handle),
            lambda: os.rename("build", target.releases / "1-build", src_dir_fd=handle),
            lambda: os.rename(target.releases / newer.name, "gone", dst_dir_fd=handle),
            lambda: os.symlink("releases/nowhere", "current", dir_fd=handle),
            lambda: os.mkdir("build", dir_fd=handle),
        ):
            with pytest.raises(FileNotFoundError):
                late()
    finally:
        os.close(handle)

    assert target.read() == Holding(in_place=newer, fence=2)
    assert_nothing_half_done(target)


def test_takes_away_what_the_overtaken_placed_and_never_pointed_at(target: DirectoryTarget) -> None:
    first, second = activate(target, make_release(1)), activate(target, make_release(2, OTHER_DAGS))
    desk = target.root / ".lastgood/fences/2/act-zombie"
    desk.mkdir()
    (desk / "current").symlink_to(f"releases/{first.name}")

    third = activate(target, make_release(3))

    assert {path.name for path in target.releases.iterdir()} == {second.name, third.name}
    assert_nothing_half_done(target)


def test_does_not_wait_until_what_the_overtaken_wrote_is_deleted(
    target: DirectoryTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(target, make_release(1))
    desk = target.root / ".lastgood/fences/1/act-zombie"
    (desk / "build/dags").mkdir(parents=True)
    answered, deleting = threading.Event(), threading.Event()

    def slow(tree: Path) -> None:
        deleting.set()
        assert answered.wait(10)
        shutil.rmtree(tree)

    monkeypatch.setattr(_desk, "remove_tree", slow)
    monkeypatch.setattr(_desk, "CLEARING_PATIENCE", 0.01)
    newer = activate(target, make_release(2, OTHER_DAGS))

    assert target.read() == Holding(in_place=newer, fence=2)
    assert not desk.exists()
    assert deleting.wait(10)
    answered.set()
    while list(target.root.glob(".lastgood/fences/2/*")):
        time.sleep(0.005)
    assert_nothing_half_done(target)


def test_leaves_what_a_hand_pointed_at_even_if_the_overtaken_placed_it(target: DirectoryTarget) -> None:
    first = activate(target, make_release(1))
    desk = target.root / ".lastgood/fences/1/act-zombie"
    desk.mkdir()
    (desk / "current").symlink_to(f"releases/{first.name}")

    assert target.raise_fence(2) == Holding(in_place=first, fence=2)
    assert contents_below(target.current) == DAGS


def test_refuses_a_newcomer_that_looked_before_it_made_its_desk(
    target: DirectoryTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found itself the highest, then slept: its desk stands in a fence made anew below a higher one."""
    activate(target, make_release(1))
    make = Desk.make

    def late(desk: Desk) -> None:
        monkeypatch.undo()
        target.raise_fence(3)
        desk.path.parent.mkdir()
        make(desk)

    monkeypatch.setattr(Desk, "make", late)
    with pytest.raises(TargetRefused) as refusal:
        activate(target, make_release(2, OTHER_DAGS))

    assert refusal.value.code == "stale_fence"
    assert_nothing_half_done(target)


def test_reads_the_fence_while_it_rises_and_never_a_lower_one(target: DirectoryTarget) -> None:
    target.raise_fence(1)
    seen, over = [0], threading.Event()

    def look_on() -> None:
        while not over.is_set():
            seen.append(target.read().fence)

    reader = threading.Thread(target=look_on)
    reader.start()
    for fence in range(2, 300):
        target.raise_fence(fence)
    over.set()
    reader.join()

    assert seen == sorted(seen)
    assert seen[1] >= 1
    assert target.read().fence == 299


def test_lets_two_acts_with_one_fence_put_the_same(target: DirectoryTarget) -> None:
    line = threading.Barrier(2)
    placed: list[InPlace] = []

    def act() -> None:
        placed.append(target.activate(make_release(1), progress=lambda text: text[0] == "W" and line.wait()))

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(placed) == 2
    assert target.read().in_place in placed
    assert contents_below(target.current) == DAGS
    assert {path.name for path in target.releases.iterdir()} == {each.name for each in placed}
    assert_nothing_half_done(target)
