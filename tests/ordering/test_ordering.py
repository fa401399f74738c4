"""An order that something else carries out …"""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import execution
from deployments.execution import outcome
from deployments.models import Deploy, Deployment
from deployments.states import DeployStatus, DeployStep
from deployments.targets.webhook import verify
from portal.common.problems import Refusal
from tests.factories import ask_rollback, carry_out, fresh, push
from tests.operations.asking import cancel, lines, look_again, push_parts, refusal, settle
from tests.ordering.scene import SECRET, at, due
from tests.platforms.http_server import Request, reply

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_names_the_image_by_digest_and_is_signed(scene, receiver):
    digest = scene.build("v1")

    parked = scene.order("v1")

    [order] = receiver.orders
    assert order["release"]["image"] == f"{scene.registry.host}/team/etl@{digest}"
    assert order["release"]["image_digest"] == digest
    assert (order["place"], order["number"], order["kind"]) == ("acme/production/shop", 1, "image")
    assert order["fence"] == parked.fence
    assert parked.release.image_digest == digest
    assert parked.release.image == scene.image("v1")
    [request] = receiver.requests
    signature = request.headers["Lastgood-Signature"]
    assert verify(SECRET, signature, request.body, now=timezone.now().timestamp())
    assert not verify("another secret", signature, request.body, now=timezone.now().timestamp())
    assert f"Pinned {scene.image('v1')} to {digest}." in lines(parked)


def test_holds_no_worker_while_it_waits(scene, receiver):
    scene.build("v1")
    parked = scene.order("v1")

    assert (parked.status, parked.step) == (DeployStatus.RUNNING, DeployStep.AWAIT)
    assert (parked.lease_owner, parked.lease_expires_at) == ("", None)
    assert parked.next_check_at is not None
    assert parked.ordered_at is not None
    assert not due(parked)
    # Nobody is told about it before its time, and looking again orders nothing again.
    assert carry_out(parked).step == DeployStep.AWAIT
    assert look_again(parked).status == DeployStatus.RUNNING
    assert len(receiver.orders) == 1
    assert fresh(scene.location).placed_deploy is None


def test_that_nobody_answers_fails_when_its_time_is_over(scene):
    Deployment.objects.update(webhook_patience=60)
    scene.build("v1")
    parked = scene.order("v1")
    assert at(parked, later=timedelta(seconds=50)).status == DeployStatus.RUNNING

    ended = at(parked, later=timedelta(seconds=70))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "target_timeout")
    assert "within 60 s" in ended.error["detail"]
    now = fresh(scene.location)
    assert (now.placed_deploy, now.wanted_deploy, now.live_deploy) == (None, None, None)
    assert scene.answer({"outcome": "succeeded"}).status_code == 409


def test_is_overtaken_by_a_rollback_whose_order_has_a_higher_fence(scene, receiver):
    first = scene.deploy("v1")
    scene.build("v2")
    awaiting = scene.order("v2")
    late = receiver.orders[-1]

    back = carry_out(scene.ask_rollback("last-good"))

    awaiting.refresh_from_db()
    assert (awaiting.status, awaiting.superseded_by) == (DeployStatus.SUPERSEDED, back)
    assert receiver.orders[-1]["fence"] > late["fence"]
    assert receiver.orders[-1]["release"]["image"] == scene.pinned("v1")
    assert (back.restores, back.status) == (first, DeployStatus.RUNNING)
    # What was overtaken may answer as it likes.
    assert scene.answer({"outcome": "succeeded"}, url=late["callback_url"]).status_code == 409
    assert scene.done(back).status == DeployStatus.SUCCEEDED
    assert fresh(scene.location).live_deploy == back


def test_can_be_canceled_while_nobody_answered(scene):
    first = scene.deploy("v1")
    scene.build("v2")
    awaiting = scene.order("v2")

    canceled = cancel(awaiting)
    settle(scene.location)

    assert canceled.status == DeployStatus.CANCELED
    assert look_again(awaiting).status == DeployStatus.CANCELED
    assert scene.answer({"outcome": "succeeded"}).status_code == 409
    now = fresh(scene.location)
    assert (now.placed_deploy, now.wanted_deploy, now.drift) == (first, first, "")


