"""What a deploy's reload of the whole workspace does to its neighbours …"""

from datetime import timedelta

import pytest

from deployments.models import Deploy, WorkspaceTurn
from tests.observing.dagster import SYNTAX, UNREACHABLE
from tests.observing.world import World, told
from tests.operations.asking import ONE, lines

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def pushed(world: World) -> Deploy:
    """Answer a live deploy of `shop`, beside `billing`."""
    world.dagster.load(5, name="billing")
    world.poll()
    pushed = world.deploy(ONE, loads=2)
    world.poll(60)
    return pushed


def reloads_all(world: World, by: Deploy, **fields) -> None:
    """Say that this deploy had the workspace loaded anew a moment ago."""
    began = world.passes(minutes=5)
    ended = world.passes(seconds=3)
    said = {"deploy": by, "began_at": began, "ended_at": ended} | fields
    WorkspaceTurn.objects.update_or_create(deployment=world.deployment, defaults=said)


def test_is_said_on_their_loads(world, dagster, pushed):
    reloads_all(world, pushed)
    dagster.restart()

    world.poll()

    load = world.load("billing")
    assert (load.reloaded_by, load.again, load.ok) == (pushed, True, True)


def test_is_not_said_on_its_own_load(world, dagster, pushed):
    reloads_all(world, pushed)
    dagster.restart()

    world.poll()

    assert (world.load().reloaded_by, world.load().again) == (None, True)


def test_that_fail_then_is_a_warning_in_that_deploys_log(world, dagster, pushed):
    reloads_all(world, pushed)
    dagster.load(5, name="billing", error=SYNTAX)

    world.poll()

    load = world.load("billing")
    assert (load.reloaded_by, load.ok, load.deploy.number) == (pushed, False, 2)
    warning = pushed.events.filter(level="WARNING").get()
    assert warning.message == "billing, which was loaded again with it, fails to load: see its history."
    assert "billing" not in lines(load.deploy).replace("billing failed to load", "")


def test_that_are_away_then_is_said_although_it_was_doubted_first(world, dagster, pushed):
    reloads_all(world, pushed, ended_at=None)
    dagster.load(5, name="billing", error=UNREACHABLE)

    world.polls(2)

    assert (world.load("billing").reloaded_by, world.load("billing").ok) == (pushed, False)


def test_with_other_code_than_before_is_said_too(world, dagster, pushed):
    reloads_all(world, pushed)
    dagster.load(6, name="billing")

    world.poll()

    assert (world.load("billing").reloaded_by, told(world.loads("billing"))[-1]) == (pushed, (2, True, False))


def test_is_not_said_of_loads_long_after(world, dagster, pushed):
    reloads_all(world, pushed)
    world.poll()
    world.polls(3)
    dagster.load(6, name="billing")

    world.poll()

    assert world.load("billing").reloaded_by is None


def test_is_not_said_of_a_reload_that_never_ended(world, dagster, pushed):
    reloads_all(world, pushed, began_at=world.now - timedelta(minutes=10), ended_at=None)
    dagster.load(6, name="billing")

    world.poll()

    assert world.load("billing").reloaded_by is None
