"""Of observers and deploys at the same moment …"""

import pytest

from deployments import observing
from deployments.models import Deploy, Load, PlatformWatch
from deployments.states import DeployStatus
from tests.factories import superuser
from tests.observing.dagster import SYNTAX
from tests.observing.world import World, told
from tests.operations.asking import ONE, TWO
from tests.operations.racing import at_once, told_apart
from tests.operations.scripted_platform import DIGEST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


def look(world: World):
    """Answer an observer that begins when it is told to."""
    return lambda: observing.observe(world.deployment.pk, clock=world.clock)


def test_two_that_find_the_same_work_one_writes(world, dagster):
    world.poll()
    dagster.load(2)
    world.passes(minutes=1)

    answers, _ = told_apart(at_once(look(world), look(world), look(world)))

    assert sorted(map(len, answers)) == [0, 0, 1]
    assert told(world.loads()) == [(1, True, False), (2, True, False)]


def test_two_of_which_one_had_lost_its_lease_write_one_load(world, dagster):
    """The first reads so long that its lease ends, and another begins: both know the same."""
    world.poll()
    dagster.load(2)
    world.passes(minutes=1)
    entered = []

    def overtaken() -> None:
        dagster.reading.clear()
        PlatformWatch.objects.update(lease_expires_at=None)
        entered.append(at_once(look(world))[0])

    dagster.reading.append(overtaken)
    first = observing.observe(world.deployment.pk, clock=world.clock)

    assert ([len(each) for each in entered], first) == ([1], [])
    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    assert [deploy.number for deploy in world.deploys()] == [1, 2]


def test_two_of_which_one_read_what_was_there_before_write_what_came_last(world, dagster):
    world.poll()
    dagster.load(2)
    world.passes(minutes=1)

    def overtaken() -> None:
        dagster.reading.clear()
        dagster.load(3)
        PlatformWatch.objects.update(lease_expires_at=None)
        at_once(look(world))

    dagster.reading.append(overtaken)
    assert observing.observe(world.deployment.pk, clock=world.clock) == []

    assert [load.definitions_digest for load in world.loads()] == [DIGEST(1), DIGEST(3)]
    assert world.load().version_key == dagster.serves.version_key


def test_two_that_discover_the_same_locations_make_each_once(world, dagster):
    for number in range(5):
        dagster.load(number, name=f"n{number}")
    observing.due_deployments(now=world.now)

    def unleased() -> list[int]:
        PlatformWatch.objects.update(lease_expires_at=None)
        return observing.observe(world.deployment.pk, clock=world.clock)

    told_apart(at_once(unleased, unleased, unleased))

    assert Load.objects.count() == 6
    assert Deploy.objects.count() == 6


def test_two_schedules_that_find_a_new_connection_make_one_watch(world):
    told_apart(at_once(*[lambda: observing.due_deployments(now=world.now)] * 4))

    assert PlatformWatch.objects.count() == 1


@pytest.mark.parametrize("error", [None, SYNTAX])
def test_an_observer_and_a_deploy_leave_one_story(world, dagster, error):
    superuser()
    world.poll()
    world.deploy(ONE, loads=2)
    world.passes(minutes=1)
    pushed = world.push(TWO)
    dagster.load(7, error=error)
    dagster.will_load(3)

    told_apart(at_once(lambda: world.carry_out(pushed), look(world), look(world)))
    world.polls(2)

    ended = Deploy.objects.get(pk=pushed.pk)
    assert ended.status == DeployStatus.SUCCEEDED
    keys = [load.version_key for load in world.loads()]
    assert len(keys) == len(set(keys))
    assert world.location().live_deploy == ended
    assert world.load().deploy == ended
    numbers = [deploy.number for deploy in world.deploys()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum(entry.count for entry in world.history()) == len(keys)
