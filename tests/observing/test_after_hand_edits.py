"""After somebody loaded something by hand, going back …"""

import pytest

from deployments import composition, history
from deployments.last_known_good import last_known_good, obstacle_to_restoring
from deployments.models import Blame, Deploy, Deployment
from deployments.platforms.base import PlatformRefused
from deployments.states import DeployStatus
from tests.observing.dagster import SYNTAX
from tests.observing.world import World
from tests.operations.asking import FOUR, ONE, THREE, TWO, in_place, refusal, retry

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def good(world: World) -> Deploy:
    """Answer #2, pushed over #1, live and verified; serving definitions 2."""
    world.dagster.load(99)
    world.deploy(ONE, loads=1)
    return world.deploy(TWO, loads=2)


def last_good(world: World) -> int | None:
    """Answer the number of the last known good; both of the product's answers agree."""
    place = world.location()
    one = last_known_good(place)
    many = history.last_good_numbers([place])
    assert many == ({place.pk: one.number} if one else {})
    return one.number if one else None


def test_goes_to_what_is_in_place_when_other_code_was_loaded_over_it(world, good):
    world.after_hand_load(7)
    assert last_good(world) == good.number

    back = world.roll_back(loads=2)

    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, good)
    place = world.location()
    assert (place.live_deploy, place.placed_deploy) == (back, back)
    assert in_place(place) == {"dags/a.py": TWO["a.py"]}


def test_goes_to_what_is_in_place_when_it_was_broken_by_hand(world, good):
    world.after_hand_load(7, error=SYNTAX)
    assert last_good(world) == good.number

    back = world.roll_back(loads=2)

    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, good)
    assert world.load().ok
    assert Blame.objects.count() == 0


def test_goes_to_what_was_before_when_the_broken_code_came_back(world, good):
    world.after_hand_load(7, error=SYNTAX)
    world.after_hand_load(2)

    assert last_good(world) == 1


def test_blames_what_was_loaded_by_hand_and_not_what_is_in_place(world, good):
    edited = world.after_hand_load(7)

    back = world.roll_back(loads=2)

    blame = Blame.objects.get()
    assert (blame.code_digest, blame.blamed_by) == (edited.release.code_digest, back)
    assert last_good(world) == 1


def test_twice_goes_further_back(world, good):
    world.after_hand_load(7)
    world.roll_back(loads=2)

    second = world.roll_back(loads=1)

    assert (second.restores.number, second.status) == (1, DeployStatus.SUCCEEDED)
    assert last_good(world) is None


def test_that_put_the_files_in_place_and_could_not_load_them_goes_further_back(world, good, monkeypatch):
    def refuse(location: str) -> bool:
        raise PlatformRefused("reload_refused", "Read-only.")

    world.after_hand_load(7)
    monkeypatch.setattr(world.dagster, "reload", refuse)

    back = world.roll_back()

    assert (back.restores, back.status, back.activated_at is None) == (good, DeployStatus.FAILED, False)
    assert world.location().served_deploy == back
    assert last_good(world) == 1


def test_to_what_was_loaded_by_hand_is_refused_with_a_reason(world, good):
    edited = world.after_hand_load(7)
    world.deploy(THREE, loads=3)

    refused = refusal(lambda: world.roll_back(edited.number))

    assert refused.code == "not_kept"
    assert "its files were never sent to Lastgood" in refused.detail
    assert last_good(world) == good.number


def test_to_a_load_that_failed_is_refused(world, good):
    failed = world.after_hand_load(7, error=SYNTAX)

    assert refusal(lambda: world.roll_back(failed.number)).code == "never_placed"


def test_has_nowhere_to_go_when_nothing_was_ever_pushed(world):
    world.poll()
    world.after_hand_load(2)

    assert last_good(world) is None
    assert refusal(world.roll_back).code == "no_last_good"


