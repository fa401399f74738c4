"""Consecutive similar deploys are one row …"""

from itertools import pairwise

import pytest

from deployments import history
from deployments.models import Deploy
from tests.observing.dagster import SYNTAX
from tests.observing.world import World
from tests.operations.asking import FOUR, ONE, THREE, TWO, cancel, hold, resume

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def unconnected(world: World) -> None:
    """Take the platform away: what is looked at are the rows."""
    type(world.deployment).objects.update(platform="none")


def rows(world: World) -> list[tuple[int, int]]:
    """Answer the rows of the history, oldest first: the numbers that each begins and ends with."""
    found = history.ends_of_runs(history.deploys_of(world.location())).order_by("number")
    return [(row.run_began, row.number) for row in found]


def consistent(world: World) -> bool:
    """Say whether neighbours say the same of each other, and the first continues nothing."""
    deploys = world.deploys()
    pairs = pairwise(deploys)
    return (
        all(older.continued == newer.continues for older, newer in pairs)
        and not deploys[0].continues
        and not deploys[-1].continued
    )


def test_of_the_same_release_commit_and_metadata(world):
    for files in (ONE, ONE, ONE, TWO, TWO):
        world.deploy(files)

    assert rows(world) == [(1, 3), (4, 5)]
    assert consistent(world)


def test_but_not_of_another_commit_or_other_metadata(world):
    world.deploy(ONE, git={"commit": "aaa"})
    world.deploy(ONE, git={"commit": "bbb"})
    world.deploy(ONE, git={"commit": "bbb"}, metadata={"team": "sales"})
    world.deploy(ONE, git={"commit": "bbb", "message": "again"}, metadata={"team": "sales"})

    assert rows(world) == [(1, 1), (2, 2), (3, 4)]


def test_but_not_of_a_rollback_to_the_same_release(world):
    world.deploy(ONE)
    world.deploy(TWO)
    world.deploy(ONE)
    world.roll_back(2)
    world.roll_back(1)
    world.roll_back(2)

    assert rows(world) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]


def test_whatever_order_they_end_in(world):
    """A held deploy ends when somebody resumes or cancels, long after the ones numbered around it."""
    world.deploy(ONE)
    waiting = world.push(ONE)
    hold(world.location())
    held = world.push(TWO, bundles={"other": TWO})
    assert rows(world)[:1] == [(1, 1)]

    world.carry_out(cancel(held))
    resume(world.location())
    world.carry_out(Deploy.objects.get(pk=waiting.pk))
    world.deploy(ONE)

    assert [deploy.status for deploy in world.deploys()] == ["SUCCEEDED", "SUCCEEDED", "CANCELED", "SUCCEEDED"]
    assert rows(world) == [(1, 2), (3, 3), (4, 4)]
    assert consistent(world)


def test_that_ends_between_two_which_it_joins(world):
    world.deploy(ONE)
    between = world.push(ONE)
    after = world.push(ONE, bundles={"other": TWO})
    # The newer ended first, and is what the others are: then the one between them ends.
    release = Deploy.objects.get(number=1).release
    later = {"status": "SUCCEEDED", "live_seq": 9, "release": release, "finished_at": world.now, "kind": "dags"}
    Deploy.objects.filter(pk=after.pk).update(**later)
    assert rows(world) == [(1, 1), (2, 2), (3, 3)]

    world.carry_out(between)

    assert rows(world) == [(1, 3)]
    assert consistent(world)


def test_of_canceled_ones_that_asked_for_the_same(world):
    world.deploy(ONE)
    for _ in range(2):
        cancel(world.push(TWO))
    cancel(world.push(THREE))

    assert rows(world) == [(1, 1), (2, 3), (4, 4)]
    assert consistent(world)


def test_but_not_of_superseded_ones_and_what_superseded_them(world):
    world.deploy(ONE)
    for _ in range(3):
        world.push(TWO)
    world.carry_out(world.push(TWO))

    statuses = [deploy.status for deploy in world.deploys()]
    assert statuses == ["SUCCEEDED", "SUPERSEDED", "SUPERSEDED", "SUPERSEDED", "SUCCEEDED"]
    assert rows(world)[-1] == (5, 5)
    assert sum(newest - began + 1 for began, newest in rows(world)) == 5
    assert consistent(world)


def test_of_pushes_that_fail_alike(world):
    type(world.deployment).objects.update(platform="dagster")
    world.dagster.load(9)
    for _ in range(3):
        world.dagster.will_load(2, error=SYNTAX)
        world.deploy(TWO)
    world.deploy(FOUR, loads=4)

    assert rows(world) == [(1, 3), (4, 4)]
    assert consistent(world)


def test_of_what_was_observed_to_fail_again_and_again(world):
    type(world.deployment).objects.update(platform="dagster")
    world.poll()
    for _ in range(2):
        world.after_hand_load(2, error=SYNTAX)
        world.after_hand_load(1)
    world.after_hand_load(3)

    assert rows(world) == [(1, 1), (2, 3), (4, 4)]
    assert consistent(world)
