"""Beside our own deploys the observer …"""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from deployments import drivers
from deployments.execution.claiming import claim
from deployments.models import Deploy, Load
from deployments.platforms.base import PlatformRefused
from deployments.platforms.dagster_paths import anywhere_below, placeless
from deployments.states import DeployKind, DeployStatus
from tests.assets.sets import changes_of
from tests.factories import carry_out, make_deployment, make_location
from tests.observing.dagster import SYNTAX
from tests.observing.world import World, told
from tests.operations.asking import FOUR, ONE, THREE, TWO, cancel
from tests.operations.scripted_platform import DIGEST

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def live(world: World) -> Deploy:
    """Answer #1, pushed, live and verified, serving definitions 1."""
    world.dagster.load(99)
    live = world.deploy(ONE, loads=1)
    assert (live.status, live.verified) == (DeployStatus.SUCCEEDED, True)
    world.poll(60)
    assert told(world.loads()) == [(1, True, False)]
    return live


def given_up(world: World, files: dict[str, bytes]) -> Deploy:
    """Push what Dagster does not finish loading in time: it is in place, and given up on."""
    world.dagster.will_load(2, loading=True)
    parked = world.deploy(files)
    assert parked.status == DeployStatus.RUNNING
    world.passes(seconds=django_settings.LASTGOOD_RELOAD_PATIENCE.total_seconds() + 1)
    ended = world.carry_out(parked)
    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "reload_timeout")
    return ended


