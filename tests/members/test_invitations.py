"""An invitation …"""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from deployments import access, operations
from deployments.access import Role
from deployments.models import Deployment, Invitation
from deployments.operations import inviting
from deployments.operations.inviting import LIFETIME, digest_of
from deployments.views import members
from portal.common.problems import Absent, NotAllowed, Refusal
from tests import factories
from tests.pages.conftest import signed_in

pytestmark = pytest.mark.django_db
NEW = {"username": "nora", "password": "correct horse battery", "again": "correct horse battery"}


@pytest.fixture
def production() -> Deployment:
    """Answer a place."""
    return factories.make_deployment(name="Production")


@pytest.fixture
def admin(production: Deployment) -> User:
    """Answer who manages its members."""
    return factories.make_member(Role.ADMIN, production)


def invite(place: Any, actor: User, role: Role = Role.EDITOR, **said: Any) -> str:
    """Answer the path of a new invitation's link."""
    made = {"email": "nora@example.com", "now": timezone.now()} | said
    return f"/invitations/{operations.invite(place=place, actor=actor, role=role, **made)[1]}/"


def role_of(user: User, place: Any) -> Role | None:
    return next((each.role for each in access.members(place) if each.user == user), None)


def test_makes_an_account_with_its_role_and_signs_it_in(production: Deployment, admin: User, client: Client):
    page = client.get(invite(production, admin), follow=True)
    joined = client.post("/invitations/join/", NEW, follow=True)

    assert page.redirect_chain[-1][0] == "/invitations/"
    assert "acme/production" in page.text
    nora = User.objects.get(username="nora")
    assert (nora.email, nora.check_password(NEW["password"])) == ("nora@example.com", True)
    assert role_of(nora, production) is Role.EDITOR
    assert joined.wsgi_request.user == nora
    row = Invitation.objects.get()
    assert (row.accepted_by_name, row.invited_by_name) == ("nora", "admin")


def test_gives_its_role_to_who_is_signed_in(production: Deployment, admin: User):
    mona = factories.make_user("mona")
    browser = signed_in(mona)

    browser.get(invite(production, admin))
    assert "Accept as mona" in browser.get("/invitations/").text
    browser.post("/invitations/accept/")

    assert role_of(mona, production) is Role.EDITOR


def test_takes_nothing_from_who_has_more(production: Deployment, admin: User):
    browser = signed_in(admin)

    browser.get(invite(production, admin, Role.VIEWER))
    browser.post("/invitations/accept/")

    assert role_of(admin, production) is Role.ADMIN


def test_works_once(production: Deployment, admin: User, client: Client):
    link, other = invite(production, admin), Client()
    client.get(link)
    other.get(link)
    client.post("/invitations/join/", NEW)

    again = other.post("/invitations/join/", NEW | {"username": "somebody-else"})

    assert again.status_code == 404
    assert not User.objects.filter(username="somebody-else").exists()
    assert Client().get(link).status_code == 404


def closed(why: str, production: Deployment, admin: User) -> str:
    """Answer a link that opens nothing, for this reason."""
    if why == "never there":
        return "/invitations/never-there/"
    if why == "too old":
        return invite(production, admin, now=timezone.now() - LIFETIME - timedelta(minutes=1))
    link = invite(production, admin)
    if why == "withdrawn":
        operations.withdraw_invitation(invitation=Invitation.objects.get(), actor=admin, now=timezone.now())
    elif why == "of somebody removed":
        access.revoke(user=admin, on=production, actor=factories.superuser())
    elif why == "of somebody demoted":
        access.grant(user=admin, role=Role.VIEWER, on=production, actor=factories.superuser())
    elif why == "of somebody deactivated":
        User.objects.filter(pk=admin.pk).update(is_active=False)
    elif why == "of an account that is gone":
        admin.delete()
    return link


@pytest.mark.parametrize(
    "why",
    [
        "too old",
        "withdrawn",
        "of somebody removed",
        "of somebody demoted",
        "of somebody deactivated",
        "of an account that is gone",
    ],
)
def test_that_is_closed_is_told_in_the_same_words_as_one_that_never_was(why: str, production: Deployment, admin: User):
    never = Client().get(closed("never there", production, admin))

    answer = Client().get(closed(why, production, admin))

    assert (answer.status_code, answer.content) == (never.status_code, never.content) == (404, never.content)


