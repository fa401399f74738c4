"""On the pages of members and tokens …"""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments import access, operations
from deployments.access import Role
from deployments.models import Deployment, ServiceAccount, Token
from tests import factories
from tests.matrix.scene import send
from tests.pages.conftest import signed_in

pytestmark = pytest.mark.django_db
HERE = "/deployments/acme/production/-/members/"
WHOLE = "/organizations/acme/members/"
MACHINES = "/organizations/acme/service-accounts/"
MOST_QUERIES = 15


@pytest.fixture
def production() -> Deployment:
    """Answer a place."""
    return factories.make_deployment()


@pytest.fixture
def admin(production: Deployment) -> Client:
    """Answer the browser of the deployment's admin."""
    return signed_in(factories.make_member(Role.ADMIN, production))


@pytest.fixture
def head(production: Deployment) -> Client:
    """Answer the browser of the organization's admin."""
    return signed_in(factories.make_member(Role.ORGANIZATION_ADMIN, production.organization))


def test_somebody_known_gets_the_role_at_once_and_somebody_new_a_link(production: Deployment, admin: Client):
    mona = factories.make_user("mona", email="mona@example.com")
    EmailAddress.objects.create(user=mona, email="mona@example.com", verified=True, primary=True)

    known = admin.post(f"{HERE}add/", {"who": "MONA@example.com", "role": "editor"}, follow=True)
    new = admin.post(f"{HERE}add/", {"who": "nora@example.com", "role": "viewer"})
    nobody = admin.post(f"{HERE}add/", {"who": "nora", "role": "viewer"})
    too_much = admin.post(f"{HERE}add/", {"who": "nora@example.com", "role": "organization_admin"})

    assert "mona is Editor of acme/production." in known.text
    assert [each.role for each in access.members(production) if each.user == mona] == [Role.EDITOR]
    assert "shown this once" in new.text
    assert (nobody.status_code, too_much.status_code) == (400, 403)
    assert "write their e-mail address" in nobody.text


