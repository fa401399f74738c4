"""The directory target, when the processes that act on it are stopped or killed,"""

import signal
import threading
import time
from random import Random
from typing import Any

import pytest

from deployments.targets.base import TargetUnreachable
from deployments.targets.directory import DirectoryTarget
from tests.targets.processes import (
    PATIENCE,
    Reader,
    acting,
    assert_recovers,
    assert_sound,
    outcome,
    wait_until_stopped,
)
from tests.targets.releases import (
    activate,
    assert_nothing_half_done,
    make_release,
    numbered,
)

# Stopped


def test_refuses_a_process_that_slept_before_its_swap_and_was_overtaken(target: DirectoryTarget) -> None:
    activate(target, make_release(1, numbered(1)))

    with acting("stopped_before_swap", target, 2) as zombie:
        wait_until_stopped(zombie)
        activate(target, make_release(3, numbered(3)))
        zombie.send_signal(signal.SIGCONT)
        answer = outcome(zombie)

    assert answer["code"] == "stale_fence"
    assert_sound(target, allowed={3})
    assert sorted(path.name.split("-")[0] for path in target.releases.iterdir()) == ["1", "3"]
    assert_nothing_half_done(target)


def test_refuses_a_process_that_slept_before_its_swap_while_the_fence_rose(target: DirectoryTarget) -> None:
    activate(target, make_release(1, numbered(1)))

    with acting("stopped_before_swap", target, 2) as zombie:
        wait_until_stopped(zombie)
        target.raise_fence(3)
        zombie.send_signal(signal.SIGCONT)
        answer = outcome(zombie)

    assert answer["code"] == "stale_fence"
    assert_sound(target, allowed={1, 3})
    assert target.read().fence == 3


def test_lets_a_process_that_slept_finish_when_nobody_overtook_it(target: DirectoryTarget) -> None:
    with acting("stopped_before_swap", target, 2) as sleeper:
        wait_until_stopped(sleeper)
        sleeper.send_signal(signal.SIGCONT)
        answer = outcome(sleeper)

    assert answer["number"] == 2
    assert_sound(target, allowed={2})


def test_keeps_others_out_while_one_sleeps_inside_the_lock(target: DirectoryTarget) -> None:
    activate(target, make_release(1, numbered(1)))

    with acting("stopped_inside_the_lock", target, 2) as sleeper:
        wait_until_stopped(sleeper)
        with pytest.raises(TargetUnreachable) as busy:
            activate(target, make_release(3, numbered(3)))
        assert_sound(target, allowed={1})
        sleeper.send_signal(signal.SIGCONT)
        outcome(sleeper)

    assert busy.value.code == "target_locked"
    assert_sound(target, allowed={2})
    assert_recovers(target, number=3)


# Killed


def test_leaves_the_old_or_the_new_wherever_it_is_killed(target: DirectoryTarget) -> None:
    """Not at random: before every single step of a whole activation, one process each."""
    activate(target, make_release(1, numbered(1)))
    number, step, finished = 1, 0, False

    with Reader(target) as reader:
        while not finished:
            step += 1
            with acting("killed_at", target, number + 1, step) as process:
                answer = outcome(process)
            finished = "number" in answer
            assert "code" not in answer
            number = assert_sound(target, allowed={number, number + 1})

    assert reader.complaints == []
    assert reader.looks > step > 30
    assert_recovers(target, number=number + 1)


def test_leaves_the_old_or_the_new_when_killed_at_random(target: DirectoryTarget) -> None:
    started = time.monotonic()
    activate(target, make_release(1, numbered(1)))
    usual = time.monotonic() - started
    random, number = Random(20260304), 1

    with Reader(target) as reader:
        while number <= 30:
            with acting("without_end", target, number) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                time.sleep(random.uniform(0, 4 * usual))
                process.kill()
                process.wait()
            number = assert_sound(target, allowed=set(range(number, number + 1000)))

    assert reader.complaints == []
    assert_recovers(target, number=number + 1)


def test_keeps_what_is_in_place_wherever_a_prune_is_killed(target: DirectoryTarget) -> None:
    for number in (1, 2, 3):
        activate(target, make_release(number, numbered(number)))
    step, finished = 0, False

    with Reader(target) as reader:
        while not finished:
            step += 1
            with acting("prune_killed_at", target, 3, step) as process:
                finished = bool(outcome(process))
            assert_sound(target, allowed={3})

    assert reader.complaints == []
    assert step > 5
    assert_recovers(target, number=4)


def test_ends_with_the_highest_fence_when_processes_race(target: DirectoryTarget) -> None:
    patient = DirectoryTarget(target.root, lock_patience=PATIENCE)
    activate(patient, make_release(1, numbered(1)))
    answers: dict[int, dict[str, Any]] = {}

    def race(number: int) -> None:
        with acting("place", patient, number) as process:
            answers[number] = outcome(process)

    threads = [threading.Thread(target=race, args=(number,)) for number in (4, 6, 3, 5, 2)]
    with Reader(patient) as reader:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert reader.complaints == []
    assert answers[6]["number"] == 6
    assert {answer.get("code", "stale_fence") for answer in answers.values()} == {"stale_fence"}
    assert_sound(patient, allowed={6})
    assert_nothing_half_done(patient)