def test_to_what_was_given_up_and_loaded_later_works(world, good, settings):
    world.dagster.will_load(3, loading=True)
    parked = world.deploy(THREE)
    world.passes(seconds=settings.LASTGOOD_RELOAD_PATIENCE.total_seconds() + 1)
    world.carry_out(parked)
    assert last_good(world) == good.number
    world.dagster.load(3)
    world.poll()
    shown = world.location().live_deploy
    world.after_hand_load(8)

    assert last_good(world) == shown.number
    back = world.roll_back(loads=3)
    assert (back.status, in_place(world.location())) == (DeployStatus.SUCCEEDED, {"dags/a.py": THREE["a.py"]})


def test_a_push_after_a_hand_edit_keeps_the_other_mounts(world, good):
    world.deploy(loads=3, bundles={"dbt": FOUR})
    edited = world.after_hand_load(7)
    assert composition.base_of(world.location()).number == 3

    pushed = world.deploy(THREE, loads=8)

    assert in_place(world.location()) == {"dags/a.py": THREE["a.py"], "dbt/a.py": FOUR["a.py"]}
    assert (pushed.previous, pushed.status) == (edited, DeployStatus.SUCCEEDED)
    assert pushed.origins == {"bundle:dags": pushed.number, "bundle:dbt": 3}


def test_a_push_over_what_was_only_ever_observed_has_its_own_parts(world):
    world.poll()

    pushed = world.deploy(ONE, loads=2)

    assert (pushed.status, in_place(world.location())) == (DeployStatus.SUCCEEDED, {"dags/a.py": ONE["a.py"]})
    assert pushed.origins == {"bundle:dags": 2}


def test_an_observed_failure_cannot_be_tried_again(world, good):
    failed = world.after_hand_load(7, error=SYNTAX)

    assert refusal(lambda: retry(failed)).code == "nothing_to_put"


def test_where_images_are_put_what_was_observed_can_be_gone_back_to(world):
    Deployment.objects.update(target="webhook", webhook_url="http://127.0.0.1:1/", webhook_secret="s" * 32)
    one, two = (f"ghcr.io/acme/shop@sha256:{letter * 64}" for letter in "ab")
    world.dagster.load(1, shown={"image": one})
    world.poll()
    first = world.location().live_deploy
    second = world.after_hand_load(2, shown={"image": two})

    assert (first.release.image, first.release.image_digest) == (one, f"sha256:{'a' * 64}")
    assert obstacle_to_restoring(Deploy.objects.with_places().get(pk=first.pk)) is None
    assert last_good(world) == first.number
    # The image says which release it is, whatever else differs.
    third = world.after_hand_load(3, shown={"image": one, "library/dagster": "1.13.28"})
    assert (third.release, third.number) == (first.release, 3)
    assert second.release.code_digest != first.release.code_digest


def test_where_files_are_put_the_image_around_them_says_nothing(world, good):
    image = f"ghcr.io/acme/base@sha256:{'a' * 64}"

    one, two = (world.after_hand_load(digest, shown={"image": image}) for digest in (7, 8))

    assert one.release != two.release
    assert one.release.code_digest != two.release.code_digest
    assert (two.release.image, two.release.provisional) == (image, True)
    assert last_good(world) == good.number


def test_of_an_image_that_was_pushed_and_loaded_by_hand_is_that_release(world):
    Deployment.objects.update(target="webhook", webhook_url="http://127.0.0.1:1/", webhook_secret="s" * 32)
    world.poll()
    image = f"ghcr.io/acme/shop@sha256:{'a' * 64}"
    pushed = world.push(None, bundles={}, image=image)
    known = composition.release_of(
        world.location(), composition.Composition(image=image, image_digest=f"sha256:{'a' * 64}")
    )
    ended = {"status": "SUCCEEDED", "live_seq": 77, "release": known, "finished_at": world.now}
    Deploy.objects.filter(pk=pushed.pk).update(**ended)

    seen = world.after_hand_load(2, shown={"image": image})

    assert (seen.release, seen.release.provisional) == (known, False)
