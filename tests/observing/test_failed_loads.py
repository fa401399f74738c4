"""A code location that fails to load …"""

import pytest

from assets.models import Asset
from deployments.models import Deploy
from deployments.states import DeployKind, DeployStatus
from tests.observing.dagster import SYNTAX, UNREACHABLE, error
from tests.observing.world import World, told
from tests.operations.asking import lines

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def first(world: World) -> Deploy:
    """Have definitions 1 live."""
    world.poll()
    return world.deploys()[0]


def test_d9_is_an_entry_that_says_why_and_what_was_live_stays(world, first):
    failed = world.after_hand_load(2, error=SYNTAX)

    assert (failed.number, failed.kind, failed.status) == (2, DeployKind.OBSERVED, DeployStatus.FAILED)
    assert (failed.live_seq, failed.verified, failed.release) == (None, False, None)
    assert failed.error["code"] == "load_failed"
    assert failed.error["detail"] == "shop failed to load: ModuleNotFoundError: No module named 'orders'"
    assert [link["class_name"] for link in failed.error["chain"]] == ["DagsterUserCodeLoadError", "ModuleNotFoundError"]
    assert world.location().live_deploy == first
    load = world.load()
    assert (load.ok, load.deploy, load.asset_count, load.raw, load.definitions_digest) == (
        False,
        failed,
        None,
        None,
        "",
    )
    assert load.error["chain"] == failed.error["chain"]
    assert "No module named 'orders'" in lines(failed)


def test_d9_keeps_the_assets_that_were_loaded_last(world):
    world.after_hand_load(2, error=SYNTAX)

    assert Asset.objects.filter(current__isnull=False).count() == 2
    assert world.location().last_load.ok is False


def test_without_a_chain_says_what_the_platform_said(world):
    bare = error("never shown")
    bare.chain.clear()

    failed = world.after_hand_load(2, error=bare)

    assert failed.error["detail"] == "shop failed to load: Error loading shop"


def test_with_a_long_message_says_its_beginning(world):
    failed = world.after_hand_load(2, error=error("no such name: " + "x" * 10_000))

    assert len(failed.error["detail"]) < 600
    assert len(failed.verification) == 500
    assert len(world.load().error["chain"][-1]["message"]) > 10_000


def test_again_when_somebody_tries_again_is_the_same_failure_again(world):
    failed = world.after_hand_load(2, error=SYNTAX)

    assert world.after_hand_load(2, error=SYNTAX) == failed

    assert told(world.loads()) == [(1, True, False), (2, False, False), (2, False, True)]
    assert [(entry.count, entry.load.ok) for entry in world.history()] == [(2, False), (1, True)]


def test_for_another_reason_is_another_entry(world):
    world.after_hand_load(2, error=error("name 'a' is not defined"))

    second = world.after_hand_load(2, error=error("name 'b' is not defined"))

    assert (second.number, second.status) == (3, DeployStatus.FAILED)
    assert len(world.history()) == 3


def test_for_the_same_reason_in_another_release_directory_is_the_same_failure(world):
    one = "No module in /srv/shop/releases/12-0123456789ab/defs.py"
    failed = world.after_hand_load(2, error=error(one))

    assert world.after_hand_load(2, error=error(one.replace("12-0123456789ab", "13-ba9876543210.2"))) == failed


def test_and_comes_back_with_the_same_code_is_what_was_live_again(world, first):
    world.after_hand_load(2, error=SYNTAX)

    assert world.after_hand_load(1) == first

    assert told(world.loads()) == [(1, True, False), (2, False, False), (1, True, True)]
    assert world.location().live_deploy == first
    assert len(world.deploys()) == 2
    assert len(world.history()) == 3


def test_and_comes_back_with_other_code_is_a_new_deploy(world, first):
    world.after_hand_load(2, error=SYNTAX)

    mended = world.after_hand_load(2)

    assert (mended.number, mended.status, mended.previous) == (3, DeployStatus.SUCCEEDED, first)
    assert (mended.live_seq, world.location().live_deploy) == (2, mended)


def test_twice_with_a_good_load_between_is_two_entries(world):
    for _ in range(2):
        world.after_hand_load(2, error=SYNTAX)
        world.after_hand_load(1)

    assert told(world.loads())[1:] == [(2, False, False), (1, True, True), (3, False, False), (1, True, True)]


def test_because_its_server_is_away_is_doubted_for_twelve_seconds(world, dagster):
    world.passes(minutes=1)
    dagster.load(1, error=UNREACHABLE)

    world.poll()

    assert told(world.loads()) == [(1, True, False)]
    assert world.location().unsettled_since == world.now
    world.poll()
    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert world.location().unsettled_since is None


def test_because_its_server_is_away_is_one_failure_however_often_dagster_tries(world, dagster):
    for _ in range(20):
        dagster.load(1, error=UNREACHABLE)
        world.poll()

    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert world.load().version_key == dagster.serves.version_key


def test_because_its_server_is_away_for_a_moment_leaves_only_the_load_after_it(world, dagster, first):
    world.passes(minutes=1)
    dagster.load(1, error=UNREACHABLE)
    world.poll()
    dagster.load(1)

    world.poll()

    assert told(world.loads()) == [(1, True, False), (1, True, True)]
    assert world.location().unsettled_since is None


def test_because_its_server_is_away_is_believed_although_the_clock_was_set_back(world, dagster):
    world.passes(minutes=1)
    dagster.load(1, error=UNREACHABLE)
    world.poll()
    world.passes(hours=-1)

    world.polls(2)

    assert told(world.loads()) == [(1, True, False), (2, False, False)]


def test_with_a_broken_code_and_then_a_server_that_is_away_has_two_entries_at_once(world, dagster):
    world.after_hand_load(2, error=SYNTAX)

    away = world.after_hand_load(2, error=UNREACHABLE)

    # It was broken already: there is nothing that would heal.
    assert away.number == 3


def test_first_of_all_and_then_loads_has_its_first_live_deploy(world, dagster):
    dagster.load(5, name="billing", error=SYNTAX)
    world.poll()

    loaded = world.after_hand_load(5, name="billing")

    assert (loaded.number, loaded.live_seq, loaded.previous) == (2, 1, None)
    assert told(world.loads("billing")) == [(1, False, False), (2, True, False)]