def test_an_address_that_somebody_only_claims_is_invited_as_any_other(production: Deployment, admin: Client):
    factories.make_user("squatter", email="head@example.com")

    answers = [
        admin.post(f"{HERE}add/", {"who": who, "role": "editor"}) for who in ("head@example.com", "nora@example.com")
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert "squatter" not in answers[0].text
    assert [each.user.username for each in access.members(production)] == ["admin"]


def test_a_role_is_changed_and_taken_away(production: Deployment, admin: Client):
    mona = factories.make_member(Role.VIEWER, production, "mona")
    browser = signed_in(mona)

    admin.post(f"{HERE}{mona.pk}/", {"role": "admin"})
    assert browser.get(HERE).status_code == 200
    page = admin.post(f"{HERE}{mona.pk}/remove/", follow=True)

    assert "mona has no role of their own on acme/production any more." in page.text
    assert browser.get(HERE).status_code == 404
    assert admin.get(f"{HERE}{mona.pk}/").status_code == 404


def test_who_gives_away_their_own_role_goes_home(production: Deployment, admin: Client):
    me = User.objects.get(username="admin")

    page = admin.post(f"{HERE}{me.pk}/remove/", follow=True)

    assert page.redirect_chain[-1][0] == "/"


def test_the_last_organization_admin_stays(production: Deployment, head: Client):
    me = User.objects.get(username="organization_admin")

    page = head.post(f"{WHOLE}{me.pk}/remove/")

    assert page.status_code == 409
    assert "would have no organization admin any more" in page.text


def test_nobody_is_named_who_has_no_role_there(production: Deployment, admin: Client, head: Client):
    factories.make_member(Role.ADMIN, factories.make_organization("globex"), "stranger")
    factories.make_member(Role.VIEWER, factories.make_deployment(production.organization, "staging"), "neighbour")

    here, whole = admin.get(HERE).text, head.get(WHOLE).text

    assert "stranger" not in here + whole
    assert "neighbour" not in here
    assert "on acme/staging" in whole


def test_a_token_is_shown_once_with_the_lines_that_use_it(production: Deployment, client: Client):
    mona = factories.make_member(Role.EDITOR, production, "mona")
    browser = signed_in(mona)
    asked = {"name": "laptop", "days": "30", "role": "viewer", "place": "acme/production"}

    made = browser.post("/account/tokens/add/", asked)

    secret = made.text.partition("LASTGOOD_TOKEN=")[2].partition("\n")[0]
    row = Token.objects.get()
    assert made.status_code == 201
    assert "lastgood history acme/production/shop" in made.text
    assert (row.name, row.role, row.deployment, row.organization) == ("laptop", "viewer", production, None)
    assert timedelta(days=29) < row.expiry - timezone.now() <= timedelta(days=30)
    answer = send(client, "GET", "/api/v1/organizations/acme/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    later = browser.get("/account/tokens/").text
    assert "laptop" in later
    assert secret not in later
    assert row.digest not in later


def test_a_token_is_revoked_by_its_owner_alone(production: Deployment):
    mona = factories.make_user("mona")
    row, _ = operations.create_token(user=mona, name="laptop", days=1, actor=mona)
    stranger = signed_in(factories.make_member(Role.ORGANIZATION_ADMIN, production.organization, "stranger"))

    assert stranger.post(f"/account/tokens/{row.reference}/revoke/").status_code == 404
    assert signed_in(mona).post(f"/account/tokens/{row.digest[:5]}/revoke/").status_code == 404
    assert Token.objects.exists()
    signed_in(mona).post(f"/account/tokens/{row.reference}/revoke/")

    assert not Token.objects.exists()


def test_a_machine_gets_a_role_and_a_token_and_is_removed_with_both(
    production: Deployment, head: Client, client: Client
):
    head.post(f"{MACHINES}add/", {"name": "ci", "role": "deployer", "place": "acme/production"})
    machine = ServiceAccount.objects.get()
    assert [each.role for each in access.members(production) if each.user == machine.user] == [Role.DEPLOYER]

    made = head.post(f"{MACHINES}ci/tokens/", {"name": "pipeline", "days": "90"})
    secret = made.text.partition("LASTGOOD_TOKEN=")[2].partition("\n")[0]
    headers = {"Authorization": f"Bearer {secret}"}
    place = "/api/v1/organizations/acme/deployments/production/"
    assert send(client, "GET", place, headers=headers).status_code == 200
    listed = head.get(MACHINES).text
    assert "Deployer on acme/production" in listed
    assert secret not in listed
    head.post(f"{MACHINES}ci/remove/")

    assert send(client, "GET", place, headers=headers).status_code == 401
    assert not User.objects.filter(username="acme/ci").exists()


def test_a_machine_is_made_with_its_role_or_not_at_all(production: Deployment, head: Client):
    answer = head.post(f"{MACHINES}add/", {"name": "ci", "role": "organization_admin", "place": "acme/production"})

    assert answer.status_code == 400
    assert not ServiceAccount.objects.exists()


def test_a_machines_role_is_for_the_place_that_was_named_or_for_none(production: Deployment, head: Client):
    answer = head.post(f"{MACHINES}add/", {"name": "ci", "role": "admin", "place": "acme/renamed-meanwhile"})

    assert answer.status_code == 400
    assert not ServiceAccount.objects.exists()
    head.post(f"{MACHINES}add/", {"name": "ci", "role": "admin", "place": "acme"})
    assert "acme/ci" in [each.user.username for each in access.members(production.organization)]


def test_names_are_text_and_never_markup(production: Deployment, admin: Client):
    mark = "<i id=mark>"
    mona = factories.make_user("mona", first_name=mark, email="mona@example.com")
    access.grant(user=mona, role=Role.VIEWER, on=production, actor=factories.superuser())
    me = User.objects.get(username="admin")
    operations.create_token(user=me, name=mark, days=1, actor=me)
    production.name = mark
    production.save()

    pages = [admin.get(path).text for path in (HERE, f"{HERE}{mona.pk}/", f"{HERE}add/", "/account/tokens/")]
    pages += [admin.get(f"{HERE}?q={mark}").text]

    assert not [page for page in pages if mark in page]
    assert "&lt;i id=mark&gt;" in pages[0]


def cost(browser: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize("address", [HERE, WHOLE, MACHINES, "/account/tokens/"])
def test_much_costs_no_more_than_little(address: str, production: Deployment, admin: Client, head: Client):
    browser: Any = admin if address == HERE else head
    me, root = browser.get("/").wsgi_request.user, factories.superuser()
    first = operations.create_service_account(
        organization=production.organization, name="first", actor=root, now=factories.noon()
    )
    operations.create_token(user=first.user, name="x", days=1, actor=root)
    few = cost(browser, address)
    for number in range(60):
        user = factories.make_user(f"person-{number}")
        access.grant(user=user, role=Role.VIEWER, on=production, actor=root)
        access.grant(user=user, role=Role.VIEWER, on=production.organization, actor=root)
        operations.create_token(user=me, name="x", days=1, actor=me)
    for number in range(15):
        account = operations.create_service_account(
            organization=production.organization, name=f"ci-{number}", actor=root, now=factories.noon()
        )
        operations.create_token(user=account.user, name="x", days=1, actor=root)

    many = cost(browser, address)

    assert many == few <= MOST_QUERIES
