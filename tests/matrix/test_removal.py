"""Who was removed, demoted or deactivated …"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments import access
from deployments.models import Token
from tests.factories import make_user, superuser
from tests.matrix.rows import DEPLOY, LOCATION, ROWS, Row
from tests.matrix.scene import OWN, SIBLING, Scene, bearer, content_of, give, send, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.services]

PLACED = [row for row in ROWS if row.is_of_a_place]
FILE = f"{DEPLOY}bundles/dags/files/?path=a.py".format(**vars(OWN), number=2)
EVENTS = f"{DEPLOY}events/?after=0".format(**vars(OWN), number=2)
PAGES = [
    "/deployments/acme/production/",
    "/deployments/acme/production/shop/",
    "/deployments/acme/production/shop/deploys/2/",
    "/deployments/acme/production/shop/deploys/2/live/",
    "/deployments/acme/production/shop/deploys/2/log.txt",
    "/deployments/acme/production/shop/deploys/2/files/?mount=dags",
    "/deployments/acme/production/shop/deploys/2/file/?mount=dags&path=a.py",
    "/deployments/acme/production/shop/deploys/2/file/diff/?mount=dags&path=a.py",
    "/deployments/acme/production/shop/deploys/2/file/raw/?mount=dags&path=a.py",
]

Asking = Callable[[Row], Any]


@pytest.fixture
def member(scene: Scene) -> User:
    """Make somebody who may do everything on our deployment but administer."""
    person = make_user("member")
    give(person, "admin", scene.production)
    return person


@pytest.fixture(params=["token", "session"])
def ask(request: pytest.FixtureRequest, member: User, client: Client) -> Asking:
    """Answer how the member asks: with a token, or with a session that began before."""
    headers = bearer(member) if request.param == "token" else {}
    if request.param == "session":
        client.force_login(member)
    return lambda row: send(client, row.method, row.url(), row.body_at(), headers)


def test_sees_nothing_from_the_next_request_on(ask: Asking, member: User, scene: Scene):
    assert ask(Row("GET", LOCATION, "view")).status_code == 200
    access.revoke(user=member, on=scene.production, actor=superuser())
    before = snapshot()

    answers = {str(row): ask(row).status_code for row in PLACED}

    assert answers == dict.fromkeys(answers, 404)
    assert snapshot() == before


def test_may_do_from_the_next_request_on_what_the_new_role_may(ask: Asking, member: User, scene: Scene):
    assert ask(Row("PATCH", DEPLOY, "deploy_to", body={"description": "x"})).status_code == 200
    give(member, "viewer", scene.production)
    before = snapshot()

    answers = {str(row): ask(row).status_code for row in PLACED}

    assert answers == {str(row): row.then if row.needs == "view" else 403 for row in PLACED}
    assert snapshot() == before


def test_is_nobody_from_the_next_request_on(ask: Asking, member: User):
    assert ask(Row("GET", LOCATION, "view")).status_code == 200
    User.objects.filter(pk=member.pk).update(is_active=False)
    before = snapshot()

    answers = {str(row): ask(row).status_code for row in ROWS if row.needs != "open"}

    assert answers == dict.fromkeys(answers, 401)
    assert snapshot() == before


def test_loses_tokens_and_sessions_with_the_account(ask: Asking, member: User):
    account = member.pk
    member.delete()

    assert ask(Row("GET", LOCATION, "view")).status_code == 401
    assert not Token.objects.filter(user_id=account).exists()


@pytest.mark.parametrize("how", ["removed", "demoted"])
def test_cannot_have_an_answer_repeated(how: str, member: User, scene: Scene, client: Client):
    headers = bearer(member) | {"Idempotency-Key": "again"}
    url, body = f"{LOCATION}rollbacks/".format(**vars(OWN)), {"to": "1", "description": "Bad."}
    assert send(client, "POST", url, body, headers).status_code == 202

    if how == "removed":
        access.revoke(user=member, on=scene.production, actor=superuser())
    else:
        give(member, "deployer", scene.production)

    assert send(client, "POST", url, body, headers).status_code == {"removed": 404, "demoted": 403}[how]


def test_reads_neither_events_nor_files_that_were_being_followed(member: User, scene: Scene, client: Client):
    headers = bearer(member)
    assert content_of(send(client, "GET", FILE, headers=headers)) == b"acme-words 2"
    assert send(client, "GET", EVENTS, headers=headers).status_code == 200

    access.revoke(user=member, on=scene.production, actor=superuser())

    for url in (FILE, EVENTS):
        assert send(client, "GET", url, headers=headers).status_code == 404, url


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.parametrize(("how", "status"), [("removed", 404), ("deactivated", 302)])
def test_sees_no_page_any_more(url: str, how: str, status: int, member: User, scene: Scene, client: Client):
    client.force_login(member)
    assert client.get(url).status_code == 200

    if how == "removed":
        access.revoke(user=member, on=scene.production, actor=superuser())
    else:
        User.objects.filter(pk=member.pk).update(is_active=False)

    assert client.get(url).status_code == status


@pytest.mark.parametrize("url", PAGES)
def test_has_a_page_that_renews_itself_loaded_again_instead(url: str, member: User, scene: Scene, client: Client):
    client.force_login(member)
    access.revoke(user=member, on=scene.production, actor=superuser())

    answer = client.get(url, headers={"HX-Request": "true"})

    assert answer.headers.get("HX-Refresh") == "true" or answer.status_code == 404
    assert b"acme-words" not in answer.content


def test_keeps_what_is_granted_elsewhere(member: User, scene: Scene, client: Client):
    headers = bearer(member)
    give(member, "viewer", scene.acme)
    access.revoke(user=member, on=scene.production, actor=superuser())

    for place in (OWN, SIBLING):
        assert send(client, "GET", LOCATION.format(**vars(place)), headers=headers).status_code == 200
    access.revoke(user=member, on=scene.acme, actor=superuser())
    for place in (OWN, SIBLING):
        assert send(client, "GET", LOCATION.format(**vars(place)), headers=headers).status_code == 404
