"""What somebody loads by hand …"""

import pytest

from deployments.models import Deploy, Release
from deployments.states import DeployStatus
from tests.assets.sets import changes_of
from tests.observing.dagster import SYNTAX, UNREACHABLE
from tests.observing.world import World, told

pytestmark = [pytest.mark.django_db, pytest.mark.services]

SHOWN = {
    "image": "ghcr.io/acme/shop:v2",
    "commit_hash": "4be1f00d",
    "url": "https://github.com/acme/shop",
    "host": "shop",
    "library/dagster": "1.13.28",
}


@pytest.fixture(autouse=True)
def first(world: World) -> Deploy:
    """Have definitions 1 seen already."""
    world.poll()
    return world.deploys()[0]


def test_d1_is_a_deploy_with_all_that_the_location_shows(world, first):
    deploy = world.after_hand_load(2, shown=SHOWN)

    assert (deploy.number, deploy.status, deploy.previous) == (2, DeployStatus.SUCCEEDED, first)
    assert deploy.git == {"commit": "4be1f00d", "url": "https://github.com/acme/shop"}
    assert deploy.parts == {"image": "ghcr.io/acme/shop:v2"}
    assert deploy.metadata == SHOWN | {"working_directory": "{release}"}
    assert (deploy.verified_at, deploy.finished_at, deploy.created_at) == (world.now,) * 3
    assert world.load().metadata["working_directory"].startswith("/srv/releases/")
    release = deploy.release
    assert (release.image, release.image_digest, release.provisional) == ("ghcr.io/acme/shop:v2", "", True)
    assert (world.location().live_deploy, world.location().placed_deploy) == (deploy, None)
    assert changes_of(deploy) == {"orders": "CHANGED CODE_VERSION"}
    assert deploy.asset_counts == {"added": 0, "removed": 0, "changed": 1}


def test_d1_is_seen_within_one_look_whoever_did_it(world, dagster):
    world.passes(minutes=5)
    dagster.load(2)

    assert world.poll() == [world.location().live_deploy.pk]


def test_is_the_same_code_again_when_a_webserver_restarts(world, dagster, first):
    world.passes(hours=1)
    dagster.restart()

    assert world.poll() == []

    assert told(world.loads()) == [(1, True, False), (1, True, True)]
    assert world.load().raw is None
    assert world.deploys() == [first]
    assert [(entry.count, entry.deploy) for entry in world.history()] == [(2, first)]


def test_is_other_code_when_only_what_is_shown_differs(world, first):
    deploy = world.after_hand_load(1, shown={"library/dagster": "1.13.28"})

    assert (deploy.number, deploy.live_seq) == (2, 2)
    assert deploy.release != first.release
    assert changes_of(deploy) == {}


def test_that_was_there_before_is_the_same_release_and_another_deploy(world, first):
    world.after_hand_load(2)

    third = world.after_hand_load(1)

    assert (third.number, third.release) == (3, first.release)
    assert Release.objects.count() == 2
    assert world.location().live_deploy == third
    assert changes_of(third) == {"orders": "CHANGED CODE_VERSION"}


def test_is_one_load_when_its_key_moves_within_half_a_minute(world, dagster):
    world.after_hand_load(2)
    dagster.flap()

    world.poll(after=29)

    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    newest = world.load()
    assert newest.version_key == dagster.serves.version_key
    assert newest.reported_at < world.now
    [entry, _] = world.history()
    assert (entry.count, entry.last_at) == (1, world.now)


def test_is_another_load_when_its_key_moves_later(world, dagster):
    world.after_hand_load(2)
    dagster.flap()

    world.poll(after=31)

    assert told(world.loads())[1:] == [(2, True, False), (2, True, True)]


def test_that_flaps_for_long_is_one_row(world, dagster):
    for _ in range(12):
        dagster.flap()
        world.poll()

    assert len(world.history()) == 1
    assert len(world.deploys()) == 1


def test_is_one_load_when_the_same_failure_is_reported_twice(world, dagster):
    world.after_hand_load(2, error=SYNTAX)
    dagster.flap()

    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert world.load().version_key == dagster.serves.version_key


def test_is_another_load_when_the_clock_was_set_back_far(world, dagster):
    world.after_hand_load(2)
    world.passes(hours=-2)
    dagster.flap()

    world.poll()

    # It is long before the other one: nobody can say that it was half a minute.
    assert told(world.loads())[1:] == [(2, True, False), (2, True, True)]
    assert len(world.history()) == 2


def test_other_code_is_seen_although_a_clock_was_set_back(world):
    world.after_hand_load(2)
    world.passes(hours=-2)

    world.dagster.load(3)
    world.poll()

    assert [deploy.number for deploy in world.deploys()] == [1, 2, 3]
    assert world.location().live_deploy.number == 3


def test_is_read_anew_when_it_moves_between_the_two_answers(world, dagster):
    world.passes(minutes=1)
    dagster.load(2)
    dagster.reading.append(lambda: dagster.reading.clear() or dagster.load(3))

    world.polls(2)

    # Between two looks nobody can see: at the end the history says what is served.
    assert world.load().version_key == dagster.serves.version_key
    assert world.location().live_deploy == world.deploys()[-1]


def test_in_two_deployments_is_told_apart(world, dagster):
    other = World(dagster, organization=world.deployment.organization, slug="staging")
    world.passes(minutes=1)
    dagster.load(2)

    world.poll()

    assert told(world.loads()) == [(1, True, False), (2, True, False)]
    assert told(other.loads()) == [(1, True, False)]


@pytest.mark.parametrize("image", ["shop:" + "v" * 5000, "shop@sha256:" + "a" * 300])
def test_with_absurdly_long_words_is_written_down(world, image: str):
    deploy = world.after_hand_load(2, shown={"commit_hash": "x" * 5000, "image": image})

    assert (len(deploy.git["commit"]), deploy.metadata["image"]) == (5000, image)
    # That is no image which anybody could run.
    assert (deploy.parts, deploy.release.image, deploy.release.image_digest) == ({}, "", "")


def test_an_unreachable_server_that_comes_back_leaves_no_trace(world, dagster):
    server = dagster.serves
    world.passes(hours=1)
    dagster.load(1, error=UNREACHABLE)
    world.poll()
    assert world.location().unsettled_since == world.now

    dagster.serves = server
    world.poll()

    assert told(world.loads()) == [(1, True, False)]
    # The next error, a day later, is doubted anew.
    assert world.location().unsettled_since is None
