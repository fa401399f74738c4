"""The directory target, when the processes that act on it are stopped, overtaken, and go on,"""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from deployments.targets.base import Holding, InPlace
from deployments.targets.directory import DirectoryTarget
from tests.targets.processes import (
    Reader,
    acting,
    assert_sound,
    is_stopped,
    outcome,
    woken,
)
from tests.targets.releases import (
    activate,
    assert_nothing_half_done,
    contents_below,
    make_release,
    numbered,
    snapshot,
)

PROMPTLY = 5.0  # seconds for what takes hundredths of one, on a machine that does much else


def numbers(target: DirectoryTarget) -> list[int]:
    return sorted(int(path.name.split("-")[0]) for path in target.releases.iterdir())


def overtake(target: DirectoryTarget, number: int) -> InPlace:
    started = time.monotonic()
    placed = activate(target, make_release(number, numbered(number)))
    assert time.monotonic() - started < PROMPTLY
    return placed


def assert_only(target: DirectoryTarget, number: int) -> None:
    """After a prune nothing is left of all others."""
    assert_sound(target, allowed={number})
    target.prune(keep=lambda each: each == number, fence=number)
    assert numbers(target) == [number]
    assert len(list((target.root / ".lastgood/releases").iterdir())) == 1
    assert_nothing_half_done(target)


@pytest.mark.parametrize("scene", ["stopped_after_building", "stopped_before_moving_in", "stopped_before_swap"])
def test_waits_for_no_process_that_sleeps_and_never_lets_its_release_come_back(
    target: DirectoryTarget, scene: str
) -> None:
    activate(target, make_release(1, numbered(1)))

    with acting(scene, target, 2) as zombie:
        assert is_stopped(zombie)
        assert_sound(target, allowed={1, 2})
        newer = overtake(target, 3)
        before = snapshot(target.root)
        answer = woken(zombie)

    assert answer["code"] == "stale_fence"
    assert "has seen fence 3, and this act carries 2" in answer["message"]
    assert snapshot(target.root) == before
    assert target.read().in_place == newer
    assert target.read().fence == 3
    assert numbers(target) == [1, 3]
    assert_nothing_half_done(target)


@pytest.mark.parametrize("scene", ["stopped_after_building", "stopped_before_swap"])
def test_refuses_a_process_that_slept_while_the_fence_rose(target: DirectoryTarget, scene: str) -> None:
    activate(target, make_release(1, numbered(1)))

    with acting(scene, target, 2) as zombie:
        assert is_stopped(zombie)
        holding = target.raise_fence(3)
        answer = woken(zombie)

    assert answer["code"] == "stale_fence"
    assert target.read() == holding
    assert holding.fence == 3
    assert numbers(target) == [1]
    assert_sound(target, allowed={1, 3})
    assert_nothing_half_done(target)


def test_lets_a_process_that_slept_finish_when_nobody_overtook_it(target: DirectoryTarget) -> None:
    with acting("stopped_before_swap", target, 2) as sleeper:
        assert is_stopped(sleeper)
        answer = woken(sleeper)

    assert answer["number"] == 2
    assert_sound(target, allowed={2})


def test_has_no_effect_wherever_it_is_stopped_and_overtaken(target: DirectoryTarget) -> None:
    """Not at random: before every single step of a whole activation, one process each."""
    activate(target, make_release(1, numbered(1)))
    number, step = 1, 1

    with Reader(target) as reader:
        while True:
            with acting("stopped_at", target, number + 1, step) as zombie:
                if not is_stopped(zombie):
                    break
                reached = assert_sound(target, allowed={number, number + 1})
                overtake(target, number + 2)
                before = snapshot(target.root)
                answer = woken(zombie)
            assert snapshot(target.root) == before
            # Whose swap was made before it was stopped says so.
            assert answer.get("code", answer.get("number")) in {"stale_fence", reached} - {number}
            number, step = number + 2, step + 1
            assert_only(target, number)

    assert reader.complaints == []
    assert step > 30


def test_has_no_effect_wherever_it_is_stopped_while_it_overtakes(target: DirectoryTarget) -> None:
    """Two processes sleep: one before its swap, the other wherever it is, also while it removes the first."""
    activate(target, make_release(1, numbered(1)))
    number, step = 1, 1

    with Reader(target) as reader:
        while True:
            with acting("stopped_before_swap", target, number + 1) as first:
                assert is_stopped(first)
                with acting("raise_stopped_at", target, number + 2, step) as second:
                    if not is_stopped(second):
                        break
                    overtake(target, number + 3)
                    before = snapshot(target.root)
                    zombies = (first, second) if step % 2 else (second, first)
                    answers = {zombie: woken(zombie) for zombie in zombies}
            assert snapshot(target.root) == before
            assert answers[first]["code"] == "stale_fence"
            # Whose fence was raised before it was stopped says so.
            assert answers[second].get("code", answers[second].get("fence")) in {"stale_fence", number + 2, number + 3}
            number, step = number + 3, step + 1
            assert_only(target, number)

    assert reader.complaints == []
    assert step > 20


def test_keeps_what_is_in_place_wherever_a_prune_is_stopped_and_overtaken(tmp_path: Path) -> None:
    step, ended = 0, False

    while not ended:
        step += 1
        target = DirectoryTarget(tmp_path / str(step))
        for number in (1, 2, 3):
            activate(target, make_release(number, numbered(number)))
        with Reader(target) as reader, acting("prune_stopped_at", target, 3, step) as zombie:
            ended = not is_stopped(zombie)
            # Back to what the prune is about to take away, or has taken.
            placed = activate(target, make_release(2, numbered(2), fence=4))
            before = snapshot(target.root)
            answer = woken(zombie)
        assert reader.complaints == []
        assert snapshot(target.root) == before
        assert answer.get("code", "stale_fence") == "stale_fence"
        assert target.read() == Holding(in_place=placed, fence=4)
        assert contents_below(target.current) == numbered(2)
        assert_nothing_half_done(target)

    assert step > 10


def test_ends_with_the_highest_fence_when_threads_of_many_processes_race(target: DirectoryTarget) -> None:
    """60 acts, and a new fence all the time: nobody is told anything but that a newer one has come."""
    activate(target, make_release(1, numbered(1)))
    answers: dict[str, Any] = {}

    def race(number: int) -> None:
        with acting("crowd", target, number, 4) as process:
            answers.update(outcome(process)["answers"])

    threads = [threading.Thread(target=race, args=(number,)) for number in (2, 3, 4, 5)]
    with Reader(target) as reader:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert reader.complaints == []
    assert len(answers) == 60
    assert answers["61"]["number"] == 61
    assert {answer.get("code", "stale_fence") for answer in answers.values()} == {"stale_fence"}, answers
    assert_sound(target, allowed={61})
    assert_nothing_half_done(target)