def test_closes_for_who_opened_its_page_before(production: Deployment, admin: User, client: Client):
    client.get(invite(production, admin))
    access.revoke(user=admin, on=production, actor=factories.superuser())

    assert client.post("/invitations/join/", NEW).status_code == 404
    assert not User.objects.filter(username="nora").exists()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"password": "short", "again": "short"}, 400),
        ({"password": "password123", "again": "password123"}, 400),
        ({"again": "something else"}, 400),
        ({"username": "acme/robot"}, 400),
        ({"username": ""}, 400),
        ({"username": "admin"}, 409),
        ({"username": "ADMIN"}, 409),
        ({"username": "\uff41dmin"}, 409),  # a wide letter, which signing in takes for the plain one
        ({"username": "head@example.com"}, 400),  # whoever types an address means whom it belongs to
    ],
)
def test_stays_open_when_the_account_cannot_be_made(
    wrong: dict[str, str], status: int, production: Deployment, admin: User, client: Client
):
    client.get(invite(production, admin))

    answer = client.post("/invitations/join/", NEW | wrong)

    assert answer.status_code == status
    assert NEW["password"] not in answer.text
    assert Invitation.objects.open().count() == 1
    assert client.post("/invitations/join/", NEW).status_code == 302


def test_is_capped_by_who_makes_it(production: Deployment, admin: User):
    with pytest.raises(NotAllowed):
        invite(production.organization, admin, Role.VIEWER)
    with pytest.raises(NotAllowed):
        invite(production, admin, Role.ORGANIZATION_ADMIN)
    with pytest.raises(NotAllowed):
        invite(production, factories.make_member(Role.EDITOR, production), Role.VIEWER)


def test_is_not_made_while_as_many_are_open_as_a_page_shows(
    production: Deployment, admin: User, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inviting, "MOST_OPEN", 2)
    invite(production, admin, now=timezone.now() - LIFETIME - timedelta(minutes=1))
    invite(production, admin)
    invite(production.organization, factories.superuser(), Role.VIEWER)
    invite(production, admin)

    with pytest.raises(Refusal) as refused:
        invite(production, admin)
    assert refused.value.code == "too_many_invitations"


def test_is_listed_before_those_that_are_over(production: Deployment, admin: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(members, "MOST_INVITATIONS", 1)
    invite(production, admin, email="a-open@example.com")
    invite(production, admin, email="b-over@example.com", now=timezone.now() - 2 * LIFETIME)
    invite(production, admin, email="c-open@example.com", now=timezone.now() + timedelta(minutes=1))

    page = signed_in(admin).get("/deployments/acme/production/-/members/").text

    assert "c-open@example.com" in page
    assert "b-over@example.com" not in page


def test_cannot_be_accepted_by_two_at_once(production: Deployment, admin: User):
    secret = invite(production, admin).split("/")[2]
    found = operations.open_invitation(digest=digest_of(secret), now=timezone.now())
    operations.accept_invitation(invitation=found, user=factories.make_user("first"), now=timezone.now())

    with pytest.raises(Absent):
        operations.accept_invitation(invitation=found, user=factories.make_user("second"), now=timezone.now())


def test_is_shown_once_and_kept_as_a_hash(production: Deployment, admin: User):
    browser = signed_in(admin)
    here = "/deployments/acme/production/-/members/"

    made = browser.post(f"{here}add/", {"who": "nora@example.com", "role": "viewer"})

    secret = made.text.partition("/invitations/")[2].partition("/")[0]
    assert (made.status_code, len(secret)) == (201, 43)
    row = Invitation.objects.get()
    assert row.digest == digest_of(secret)
    assert secret not in str(Invitation.objects.values())
    later = browser.get(here).text
    assert "nora@example.com" in later
    assert secret not in later
    assert len(mail.outbox) == 0
    visitor = Client()
    visitor.get(f"/invitations/{secret}/")
    assert secret not in str(dict(visitor.session))
    assert secret not in visitor.get("/invitations/").text


def test_is_sent_where_this_portal_sends_mail(production: Deployment, admin: User, settings: Any):
    settings.LASTGOOD_SMTP, settings.LASTGOOD_EMAIL_FROM = {"host": "localhost"}, "lastgood@example.com"

    made = signed_in(admin).post(
        "/deployments/acme/production/-/members/add/", {"who": "nora@example.com", "role": "viewer"}
    )

    secret = made.text.partition("/invitations/")[2].partition("/")[0]
    (letter,) = mail.outbox
    assert letter.to == ["nora@example.com"]
    assert f"{settings.SITE_URL}/invitations/{secret}/" in letter.body
    assert "It was sent to nora@example.com too." in made.text
