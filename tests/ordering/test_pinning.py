"""Images are known by digest: a tag that moves, or is gone, changes nothing that was."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import images
from deployments.last_known_good import last_known_good
from deployments.models import Deploy, Deployment, Release
from deployments.states import DeployStatus, DeployStep
from tests.api.asking import Api
from tests.factories import carry_out, fresh, superuser
from tests.operations.asking import lines, look_again, push_parts, refusal
from tests.ordering.scene import REPOSITORY
from tests.registry_server import RegistryServer, Told, manifest

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def restorable(deploy: Deploy):
    """Answer what the API says of rolling back to it."""
    row = Api(superuser()).ask("GET", f"deploys/{deploy.number}/").json()
    return row["restorable"]


def check_images(*, days: int = 2) -> int:
    """Ask about all images, as the schedule does some days later."""
    return images.check_images(clock=lambda: timezone.now() + timedelta(days=days))


def test_d10_a_rollback_orders_the_digest_of_then_although_the_tag_moved(scene, receiver):
    digest = scene.build("latest", "monday")
    first = scene.done(scene.order("latest"))
    moved = scene.build("latest", "tuesday")
    second = scene.done(scene.order("latest"))
    assert moved != digest
    assert second.release != first.release

    back = carry_out(scene.ask_rollback(1))

    assert receiver.orders[-1]["release"]["image"] == f"{scene.registry.host}/{REPOSITORY}@{digest}"
    assert (receiver.orders[-1]["kind"], receiver.orders[-1]["number"]) == ("rollback", 3)
    assert f"The registry has {digest[:19]}" in lines(back)
    assert scene.done(back).status == DeployStatus.SUCCEEDED


def test_a_tag_that_is_pushed_again_unchanged_is_the_same_release(scene):
    first = scene.deploy("v1")
    scene.build("v1-again", "v1")

    second = scene.done(scene.order("v1-again"))

    assert second.release == first.release
    assert Release.objects.count() == 1


def test_a_push_by_digest_is_ordered_so(scene, receiver):
    digest = scene.build("v1")

    parked = carry_out(push_parts(scene.location, image=f"{scene.image('v1')}@{digest}"))

    assert parked.release.image_digest == digest
    assert receiver.orders[-1]["release"]["image"] == scene.pinned("v1")


def test_a_tag_that_is_not_there_is_refused_before_anything_is_ordered(scene, receiver):
    ended = scene.order("v9")

    assert (ended.status, ended.error["code"], ended.error["step"]) == (DeployStatus.FAILED, "image_unknown", "PIN")
    assert receiver.requests == []


def test_a_registry_that_is_away_is_asked_again_and_nothing_ordered_meanwhile(scene, receiver, registry):
    scene.build("v1")
    registry.instead = lambda asked: Told(503)
    parked = scene.order("v1")
    assert (parked.status, parked.step, receiver.requests) == (DeployStatus.RUNNING, DeployStep.PIN, [])
    registry.instead = None

    assert look_again(parked).step == DeployStep.AWAIT


def test_an_image_that_is_gone_is_no_place_to_go_back_to(scene, receiver):
    first = scene.deploy("v1")
    second = scene.deploy("v2")
    third = scene.deploy("v3")
    assert restorable(second) is True
    assert last_known_good(fresh(scene.location)) == second
    scene.forget("v2")

    # Nobody asked since: the rollback finds out by itself, and says so.
    ended = carry_out(scene.ask_rollback(2))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "image_gone")
    assert "push the image again" in ended.error["detail"]
    assert receiver.orders[-1]["number"] == third.number
    assert restorable(second)["code"] == "image_gone"
    assert refusal(lambda: scene.ask_rollback(2)).code == "image_gone"
    now = fresh(scene.location)
    assert (now.placed_deploy, now.live_deploy) == (third, third)
    # What it would have left is not to blame, and the last known good is one before.
    assert last_known_good(now) == first
    assert scene.push("v3").status == DeployStatus.QUEUED


def test_images_are_looked_for_now_and_then_and_marked_and_unmarked(scene):
    first, second = scene.deploy("v1"), scene.deploy("v2")
    scene.forget("v1")
    assert restorable(first) is True

    assert check_images() == 1

    assert restorable(first)["code"] == "image_gone"
    assert restorable(second) is True
    gone_at = Release.objects.get(pk=first.release_id).image_gone_at
    assert check_images(days=4) == 1
    assert Release.objects.get(pk=first.release_id).image_gone_at == gone_at
    scene.build("v1")
    assert check_images(days=6) == 0
    assert restorable(first) is True
    assert last_known_good(fresh(scene.location)) == first


def test_images_are_not_asked_about_twice_a_day(scene, registry):
    scene.deploy("v1")
    asked = len(registry.requests)

    assert images.check_images(clock=timezone.now) == 0

    assert len(registry.requests) == asked


@pytest.mark.parametrize("answer", [Told(503), Told(401), Told(200, {"Content-Type": "text/html"}, b"<html>")])
def test_a_registry_that_cannot_say_marks_nothing(scene, registry, answer):
    first = scene.deploy("v1")
    registry.instead = lambda asked: answer

    assert check_images() == 0

    registry.instead = None
    assert restorable(first) is True
    assert Release.objects.get(pk=first.release_id).image_checked_at > timezone.now() + timedelta(days=1)


@pytest.mark.parametrize("answer", [Told(503), Told(401)])
def test_a_rollback_goes_on_while_the_registry_does_not_answer_it(scene, registry, receiver, answer):
    """In an incident: the host may well have the image."""
    scene.deploy("v1")
    scene.deploy("v2")
    registry.instead = lambda asked: answer

    back = carry_out(scene.ask_rollback(1))

    assert receiver.orders[-1]["release"]["image"] == scene.pinned("v1")
    assert back.events.get(step="PIN").level == "WARNING"
    assert "Not asked whether the image is still there" in lines(back)
    assert scene.done(back).status == DeployStatus.SUCCEEDED


def test_a_registry_that_the_portal_may_not_ask_leaves_the_tag_alone(scene, receiver, registry, settings):
    scene.build("v1")
    settings.LASTGOOD_REGISTRY_HOSTS = []

    parked = scene.order("v1")

    [order] = receiver.orders
    assert (order["release"]["image"], order["release"]["image_digest"]) == (scene.image("v1"), "")
    assert registry.requests == []
    warning = parked.events.get(step="PIN")
    assert warning.level == "WARNING"
    assert "LASTGOOD_REGISTRY_HOSTS" in warning.message
    assert scene.done(parked).status == DeployStatus.SUCCEEDED


def test_a_rollback_to_a_tag_of_which_no_digest_is_known_takes_no_digest_of_today_for_it(scene, receiver, settings):
    allowed = settings.LASTGOOD_REGISTRY_HOSTS
    settings.LASTGOOD_REGISTRY_HOSTS = []
    first = scene.deploy("v1")
    scene.deploy("v2")
    settings.LASTGOOD_REGISTRY_HOSTS = allowed
    scene.build("v1", "something else")

    back = carry_out(scene.ask_rollback(1))

    assert back.release == first.release
    assert receiver.orders[-1]["release"]["image"] == scene.image("v1")
    assert "its tag alone is ordered, and may have moved" in lines(back)


def test_content_that_was_left_stays_out_whatever_tag_it_carries(scene, receiver):
    scene.deploy("v1")
    scene.deploy("bad")
    scene.done(carry_out(scene.ask_rollback("last-good")))
    sent = len(receiver.orders)
    # Held by the rollback; what is resumed is refused when its content is known.
    scene.build("innocent", "bad")
    Deploy.objects.filter(pk=scene.push("innocent").pk).update(status=DeployStatus.QUEUED)
    scene.location.holds.update(released_at=timezone.now())
    newest = scene.location.deploys.order_by("number").last()

    ended = carry_out(newest)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "blocked")
    assert len(receiver.orders) == sent
    assert refusal(lambda: push_parts(scene.location, image=f"{scene.image('x')}@{scene.digests['bad']}")).code == (
        "blocked"
    )


def test_the_same_content_in_another_repository_is_ordered_from_there(scene, receiver, registry):
    """A team that moves to another registry, and gives the old one up."""
    scene.deploy("v1")
    with RegistryServer().running() as other:
        other.push("moved/etl", "v1", manifest("v1"))
        scene.forget("v1")

        parked = carry_out(push_parts(scene.location, image=f"{other.host}/moved/etl:v1"))

        assert parked.step == DeployStep.AWAIT
        assert receiver.orders[-1]["release"]["image"] == f"{other.host}/moved/etl@{scene.digests['v1']}"
        ended = scene.done(parked)
        assert check_images() == 0
        assert restorable(ended) is True


def test_only_its_own_registry_is_shown_the_credentials(scene, registry):
    Deployment.objects.update(registry_user="robot", registry_password="s3cret")
    scene.location.deployment.refresh_from_db()
    registry.login = ("robot", "s3cret")
    scene.build("v1")
    with RegistryServer().running() as other:
        other.push("foreign/etl", "v1", manifest("v1"))

        assert scene.order("v1").step == DeployStep.AWAIT
        scene.done(Deploy.objects.get())
        carry_out(push_parts(scene.location, image=f"{other.host}/foreign/etl:v1"))

        assert any("authorization" in asked.headers for asked in registry.requests)
        assert other.requests
        assert not any("authorization" in asked.headers for asked in other.requests)
