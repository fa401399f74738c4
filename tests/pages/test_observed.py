"""The pages of a code location that somebody else loaded …"""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.access import Role
from deployments.models import CodeLocation, PlatformWatch
from tests import factories
from tests.observing.world import World
from tests.pages import scenes
from tests.pages.conftest import signed_in
from tests.pages.loaded import eventful_world, here, world
from tests.pages.test_history import words

__all__ = ["eventful_world", "world"]
pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def viewer(world: World) -> Client:
    """Answer the browser of somebody who may look."""
    return signed_in(factories.make_member(Role.VIEWER, world.deployment))


def test_say_at_the_top_of_history_that_it_fails_and_who_loaded_it(eventful_world: World, root: Client):
    page = words(root, here(eventful_world))
    home = words(root, "/")

    assert "Fails to load since" in page
    assert "orders.py:7: ModuleNotFoundError" in page
    assert f'href="{here(eventful_world)}loads/{eventful_world.load().pk}/"' in page
    assert "Loaded by somebody else" in home
    assert "Fails to load since" in home


def test_make_sense_of_what_is_live_without_being_placed(eventful_world: World, root: Client):
    eventful_world.after_hand_load(5)

    page = words(root, here(eventful_world))

    assert "#5 was loaded by somebody else and is live; the folder holds #3 as placed." in page
    assert "Fails to load" not in page
    assert "Loaded by somebody else: commit 9c1e07d and image 2026.11.20" in page


def test_tell_a_poll_when_something_was_loaded_and_when_the_connection_breaks(eventful_world: World, root: Client):
    asked = {"HX-Request": "true"}
    poll = f"{here(eventful_world)}{root.get(here(eventful_world)).context['poll']}"
    PlatformWatch.objects.update(answered_at=timezone.now() + timedelta(seconds=15))
    answered = root.get(poll, headers=asked).status_code
    PlatformWatch.objects.update(unreachable_since=timezone.now(), error={"code": "x", "detail": "No answer."})
    lost = root.get(poll, headers=asked)
    PlatformWatch.objects.update(unreachable_since=None, error=None)
    back = root.get(poll, headers=asked).status_code
    eventful_world.after_hand_load(6)

    assert (answered, lost.status_code, back) == (204, 200, 204)
    assert "not reachable since" in lost.content.decode()
    assert root.get(poll, headers=asked).status_code == 200


def test_say_since_when_dagster_is_away_and_why(eventful_world: World, root: Client):
    at = timezone.now().replace(hour=0, minute=3)
    PlatformWatch.objects.update(unreachable_since=at, error={"code": "x", "detail": "No answer within 5 s."})

    for address in ("/", here(eventful_world), f"{here(eventful_world)}loads/"):
        page = words(root, address)
        assert "Dagster not reachable since <time" in page, address
        assert ">00:03 (UTC)</time>" in page, address
        assert "No answer within 5 s." in page, address


def test_say_the_version_and_what_it_cannot_tell(eventful_world: World, root: Client):
    PlatformWatch.objects.update(version="1.9.13", cannot_tell=["Which kinds assets have."], notes=["odd is odd."])

    page = words(root, here(eventful_world))

    assert "Dagster 1.9.13" in page
    assert "last answered <time" in page
    assert "Which kinds assets have." in page
    assert "odd is odd." in page


def test_mark_what_is_offline_on_purpose_and_what_is_gone(eventful_world: World, root: Client):
    CodeLocation.objects.update(muted=True, absent_since=timezone.now())

    page = words(root, "/")

    assert "Planned offline" in page
    assert "Not in Dagster&#x27;s workspace since" in page


def test_of_an_observed_deploy_have_no_steps_and_lead_to_its_load(eventful_world: World, root: Client):
    went_live, failed = (
        words(root, f"{here(eventful_world)}deploys/2/"),
        words(root, f"{here(eventful_world)}deploys/4/"),
    )

    for page in (went_live, failed):
        assert 'aria-label="Steps"' not in page
        assert f"{here(eventful_world)}loads/" in page
        assert 'id="retry"' not in page
        assert "Files</h2>" not in page
    assert "Loaded by somebody else: commit 9c1e07d and image 2026.11.20" in went_live
    assert failed.index("orders.py:7") < failed.index("DagsterUserCodeLoadError")


def test_of_the_deploy_before_an_observed_one_show_no_files_as_if_they_were_new(eventful_world: World, root: Client):
    assert "Files</h2>" not in words(root, f"{here(eventful_world)}deploys/3/")


def test_of_an_unconnected_deployment_say_nothing_of_a_connection(here_plain: str, root: Client):
    assert "last answered" not in words(root, here_plain)


@pytest.fixture
def here_plain(db: None) -> str:
    """Answer the history of a code location without a platform."""
    location = factories.make_location()
    factories.deploy(location, scenes.files(1))
    return location.get_absolute_url()