def test_is_sent_again_with_the_same_address_when_its_worker_died_before_it_was_noted(scene, receiver, monkeypatch):
    scene.build("v1")
    deploy = scene.push("v1")

    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def die(*_, **__) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("deployments.execution.pipeline.note_ordered", die)
        with pytest.raises(Killed):
            carry_out(deploy)
    Deploy.objects.filter(pk=deploy.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert due(deploy)

    parked = carry_out(deploy)

    one, two = receiver.orders
    assert two["fence"] > one["fence"]
    assert two["callback_url"] == one["callback_url"]
    assert {**one, "fence": 0} == {**two, "fence": 0}
    assert "another took over" in lines(parked)
    assert scene.done(parked).status == DeployStatus.SUCCEEDED


def test_is_not_sent_again_when_its_answer_came_though_nobody_noted_that_it_was_taken(scene, receiver, monkeypatch):
    """The receiver took it and answered HTTP 500: its callback is what counts."""
    scene.build("v1")
    receiver.instead = lambda request: reply("lost on the way", 500)
    parked = scene.order("v1")
    assert (parked.step, parked.attempts) == (DeployStep.ACTIVATE, 1)
    receiver.instead = None
    [request] = receiver.requests
    url = _callback_url(request)

    assert scene.answer({"outcome": "failed", "message": "no such cluster"}, url=url).status_code == 204
    assert due(parked)
    ended = carry_out(parked)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "target_failed")
    assert len(receiver.requests) == 1


def test_that_the_receiver_finds_too_old_fails_and_says_so(scene, receiver):
    receiver.fences["acme/production/shop"] = 1000
    scene.build("v1")

    ended = scene.order("v1")

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "stale_fence")
    assert "knows a newer order" in ended.error["detail"]
    assert "later fence (0)" not in lines(ended)
    assert receiver.orders == []
    assert fresh(scene.location).placed_deploy is None


def test_that_the_receiver_cannot_take_is_tried_again_and_then_given_up(scene, receiver):
    scene.build("v1")
    receiver.instead = lambda request: reply('{"detail": "no cluster"}', 500, content_type="application/json")

    ended = scene.order("v1")
    for _ in range(4):
        assert (ended.status, ended.step) == (DeployStatus.RUNNING, DeployStep.ACTIVATE)
        ended = look_again(ended)

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "target_unreachable")
    assert "no cluster" in ended.error["detail"]
    assert len(receiver.requests) == 5


def test_that_is_tried_again_is_taken_in_the_end(scene, receiver):
    scene.build("v1")
    receiver.instead = lambda request: reply("", 503)
    parked = scene.order("v1")
    receiver.instead = None

    ordered = look_again(parked)

    assert (ordered.step, ordered.attempts) == (DeployStep.AWAIT, 0)
    assert scene.done(ordered).status == DeployStatus.SUCCEEDED


@pytest.mark.parametrize("missing", ["webhook_url", "webhook_secret"])
def test_without_an_address_or_a_secret_is_refused_in_words(scene, missing: str):
    Deployment.objects.update(**{missing: ""})
    scene.build("v1")
    deploy = scene.push("v1")

    left = execution.carry_out(deploy.pk, clock=timezone.now)
    # As the worker does with a deploy that ended in doubt.
    execution.settle_target(left.settle_location_id, clock=timezone.now)

    ended = Deploy.objects.get(pk=deploy.pk)
    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "webhook_missing")
    assert "set its address and its secret" in ended.error["detail"]
    assert "has no webhook" in fresh(scene.location).drift


def test_is_nothing_that_bundles_alone_could_give(scene):
    refused = refusal(lambda: push(scene.location))

    assert refused.code == "nothing_to_put"
    assert "puts image in place" in refused.detail
    assert not Deploy.objects.exists()


def test_carries_the_bundles_by_digest_beside_an_image(scene, receiver):
    scene.build("v1")

    carry_out(push_parts(scene.location, image=scene.image("v1"), bundles={"dags": {"a.py": b"1"}}))

    [order] = receiver.orders
    assert (order["kind"], list(order["release"]["bundles"])) == ("image_and_dags", ["dags"])


def test_is_remembered_even_if_the_claim_was_lost_while_it_was_sent(scene, receiver, monkeypatch):
    """A rollback that comes while the order is on the wire: what was sent is the overtaken one's, and stays that."""
    scene.deploy("v1")
    scene.build("v2")
    original = outcome.park
    backs: list[Deploy] = []

    def overtaken(*args, **said) -> None:
        monkeypatch.setattr(outcome, "park", original)
        backs.append(carry_out(ask_rollback(fresh(scene.location), 1)))
        original(*args, **said)

    monkeypatch.setattr(outcome, "park", overtaken)

    late = scene.order("v2")

    assert late.status == DeployStatus.SUPERSEDED
    fences = [order["fence"] for order in receiver.orders]
    assert fences == sorted(fences)
    assert receiver.orders[-1]["number"] == backs[0].number
    assert scene.done(backs[0]).status == DeployStatus.SUCCEEDED


def test_of_a_deploy_that_waits_refuses_a_second_rollback(scene):
    scene.deploy("v1")
    scene.deploy("v2")
    back = carry_out(scene.ask_rollback(1))
    assert back.step == DeployStep.AWAIT

    with pytest.raises(Refusal) as refused:
        scene.ask_rollback(1)

    assert refused.value.code == "busy"


def _callback_url(request: Request) -> str:
    return str(json.loads(request.body)["callback_url"])
