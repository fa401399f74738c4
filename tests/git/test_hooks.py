"""A webhook of a Git source …"""

import json
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from deployments import operations, sourcing
from deployments.models import GitSource, HookDelivery
from tests.factories import make_location, superuser
from tests.git.acting import (
    DAGS,
    code_of,
    fresh,
    github,
    gitlab,
    look,
    post,
    push_event,
    set_up,
    signature,
)
from tests.git.repositories import Repository

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("by_file")]
UNKNOWN = "There is no such hook, or its signature or token is wrong."
A, B = "a" * 40, "b" * 40


@pytest.fixture
def source(shop, repository: Repository) -> GitSource:
    """Answer a source of which nothing is due."""
    made = set_up(shop, repository, poll_seconds=0)
    look(made)
    return fresh(made)


def untouched(source: GitSource) -> bool:
    """Say whether nothing was announced."""
    now = fresh(source)
    return (now.wanted_commit, now.due_at, HookDelivery.objects.count()) == ("", None, 0)


@pytest.mark.parametrize("tell", [github, gitlab])
def test_has_the_head_deployed(source, repository: Repository, tell: Any):
    head = repository.commit(DAGS | {"dags/b.py": b"b"})

    answer = tell(source, push_event(head))

    assert (answer.status_code, answer.json()) == (202, {"status": "accepted", "commit": head})
    assert sourcing.due_sources(now=timezone.now()) == [source.pk]
    assert operations.fetch_source(source.pk, clock=timezone.now).git["commit"] == head
    assert fresh(source).wanted_commit == ""
    assert set(HookDelivery.objects.values_list("commit", flat=True)) == {head}


def test_says_it_as_a_form_too(source, repository: Repository):
    body = urlencode({"payload": json.dumps(push_event(A))}).encode()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "1",
        "X-Hub-Signature-256": signature(source.hook_secret, body),
    }

    answer = post(source.hook, body, headers, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 202
    assert fresh(source).wanted_commit == A


def test_orders_a_worker_at_once(source, monkeypatch, django_capture_on_commit_callbacks):
    sent: list[Any] = []
    monkeypatch.setattr("deployments.tasks.current_app.send_task", lambda name, **said: sent.append((name, said)))

    with django_capture_on_commit_callbacks(execute=True):
        github(source, push_event(A))

    ((name, said),) = sent
    assert (name, said["kwargs"], said["queue"]) == (
        "portal.tasks.fetch_source",
        {"source_id": source.pk},
        "fetches",
    )


def test_of_an_older_commit_is_taken_and_told_to_be_outdated(source, repository: Repository):
    old = repository.head()
    head = repository.commit(DAGS | {"dags/b.py": b"b"})
    github(source, push_event(head))
    look(source)

    assert github(source, push_event(old)).status_code == 202
    assert look(source) is None
    assert code_of(source) == "outdated"
    assert source.code_location.deploys.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"X_Hub_Signature_256": ""},
        {"X_Hub_Signature_256": "sha256="},
        {"X_Hub_Signature_256": "sha256=" + "0" * 64},
        {"X_Hub_Signature_256": signature("another", json.dumps(push_event(A)).encode())},
        {"X_Hub_Signature_256": signature("", json.dumps(push_event(A)).encode())},
        {"X_Hub_Signature_256": "sha1=" + "0" * 40},
        {"X_Hub_Signature_256": "ключ".encode().decode("latin-1")},
    ],
    ids=str,
)
def test_with_a_wrong_signature_is_refused_like_an_unknown_hook(source, change: dict[str, str]):
    wrong = github(source, push_event(A), **change)
    source.hook = "nobodys"
    unknown = github(source, push_event(A))

    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert wrong.content == unknown.content
    assert wrong.json()["detail"] == UNKNOWN
    assert HookDelivery.objects.count() == 0


@pytest.mark.parametrize("token", ["", "wrong", "ключ".encode().decode("latin-1")])
def test_with_a_wrong_token_is_refused_like_an_unknown_hook(source, token: str):
    assert gitlab(source, push_event(A), X_Gitlab_Token=token).json()["detail"] == UNKNOWN
    assert untouched(source)


def test_whose_secret_is_lost_takes_nothing(source):
    GitSource.objects.update(hook_secret="")
    source.hook_secret = ""

    assert gitlab(source, push_event(A)).status_code == 404
    assert github(source, push_event(A)).status_code == 404
    assert gitlab(source, push_event(A), X_Gitlab_Token="nobody knows this one").status_code == 404


