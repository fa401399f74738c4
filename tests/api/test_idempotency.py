"""An Idempotency-Key …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import access
from deployments.access import Role
from deployments.models import Deploy, IdempotencyRecord, Organization
from deployments.states import DeployStatus
from tests.api.asking import BASE, PLACE, Api, answered, refused
from tests.factories import carry_out, deploy, make_location, make_member, superuser
from tests.operations.asking import ONE, TWO
from tests.operations.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer acme/production/shop with one version live."""
    location = make_location()
    deploy(location, ONE)
    return location


@pytest.fixture
def editor(location) -> Api:
    """Answer the client of somebody who may deploy and roll back there."""
    return Api(make_member(Role.EDITOR, location.deployment))


def test_makes_the_same_push_twice_one_deploy_and_one_answer(location, editor):
    first = editor.push(TWO, key="run-7", description="Once")
    carry_out(Deploy.objects.get(number=2))
    again = editor.push(TWO, key="run-7", description="Once")

    assert answered(again, 202) == answered(first, 202)
    assert (first.headers.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert Deploy.objects.count() == 2
    assert Deploy.objects.get(number=2).status == DeployStatus.SUCCEEDED


@pytest.mark.parametrize("path", ["hold/", "rollbacks/", "deploys/2/cancel/", "deploys/3/retry/", "resume/"])
def test_makes_every_verb_twice_one_effect(location, editor, path: str):
    answered(editor.push(TWO), 202)
    Deploy.objects.filter(number=2).update(status=DeployStatus.QUEUED)
    canceled = answered(editor.push({"c.py": b""}, git={"branch": "x"}), 202)["number"]
    answered(editor.post(f"deploys/{canceled}/cancel/"), 200)
    Deploy.objects.filter(number=2).update(status=DeployStatus.QUEUED, finished_at=None)
    body = {"hold/": {"reason": "Why."}, "rollbacks/": {"to": 1, "description": "Bad."}}.get(path)
    if path == "resume/":
        answered(editor.post("hold/", {"reason": "Why."}), 201)

    first = editor.post(path, body, key="once")
    rows = Deploy.objects.count()
    again = editor.post(path, body, key="once")

    assert first.status_code in {200, 201, 202}, first.content
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert Deploy.objects.count() == rows


def test_makes_places_once():
    admin = Api(superuser())

    for path, body in [
        (f"{BASE}/organizations/", {"slug": "acme"}),
        (f"{BASE}/organizations/acme/deployments/", {"slug": "production"}),
        (f"{PLACE}/code-locations/", {"name": "shop"}),
    ]:
        first = admin.post(path, body, key=path)
        assert answered(admin.post(path, body, key=path), 201) == answered(first, 201)

    assert Organization.objects.count() == 1


@pytest.mark.parametrize("other", [{"description": "Twice"}, {"metadata": {"a": 1}}])
def test_of_another_body_is_refused(location, editor, other):
    answered(editor.push(TWO, key="run-7"), 202)

    refused(editor.push(TWO, key="run-7", **other), 409, "idempotency_mismatch")
    assert Deploy.objects.count() == 2


def test_of_another_address_is_refused(location, editor):
    answered(editor.push(TWO, key="run-7"), 202)

    refused(editor.post("resume/", key="run-7"), 409, "idempotency_mismatch")


def test_of_somebody_else_is_another_key(location, editor):
    other = Api(make_member(Role.EDITOR, location.deployment, name="other"))
    answered(editor.post("hold/", {"reason": "Why."}, key="run-7"), 201)

    refused(other.post("hold/", {"reason": "Why."}, key="run-7"), 409, "held")


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_of_an_odd_length_is_refused(location, editor, key: str):
    refused(editor.push(TWO, key=key), 400, "bad_idempotency_key")
    assert Deploy.objects.count() == 1


def test_does_not_remember_a_refusal(location, editor):
    refused(editor.post("rollbacks/", {"to": "last-good", "description": "Bad."}, key="k"), 409, "no_last_good")
    answered(editor.push(TWO), 202)
    carry_out(Deploy.objects.get(number=2))

    assert (
        answered(editor.post("rollbacks/", {"to": "last-good", "description": "Bad."}, key="k"), 202)["restores"] == 1
    )


def test_is_forgotten_after_a_day(location, editor):
    answered(editor.push(TWO, key="run-7"), 202)
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    assert answered(editor.push(TWO, key="run-7"), 202)["number"] == 3


def test_is_stored_as_a_fingerprint(location, editor):
    answered(editor.push(TWO, key="secret-key-of-a-run", description="words"), 202)

    record = IdempotencyRecord.objects.get()
    assert "secret-key-of-a-run" not in f"{record.key_mac}{record.request_mac}"
    assert len(record.key_mac) == len(record.request_mac) == 64


def test_is_authorised_again_after_the_role_was_taken_away(location, editor):
    user = editor_user()
    answered(editor.push(TWO, key="run-7"), 202)
    body = {"bundles": Deploy.objects.get(number=2).parts["bundles"]}

    access.grant(user=user, role=Role.VIEWER, on=location.deployment, actor=superuser())
    refused(editor.post("deploys/", body, key="run-7"), 403, "not_allowed")
    access.revoke(user=user, on=location.deployment, actor=superuser())
    refused(editor.post("deploys/", body, key="run-7"), 404, "not_found")
    user.is_active = False
    user.save()
    refused(editor.post("deploys/", body, key="run-7"), 401, "not_signed_in")


def editor_user():
    """Answer the account of the editor."""
    return type(superuser()).objects.get(username="editor")


@pytest.mark.django_db(transaction=True)
def test_of_racing_twins_is_one_effect():
    location = make_location()
    deploy(location, ONE)
    user = make_member(Role.EDITOR, location.deployment)
    clients = [Api(user) for _ in range(4)]
    body = {"bundles": {"dags": clients[0].upload(TWO)}, "description": "Once"}

    answers = at_once(*[lambda each=each: each.post("deploys/", body, key="run-7") for each in clients])

    assert Deploy.objects.count() == 2
    for response in answers:
        if response.status_code != 202:
            refused(response, 409, "in_progress")
    assert {response.json()["number"] for response in answers if response.status_code == 202} == {2}
