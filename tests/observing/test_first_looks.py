"""A platform that was connected just now: what it has appears by itself …"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import AssetChange
from deployments import observing
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import ActorKind, DeployKind, DeployStatus
from tests.assets.sets import changes_of
from tests.observing.dagster import SYNTAX
from tests.observing.world import told
from tests.operations.asking import ONE, TWO, lines

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_each_location_is_a_row_with_a_live_deploy_that_nobody_told_about(world, dagster):
    dagster.load(7, name="billing")

    touched = world.poll()

    assert {place.name for place in CodeLocation.objects.all()} == {"shop", "billing"}
    assert len(touched) == 2
    for name in ("shop", "billing"):
        place, [deploy] = world.location(name), world.deploys(name)
        assert (deploy.number, deploy.kind, deploy.status) == (1, DeployKind.OBSERVED, DeployStatus.SUCCEEDED)
        assert (deploy.live_seq, deploy.verified, deploy.previous) == (1, True, None)
        assert (place.live_deploy, place.placed_deploy, place.wanted_deploy) == (deploy, None, None)
        assert (place.next_number, place.next_live_seq) == (2, 2)
        assert told(world.loads(name)) == [(1, True, False)]
        assert "nobody told Lastgood about it" in lines(deploy)


def test_its_assets_are_recorded_from_what_was_read(world):
    world.poll()

    assert changes_of(world.deploys()[0]) == {"orders": "ADDED", "customers": "ADDED"}
    assert world.load().raw is None


def test_nothing_is_written_while_nothing_moves(world, dagster):
    world.poll()
    dagster.asked.clear()

    world.polls(3)

    assert dagster.asked == ["statuses"] * 3
    assert told(world.loads()) == [(1, True, False)]


def test_quiet_looks_cost_the_same_however_many_locations_there_are(world, dagster, django_assert_num_queries):
    world.poll()
    with CaptureQueriesContext(connection) as few:
        world.poll()
    for number in range(20):
        dagster.load(1, name=f"n{number}")
    world.poll()

    with django_assert_num_queries(len(few)):
        world.poll()


def test_a_location_that_still_loads_is_waited_for(world, dagster):
    dagster.load(1, loading=True)
    world.poll()
    assert world.loads() == []

    dagster.load(1)
    world.poll()

    assert told(world.loads()) == [(1, True, False)]


def test_one_that_does_not_load_is_a_failure_and_has_nothing_live(world, dagster):
    dagster.load(1, error=SYNTAX)

    touched = world.poll()

    [deploy] = world.deploys()
    assert (deploy.status, deploy.release, deploy.live_seq) == (DeployStatus.FAILED, None, None)
    assert world.location().live_deploy is None
    assert touched == []


def test_new_ones_appear_later_too(world, dagster):
    world.poll()
    dagster.load(3, name="Billing.v2_b-c")

    world.poll()

    assert told(world.loads("Billing.v2_b-c")) == [(1, True, False)]


@pytest.mark.parametrize("name", ["our shop", "../etc", "läden", "x" * 129, "-", "a/b", ""])
def test_odd_names_are_left_out_and_said(world, dagster, name: str):
    dagster.load(3, name=name)

    world.poll()

    assert [place.name for place in CodeLocation.objects.all()] == ["shop"]
    [note] = world.watch().notes
    assert repr(name[:100]) in note
    assert "Use 1 to 128 letters" in note
    assert told(world.loads()) == [(1, True, False)]


def test_one_that_went_away_is_absent_until_it_is_back(world, dagster):
    dagster.load(3, name="billing")
    world.poll()
    gone = dagster.neighbours.pop("billing")

    world.poll()
    since = world.location("billing").absent_since
    world.poll()

    assert since == world.now - timedelta(seconds=15)
    assert world.location("billing").absent_since == since
    assert world.location().absent_since is None
    dagster.neighbours["billing"] = gone
    world.poll()
    assert world.location("billing").absent_since is None
    assert told(world.loads("billing")) == [(1, True, False)]


def test_one_that_was_made_here_and_was_never_there_is_not_absent(world):
    world.location("planned")

    world.poll()

    assert world.location("planned").absent_since is None


def test_one_that_vanishes_while_it_is_read_is_left_alone(world, dagster):
    dagster.reading.append(lambda: setattr(dagster, "serves", None))
    dagster.report = lambda location: None

    world.poll()

    assert world.loads() == []


def test_a_muted_one_is_recorded_all_the_same(world, dagster):
    world.poll()
    CodeLocation.objects.update(muted=True)

    deploy = world.after_hand_load(2, error=SYNTAX)

    assert deploy.status == DeployStatus.FAILED
    assert told(world.loads()) == [(1, True, False), (2, False, False)]


def test_of_what_was_pushed_before_the_first_load_is_that_deploys(world):
    type(world.deployment).objects.update(platform="none")
    world.deploy(ONE)
    live = world.deploy(TWO)
    assert (live.status, live.platform_asked) == (DeployStatus.SUCCEEDED, False)
    type(world.deployment).objects.update(platform="dagster")

    touched = world.poll()

    assert touched == [live.pk]
    assert told(world.loads()) == [(2, True, False)]
    assert Deploy.objects.count() == 2
    assert changes_of(live) == {"orders": "ADDED", "customers": "ADDED"}
    world.dagster.restart()
    world.poll(60)
    assert told(world.loads()) == [(2, True, False), (2, True, True)]


def test_of_what_was_pushed_before_a_first_failure_is_its_own_entry(world, dagster):
    type(world.deployment).objects.update(platform="none")
    live = world.deploy(ONE)
    type(world.deployment).objects.update(platform="dagster")
    dagster.load(1, error=SYNTAX)

    world.poll()

    assert told(world.loads()) == [(2, False, False)]
    assert world.location().live_deploy == live


def test_nobody_is_its_actor(world):
    world.poll()

    [deploy] = world.deploys()
    assert (deploy.actor, deploy.actor_name, deploy.actor_kind) == (None, "observed", ActorKind.OBSERVER)
    assert Release.objects.get().provisional
    assert AssetChange.objects.count() == 2


def test_deployments_without_a_platform_are_never_due(world):
    type(world.deployment).objects.update(platform="none")

    assert observing.due_deployments(now=world.now) == []
    assert observing.observe(world.deployment.pk, clock=world.clock) == []
