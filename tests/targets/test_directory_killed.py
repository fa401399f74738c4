"""The directory target, when the processes that act on it are killed,"""

import time
from random import Random

from deployments.targets.directory import DirectoryTarget
from tests.targets.processes import (
    Reader,
    acting,
    assert_recovers,
    assert_sound,
    outcome,
)
from tests.targets.releases import (
    activate,
    make_release,
    numbered,
)


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
