"""The rollback dialog, where somebody else loaded what is in place, …"""

import pytest
from django.test import Client

from deployments.models import Deploy, Release
from deployments.states import DeployStatus
from tests.observing.world import World
from tests.pages import loaded
from tests.pages.loaded import eventful_world, here, world
from tests.pages.test_history import words

__all__ = ["eventful_world", "world"]
pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_begins_at_what_somebody_else_loaded(eventful_world: World, root: Client):
    page = words(root, f"{here(eventful_world)}rollback/?to=last-good")

    assert "In place now</span> #4" in page
    assert "Loaded by somebody else; its files are not known." in page
    assert "Whoever did that may do it again" in page


def test_refuses_what_was_loaded_meanwhile(eventful_world: World, root: Client):
    read = root.get(f"{here(eventful_world)}rollback/?to=3").context["plan"].etag
    eventful_world.after_hand_load(7)

    answer = root.post(f"{here(eventful_world)}rollbacks/", {"to": 3, "plan_etag": read, "description": "Back."})

    assert answer.status_code == 409
    assert "read the new plan, then confirm again" in answer.content.decode()
    assert "#5, which is served now, was loaded by somebody else." in answer.content.decode()


def test_takes_what_was_explained(eventful_world: World, root: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deployments.tasks.enqueue", lambda deploy: None)

    read = root.get(f"{here(eventful_world)}rollback/?to=3").context["plan"].etag

    answer = root.post(f"{here(eventful_world)}rollbacks/", {"to": 3, "plan_etag": read, "description": "Back."})

    assert answer.status_code == 302
    assert Deploy.objects.get(number=5).status == DeployStatus.QUEUED


def test_says_what_a_workspace_does_with_runs(eventful_world: World, root: Client):
    eventful_world.deployment.target, eventful_world.deployment.workspace_file = "workspace", "/srv/workspace.yaml"
    eventful_world.deployment.save()

    page = words(root, f"{here(eventful_world)}rollback/?to=1")

    assert "Runs in flight stay on their release" in page
    assert "may mix old and new code" not in page


def test_says_which_image_the_receiver_is_ordered_to_run(eventful_world: World, root: Client):
    eventful_world.deployment.target = "webhook"
    eventful_world.deployment.save()

    page = words(root, f"{here(eventful_world)}rollback/?to=2")

    assert f"The receiver is ordered to run {loaded.SHOWN['image']}." in page
    assert "The files of #2" not in page
    assert f"<ins>{loaded.SHOWN['image']}</ins>" in page


def test_names_what_the_target_puts(eventful_world: World, root: Client):
    location = eventful_world.location()
    Release.objects.filter(pk=location.placed_deploy.release_id).update(image="registry.example/a:1")
    by_folder = words(root, f"{here(eventful_world)}rollback/?to=3")
    eventful_world.deployment.target = "webhook"
    eventful_world.deployment.save()

    assert "registry.example/a:1 is recorded, not applied: this target puts bundles and settings in place." in by_folder
    assert "are recorded, not applied: this target puts images in place." in words(
        root, f"{here(eventful_world)}rollback/?to=3"
    )
