"""An order that is done when the platform shows its image …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import drivers, observing
from deployments.execution.pipeline import MOST_ATTEMPTS
from deployments.models import Deploy, Deployment, Load
from deployments.platforms.base import PlatformRefused
from deployments.states import DeployKind, DeployStatus, DeployStep
from tests.factories import carry_out, fresh
from tests.operations.asking import lines, look_again
from tests.operations.scripted_platform import FAILED, Served

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def live(scene, platform) -> Deploy:
    """Answer the first version, live: Dagster shows its image, on server 1."""
    scene.build("v1")
    parked = scene.order("v1")
    platform.runs(scene.pinned("v1"), "server-1", 1)
    ended = look_again(parked)
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    return ended


def test_is_done_when_it_does_without_any_callback(scene, platform, live):
    scene.build("v2")
    parked = scene.order("v2")
    assert look_again(parked).step == DeployStep.AWAIT
    platform.runs(scene.pinned("v2"), "server-2", 2)

    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert "Dagster shows the image of this release." in ended.verification
    assert ended.activated_at is not None
    assert fresh(scene.location).live_deploy == ended
    load = Load.objects.get(deploy=ended)
    assert load.metadata["image"] == scene.pinned("v2")
    # The receiver comes too late to change that.
    assert scene.answer({"outcome": "failed"}).status_code == 409


def test_is_not_done_while_another_image_is_shown(scene, platform, live):
    Deployment.objects.update(webhook_patience=60)
    scene.build("v2")
    scene.build("v3")
    parked = scene.order("v2")
    platform.runs(scene.pinned("v3"), "server-3", 3)

    assert look_again(parked).step == DeployStep.AWAIT
    ended = look_again(parked, later=timedelta(seconds=70))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "target_timeout")


def test_is_not_done_while_the_server_that_was_there_before_goes_on(scene, platform, live):
    """The same image once more: what runs it was there before the order."""
    parked = scene.order("v1")

    assert look_again(parked).step == DeployStep.AWAIT

    assert scene.done(parked).status == DeployStatus.SUCCEEDED


def test_that_is_the_same_image_is_done_by_the_receivers_word_though_nothing_had_to_restart(scene, platform, live):
    parked = scene.order("v1")

    ended = scene.done(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert "shows the image" in ended.verification


def test_is_not_done_by_a_tag_that_the_image_before_had_too(scene, platform):
    """“latest” is shown before and after: only a digest tells, or the receiver."""
    scene.build("latest", "monday")
    first = scene.order("latest")
    platform.runs(scene.image("latest"), "server-1", 1)
    scene.done(first)
    scene.build("latest", "tuesday")
    parked = scene.order("latest")
    # Somebody presses “Reload” in Dagster.
    platform.runs(scene.image("latest"), "server-2", 1)

    assert look_again(parked).step == DeployStep.AWAIT

    ended = scene.done(parked)
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, None)
    assert "cannot show which release" in ended.verification


def test_is_not_done_while_it_loads_or_fails_to_load(scene, platform, live):
    scene.build("v2")
    parked = scene.order("v2")
    platform.shows = scene.pinned("v2")

    platform.serves = Served("server-2", 2, loading=True)
    assert look_again(parked).step == DeployStep.AWAIT
    platform.serves = FAILED
    assert look_again(parked).step == DeployStep.AWAIT
    platform.serves = None
    assert look_again(parked).step == DeployStep.AWAIT


def test_that_the_receiver_carried_out_fails_when_the_new_image_does_not_load(scene, platform, live):
    scene.build("v2")
    parked = scene.order("v2")
    platform.shows, platform.serves = scene.pinned("v2"), FAILED

    ended = scene.done(parked)

    assert (ended.status, ended.error["code"], ended.verified) == (DeployStatus.FAILED, "load_failed", False)
    now = fresh(scene.location)
    assert (now.placed_deploy, now.live_deploy) == (ended, live)


def test_that_the_receiver_calls_done_fails_when_another_image_is_shown(scene, platform, live):
    scene.build("v2")
    scene.build("v3")
    parked = scene.order("v2")
    platform.runs(scene.pinned("v3"), "server-3", 3)

    ended = scene.done(parked)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "other_image")


def test_waits_for_a_server_that_restarts_a_moment_after_the_receivers_word(scene, platform, live):
    scene.build("v2")
    parked = scene.done(scene.order("v2"))
    assert (parked.status, parked.step) == (DeployStatus.RUNNING, DeployStep.VERIFY)
    platform.runs(scene.pinned("v2"), "server-2", 2)

    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)


def test_needs_no_leave_to_reload(scene, platform, live, monkeypatch):
    """Whoever runs the image restarted its server; Dagster saw that by itself."""

    def refuse(location: str) -> bool:
        raise PlatformRefused("not_allowed", "Dagster does not let us reload.")

    monkeypatch.setattr(platform, "reload", refuse)
    scene.build("v2")
    parked = scene.order("v2")
    platform.runs(scene.pinned("v2"), "server-2", 2)
    scene.answer({"outcome": "succeeded"})

    ended = carry_out(parked)
    if ended.status == DeployStatus.RUNNING:
        ended = look_again(ended)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)


def test_goes_out_although_the_platform_is_away_and_claims_nothing_about_it(scene, platform, live, receiver):
    """Nobody could say what was served before: so nobody can say that it is new."""
    scene.build("v2")
    platform.silent = {"status": 1}
    parked = scene.order("v2")
    assert receiver.orders[-1]["release"]["image"] == scene.pinned("v2")
    platform.runs("", "server-2", 2)

    ended = scene.done(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, None)
    assert "did not say what it served before" in ended.verification


def test_outlasts_a_platform_that_does_not_answer_while_it_is_awaited(scene, platform, live):
    scene.build("v2")
    parked = scene.order("v2")
    platform.silent = {"status": 2 * MOST_ATTEMPTS}
    for _ in range(2 * MOST_ATTEMPTS):
        parked = look_again(parked)
        assert (parked.status, parked.step) == (DeployStatus.RUNNING, DeployStep.AWAIT)
    platform.runs(scene.pinned("v2"), "server-2", 2)

    assert look_again(parked).status == DeployStatus.SUCCEEDED


def test_d10_a_rollback_is_done_when_the_old_image_is_shown_again(scene, platform, live):
    scene.build("v2")
    parked = scene.order("v2")
    platform.runs(scene.pinned("v2"), "server-2", 2)
    look_again(parked)

    back = carry_out(scene.ask_rollback("last-good"))
    assert (back.restores, back.step) == (live, DeployStep.AWAIT)
    platform.runs(scene.pinned("v1"), "server-3", 1)
    ended = look_again(back)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert "Ordered" in lines(ended)
    assert fresh(scene.location).live_deploy == ended


def test_d10_an_image_that_somebody_else_ran_is_ordered_by_a_rollback_too(scene, platform, live, receiver, monkeypatch):
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: platform)
    digest = scene.build("by-hand")
    platform.runs(scene.pinned("by-hand"), "server-2", 2)
    deployment = scene.location.deployment_id
    assert observing.due_deployments(now=timezone.now()) == [deployment]
    [observed] = observing.observe(deployment, clock=timezone.now)
    scene.build("v3")
    parked = scene.order("v3")
    platform.runs(scene.pinned("v3"), "server-3", 3)
    assert look_again(parked).status == DeployStatus.SUCCEEDED

    back = carry_out(scene.ask_rollback("last-good"))

    assert back.restores_id == observed
    assert back.restores.kind == DeployKind.OBSERVED
    assert receiver.orders[-1]["release"]["image"] == scene.pinned("by-hand")
    assert receiver.orders[-1]["release"]["image_digest"] == digest
    platform.runs(scene.pinned("by-hand"), "server-4", 2)
    assert look_again(back).verified is True