def refused(world: World, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Push what is in place, and what Dagster does not let us load."""

    def no(location: str) -> bool:
        raise PlatformRefused("reload_refused", "Read-only.")

    with monkeypatch.context() as patched:
        patched.setattr(world.dagster, "reload", no)
        ended = world.deploy(files)
    assert (ended.status, ended.activated_at is None) == (DeployStatus.FAILED, False)
    return ended


def test_writes_nothing_of_a_load_that_a_deploy_has_read(world, live):
    world.polls(3)

    assert told(world.loads()) == [(1, True, False)]
    assert [deploy.kind for deploy in world.deploys()] == [DeployKind.DAGS]


def test_has_a_restart_after_a_deploy_as_that_deploys_load_again(world, dagster, live):
    dagster.restart()

    world.poll(60)

    assert told(world.loads()) == [(1, True, False), (1, True, True)]


def test_leaves_a_location_with_a_running_deploy_alone(world, dagster, live):
    world.dagster.will_load(2, loading=True)
    parked = world.deploy(TWO)
    dagster.load(7)
    dagster.asked.clear()

    world.polls(3)

    assert dagster.asked == ["statuses"] * 3
    assert told(world.loads()) == [(1, True, False)]
    dagster.load(2)
    assert world.carry_out(parked).status == DeployStatus.SUCCEEDED
    assert told(world.loads()) == [(1, True, False), (2, True, False)]


def test_writes_nothing_when_a_deploy_begins_while_it_reads(world, dagster, live):
    dagster.load(7)
    pushed = world.push(TWO)
    dagster.reading.append(lambda: claim(pushed.pk, now=world.now))

    world.poll()

    assert told(world.loads()) == [(1, True, False)]
    dagster.reading.clear()
    world.carry_out(cancel(pushed))
    world.poll()
    assert told(world.loads()) == [(1, True, False), (3, True, False)]


def test_writes_nothing_when_a_deploy_begins_and_ends_while_it_reads(world, dagster, live):
    dagster.load(7)
    pushed = world.push(TWO)

    def whole_deploy() -> None:
        dagster.reading.clear()
        dagster.will_load(2)
        world.carry_out(pushed)

    dagster.reading.append(whole_deploy)
    world.polls(2)

    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    assert world.location().live_deploy == Deploy.objects.get(pk=pushed.pk)


def test_takes_nothing_for_a_deploys_that_was_read_before_it_was_in_place(world, dagster, live, monkeypatch):
    """What is read is of before the deploy; that one is not loaded: its files must not be what was read."""
    dagster.load(7)

    def refused_deploy() -> None:
        dagster.reading.clear()
        refused(world, TWO, monkeypatch)
        dagster.load(2)

    dagster.reading.append(refused_deploy)
    world.poll()
    assert told(world.loads()) == [(1, True, False)]

    world.poll()
    assert told(world.loads()) == [(1, True, False), (3, True, False)]
    assert world.load().definitions_digest == DIGEST(2)
    assert world.location().live_deploy.release == Deploy.objects.get(number=2).release


def test_has_no_second_load_when_a_deploy_ends_before_its_turn_to_be_read_comes(world, dagster, live):
    """Another location takes its minutes to be read, and meanwhile a deploy ends here: what was told is old."""
    dagster.will_load(2, loading=True)
    parked = world.deploy(TWO)
    dagster.load(2)
    dagster.load(5, name="billing")

    def slow() -> None:
        dagster.reading.clear()
        world.carry_out(parked)
        world.passes(minutes=2)

    dagster.reading.append(slow)
    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, True, False)]


def test_gives_what_was_given_up_on_its_load_when_it_comes(world, dagster, live):
    late = given_up(world, TWO)
    dagster.load(2)

    [touched] = world.poll()

    shown = world.location().live_deploy
    assert (shown.pk, shown.number, shown.kind) == (touched, 3, DeployKind.OBSERVED)
    assert (shown.release, shown.release.provisional) == (late.release, False)
    assert world.location().placed_deploy == late
    assert changes_of(shown) == {"orders": "CHANGED CODE_VERSION"}


def test_gives_what_was_given_up_on_its_failure_when_it_comes(world, dagster, live):
    late = given_up(world, TWO)
    dagster.load(2, error=SYNTAX)

    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert Deploy.objects.get(pk=late.pk).status == DeployStatus.ERRORED
    assert world.location().live_deploy == live
    assert len(world.deploys()) == 2


def test_gives_a_failed_push_its_load_when_somebody_loads_it_by_hand(world, dagster, live, monkeypatch):
    pushed = refused(world, TWO, monkeypatch)
    dagster.load(2)

    world.poll()

    shown = world.location().live_deploy
    assert (shown.number, shown.kind, shown.release) == (3, DeployKind.OBSERVED, pushed.release)


def test_gives_a_failed_push_its_failure_when_somebody_loads_it_by_hand(world, dagster, live, monkeypatch):
    refused(world, TWO, monkeypatch)
    dagster.load(2, error=SYNTAX)

    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert world.location().live_deploy == live


def test_gives_only_the_first_load_to_what_was_given_up_on(world, dagster, live):
    given_up(world, TWO)
    dagster.load(2)
    world.poll()

    edited = world.after_hand_load(3)

    assert (edited.number, edited.release.provisional) == (4, True)


def test_sees_that_the_code_before_a_failed_push_is_back(world, live):
    world.dagster.will_load(2, error=SYNTAX)
    failed = world.deploy(TWO)
    assert failed.status == DeployStatus.FAILED

    assert world.after_hand_load(1) == live

    assert told(world.loads()) == [(1, True, False), (2, False, False), (1, True, True)]
    assert world.location().placed_deploy == failed


def test_has_the_failure_of_a_push_that_somebody_repeats_as_that_pushs_again(world, live):
    world.dagster.will_load(2, error=SYNTAX)
    failed = world.deploy(TWO)

    assert world.after_hand_load(2, error=SYNTAX) == failed

    assert told(world.loads())[1:] == [(2, False, False), (2, False, True)]


def test_numbers_what_it_sees_between_queued_pushes(world, dagster, live):
    waiting = world.push(TWO)

    edited = world.after_hand_load(7)

    assert (waiting.number, edited.number) == (2, 3)
    ended = world.deploy(THREE)
    assert ended.number == 4
    carry_out(waiting)
    assert [deploy.number for deploy in world.deploys()] == [1, 2, 3, 4]


def test_counts_what_is_observed_and_what_is_pushed_in_one_order_of_going_live(world, dagster, live):
    edited = world.after_hand_load(7)
    pushed = world.deploy(TWO, loads=2)
    again = world.after_hand_load(8)

    assert [each.live_seq for each in (live, edited, pushed, again)] == [1, 2, 3, 4]
    assert [each.previous for each in (edited, pushed, again)] == [live, edited, pushed]
    assert (pushed.status, pushed.verified) == (DeployStatus.SUCCEEDED, True)


def test_reads_paths_as_deploys_do():
    """What a deploy reads and what the observer reads must have one digest, or each deploy would be followed by another."""
    deployment = make_deployment(platform="dagster", platform_url="http://127.0.0.1:3000")
    location = make_location(deployment)
    folder = drivers.target_path(location)
    text = f"python {folder}/releases/4-0123456789ab/defs.py, {folder}/current/defs.py"
    read = [
        placeless({"a": text}, anywhere_below(platform._roots))
        for platform in (drivers.platform_for(location), drivers.platform_of(deployment))
    ]

    assert read == [{"a": "python {release}/defs.py, {release}/defs.py"}] * 2


def test_leaves_whoever_is_in_place_with_what_it_is(world, live):
    """An observed deploy is live, and our target holds what it held."""
    world.after_hand_load(7)

    place = world.location()
    assert (place.placed_deploy, place.wanted_deploy) == (live, live)
    assert place.served_deploy == place.live_deploy
    assert Load.objects.filter(reported_at__lt=world.now - timedelta(days=1)).count() == 0
    world.deploy(FOUR, loads=4)
    assert world.location().served_deploy == world.location().placed_deploy
