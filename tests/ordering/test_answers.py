"""What a receiver answers to an order: the address is the right to answer, once."""

import json
from datetime import timedelta

import pytest
from django.db import connections

from deployments import callbacks
from deployments.models import Deploy
from deployments.states import DeployStatus
from tests.factories import carry_out, fresh
from tests.operations.asking import lines, look_again
from tests.ordering.scene import answer, due
from tests.platforms.http_server import reply

pytestmark = [pytest.mark.django_db, pytest.mark.services]

DONE = {"outcome": "succeeded"}


@pytest.fixture
def parked(scene) -> Deploy:
    """Answer a deploy whose order is out."""
    scene.build("v1")
    return scene.order("v1")


def test_completes_the_deploy_without_anybody_waiting_for_it(scene, parked):
    assert not due(parked)

    assert scene.answer({**DONE, "message": "rolled out"}).status_code == 204

    assert due(parked)
    ended = carry_out(parked)
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, None)
    assert ended.activated_at is not None
    now = fresh(scene.location)
    assert (now.placed_deploy, now.live_deploy) == (ended, ended)
    assert "The receiver says that it is done. It adds: rolled out" in lines(ended)


def test_is_taken_once(scene, parked):
    assert scene.answer(DONE).status_code == 204

    again = scene.answer({"outcome": "failed"})

    assert (again.status_code, again.json()["code"]) == (409, "already_finished")
    ended = carry_out(parked)
    assert ended.status == DeployStatus.SUCCEEDED
    assert scene.answer(DONE).status_code == 409


def test_to_an_address_that_is_nobodys_is_the_same_404_whosever_it_could_be(scene, parked):
    token = callbacks.token_of(parked)
    number, _, mac = token.partition("-")
    absent = answer("/api/v1/callbacks/nothing/", DONE)
    strange = [
        f"{number}-{'0' * 64}",
        f"{number}-{mac[:-1]}",
        f"{number}-{mac.upper()}",
        f"0{token}",
        f"{int(number) + 1}-{mac}",
        f"{number}-",
        f"-{number}-{mac}",
        "9" * 18 + f"-{mac}",
        "9" * 40 + f"-{mac}",
        f"{number}-{mac}ü",
        "%ff%fe",
        "²-" + mac,
    ]

    assert absent.status_code == 404
    for each in strange:
        refused = answer(f"/api/v1/callbacks/{each}/", DONE)
        assert (refused.status_code, refused.content) == (404, absent.content), each
    parked.refresh_from_db()
    assert parked.called_back is None


def test_to_anothers_order_says_nothing_about_ours(scene, parked):
    """A token whose deploy is gone from another database looks like any other that is nobody's."""
    ghost = Deploy(pk=parked.pk + 1000)

    refused = answer(callbacks.address_of(ghost), DONE)

    assert refused.content == answer("/api/v1/callbacks/nothing/", DONE).content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"succeeded",
        b"{",
        b"[]",
        b"null",
        b'"succeeded"',
        b"{}",
        b'{"outcome": "done"}',
        b'{"outcome": null}',
        b'{"outcome": ["succeeded"]}',
        b'{"outcome": "succeeded", "message": {}}',
        b'{"outcome": "succeeded", "message": "\\u0000"}',
        b'{"outcome": "succeeded", "message": "\\ud800"}',
        b'{"outcome": "succeeded"} {}',
        b"\xff\xfe",
        b"[" * 50_000,
        json.dumps({"outcome": "succeeded", "message": "x" * 60_001}).encode(),
    ],
    ids=range(17),
)
def test_that_is_garbage_is_refused_and_changes_nothing(scene, parked, body: bytes):
    refused = scene.answer(body)

    assert refused.status_code == 400
    parked.refresh_from_db()
    assert (parked.called_back, parked.status) == (None, DeployStatus.RUNNING)
    assert scene.answer(DONE).status_code == 204


def test_in_another_form_than_json_is_refused(scene, parked):
    assert scene.answer(b"outcome=succeeded", content_type="application/x-www-form-urlencoded").status_code == 415


def test_that_is_larger_than_any_answer_is_refused(scene, parked):
    body = b'{"outcome": "succeeded", "more": "' + b"x" * 20_000_000 + b'"}'

    assert 400 <= scene.answer(body).status_code < 500
    parked.refresh_from_db()
    assert parked.called_back is None


def test_that_it_failed_ends_the_deploy_with_the_receivers_words_in_one_line(scene, parked):
    message = "ImagePullBackOff\r\n\tof\x1b[31m pod\x07 shop‮-1\u200b " + "x" * 4000

    assert scene.answer({"outcome": "failed", "message": message}).status_code == 204
    ended = carry_out(parked)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "target_failed")
    detail = ended.error["detail"]
    assert "The receiver of the order says that it failed. It adds: ImagePullBackOff of [31m pod shop" in detail
    assert detail.isprintable()
    assert len(detail) < 700
    now = fresh(scene.location)
    assert (now.placed_deploy, now.live_deploy) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_that_comes_while_the_receiver_still_takes_the_order_is_not_lost(scene, receiver):
    """A receiver that works first and answers then."""
    scene.build("v1")
    codes: list[int] = []

    def work_first(request):
        try:
            codes.append(scene.answer(DONE, url=json.loads(request.body)["callback_url"]).status_code)
        finally:
            connections.close_all()
        return reply("", 202)

    receiver.instead = work_first

    parked = scene.order("v1")

    assert codes == [204]
    assert parked.status == DeployStatus.RUNNING
    assert look_again(parked).status == DeployStatus.SUCCEEDED
    assert len(receiver.requests) == 1


def test_that_comes_in_the_last_moment_counts(scene, platform, monkeypatch):
    """It was accepted: what is decided about the time a moment later must not forget that."""
    scene.build("v1")
    parked = scene.order("v1")

    def answer_meanwhile(location: str) -> None:
        assert scene.answer({"outcome": "failed", "message": "no such cluster"}).status_code == 204

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(platform, "status", answer_meanwhile)
        looked = look_again(parked, later=timedelta(hours=1))
    assert looked.status == DeployStatus.RUNNING
    assert due(looked)

    assert carry_out(looked).error["code"] == "target_failed"


def test_before_the_order_is_out_is_refused(scene):
    scene.build("v1")
    deploy = scene.push("v1")

    assert answer(callbacks.address_of(deploy), DONE).status_code == 409
    deploy.refresh_from_db()
    assert deploy.called_back is None


def test_that_comes_while_the_platform_may_not_be_asked_counts_all_the_same(scene, platform, monkeypatch):
    scene.build("v1")
    parked = scene.order("v1")
    platform.runs(scene.pinned("v1"), "server-1", 1)
    platform.silent = {"status": 1}
    scene.answer(DONE)

    looked = carry_out(parked)

    # It is in place by the receiver's word; what the platform serves is asked again.
    assert looked.activated_at is not None
    ended = look_again(looked)
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