def test_with_a_wrong_signature_is_not_let_in_by_the_token(source):
    answer = github(source, push_event(A), X_Hub_Signature_256="sha256=0", X_Gitlab_Token=source.hook_secret)

    assert answer.status_code == 404


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b"7", b"{}", b"null", b'{"ref": 1, "after": []}'])
def test_reads_nothing_before_it_saw_the_signature(source, body: bytes):
    assert github(source, body, X_Hub_Signature_256="sha256=0").json()["detail"] == UNKNOWN
    signed = github(source, body)

    assert (signed.status_code, signed.json()["code"]) == (400, "bad_delivery")
    assert untouched(source)


@pytest.mark.parametrize("commit", ["", "a", "A" * 40, "a" * 41, "-" * 40, "a" * 39 + "\n", f"{A}\0"])
def test_of_what_is_no_commit_is_refused(source, commit: str):
    assert github(source, push_event(commit)).status_code == 400
    assert untouched(source)


@pytest.mark.parametrize("tell", [github, gitlab])
def test_that_is_told_again_is_a_replay(source, tell: Any):
    assert tell(source, push_event(A), delivery="one").status_code == 202
    GitSource.objects.update(wanted_commit="", due_at=None)

    again = tell(source, push_event(A), delivery="one")

    assert (again.status_code, again.json()["code"]) == (409, "replayed")
    assert (fresh(source).wanted_commit, fresh(source).due_at) == ("", None)


def test_that_was_signed_is_a_replay_under_another_name_too(source):
    assert github(source, push_event(A), delivery="one").status_code == 202

    assert github(source, push_event(A), delivery="two").status_code == 409
    assert github(source, push_event(B), delivery="two").status_code == 202


def test_of_another_source_is_no_replay(source, repository: Repository):
    other = set_up(make_location(source.code_location.deployment, "other"), repository)

    assert github(source, push_event(A), delivery="one").status_code == 202
    assert github(other, push_event(A), delivery="one").status_code == 202


def test_of_another_source_does_not_open_this_one(source, repository: Repository):
    other = set_up(make_location(source.code_location.deployment, "other"), repository)
    other.hook = source.hook

    assert github(other, push_event(A)).status_code == 404


@pytest.mark.parametrize("headers", [{"X_GitHub_Delivery": ""}, {"X_GitHub_Delivery": "x" * 181}])
def test_without_a_name_is_refused(source, headers: dict[str, str]):
    assert github(source, push_event(A), **headers).status_code == 400
    assert untouched(source)


@pytest.mark.parametrize(
    ("said", "event", "reason"),
    [
        ({"zen": "Speak like a human."}, "ping", "not_a_push"),
        ({"action": "opened"}, "pull_request", "not_a_push"),
        (push_event(A, branch="other"), "push", "other_branch"),
        (push_event(A, branch="main/deeper"), "push", "other_branch"),
        (push_event(A) | {"ref": "refs/tags/main"}, "push", "not_a_push"),
        (push_event("0" * 40) | {"deleted": True}, "push", "not_a_push"),
    ],
)
def test_of_what_is_nothing_to_it_is_ignored(source, said: dict[str, Any], event: str, reason: str):
    answer = github(source, said, event=event)

    assert (answer.status_code, answer.json()) == (200, {"status": "ignored", "reason": reason})
    assert untouched(source)


def test_of_gitlabs_other_events_is_ignored(source):
    assert gitlab(source, push_event(A), X_Gitlab_Event="Tag Push Hook").json()["status"] == "ignored"
    assert untouched(source)


def test_of_a_paused_source_is_ignored(source):
    operations.pause_source(source=source, paused=True, actor=superuser(), now=timezone.now())

    assert github(source, push_event(A)).json() == {"status": "ignored", "reason": "paused"}
    assert fresh(source).wanted_commit == ""


def test_that_is_too_large_is_refused_whoever_signed_it(source):
    body = json.dumps(push_event(A, filler="x" * 1024 * 1024)).encode()

    answer = github(source, body)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert untouched(source)


def test_of_the_largest_size_is_taken(source):
    body = json.dumps(push_event(A)).encode().ljust(1024 * 1024)

    assert github(source, body).status_code == 202


def test_that_lies_about_its_length_is_refused(source):
    answer = Client().generic(
        "POST", f"/api/v1/git-hooks/{source.hook}/", b"{}", content_type="application/json", CONTENT_LENGTH="-1"
    )

    assert answer.status_code == 413


def test_is_in_no_log_with_its_secret(source, caplog):
    caplog.set_level(logging.DEBUG)

    github(source, push_event(A))
    gitlab(source, push_event(A), X_Gitlab_Token="wrong")

    assert source.hook_secret not in caplog.text


def test_that_is_old_is_forgotten(source):
    github(source, push_event(A))
    HookDelivery.objects.update(taken_at=timezone.now() - timedelta(days=31))
    gitlab(source, push_event(B))

    assert sourcing.forget_old_deliveries(now=timezone.now()) == 2
    assert HookDelivery.objects.get().commit == B
