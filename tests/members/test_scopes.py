"""A token that is limited …"""

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments import access, operations
from deployments.access import Right, Role, limited_to
from deployments.models import Deployment, Organization, Token
from portal.common.problems import Invalid, NotAllowed
from tests import factories
from tests.matrix.conftest import blobs, built
from tests.matrix.rows import LOCATION, ROWS, Row
from tests.matrix.scene import OWN, SIBLING, Scene, give, send

__all__ = ["blobs", "built"]
pytestmark = pytest.mark.django_db
PLACED = [row for row in ROWS if row.is_of_a_place and row.method == "GET"]


@pytest.fixture
def scene(built: Scene, db: None, settings: Any, blobs: dict[str, Any]) -> Scene:
    """Answer two tenants with the same names; what the test does to them is undone."""
    settings.STORAGES = {**settings.STORAGES, "blobs": blobs}
    return copy.deepcopy(built)


def bearer(user: User, role: Role | None = None, place: Organization | Deployment | None = None) -> dict[str, str]:
    """Answer the header of a token with these limits."""
    _, token = Token.objects.create(
        user=user,
        name="limited",
        expiry=timedelta(days=1),
        role=role.value if role else "",
        organization=place if isinstance(place, Organization) else None,
        deployment=place if isinstance(place, Deployment) else None,
    )
    return {"Authorization": f"Bearer {token}"}


def reads(client: Client, headers: dict[str, str], place=OWN) -> dict[str, int]:
    """Answer the status of every read."""
    return {str(row): send(client, "GET", row.url(place), headers=headers).status_code for row in PLACED}


@pytest.mark.parametrize("whose", ["organization_admin", "superuser"])
def test_to_a_deployment_sees_that_and_nothing_beside_it(whose: str, scene: Scene, client: Client):
    user = factories.superuser()
    if whose != "superuser":
        user = factories.make_user("mona")
        give(user, whose, scene.acme)
    headers = bearer(user, place=scene.production)

    own, sibling = reads(client, headers), reads(client, headers, SIBLING)
    listed = send(client, "GET", "/api/v1/organizations/", headers=headers).json()["results"]

    assert own == {str(row): row.then for row in PLACED}
    # What is the whole organization's is not the deployment's.
    beside = {name: status for name, status in sibling.items() if "{deployment}" in name}
    assert set(beside.values()) == {404}
    assert [each["slug"] for each in listed] == ["acme"]
    made = send(client, "POST", "/api/v1/organizations/acme/deployments/", {"slug": "qa"}, headers)
    assert made.status_code == 403
    assert send(client, "POST", "/api/v1/organizations/", {"slug": "new"}, headers).status_code == 403


def test_to_an_organization_sees_no_other(scene: Scene, client: Client):
    headers = bearer(factories.superuser(), place=scene.acme)

    assert reads(client, headers) == {str(row): row.then for row in PLACED}
    assert reads(client, headers, SIBLING)[f"GET {PLACED[1].path}"] == 200
    listed = send(client, "GET", "/api/v1/organizations/", headers=headers).json()["results"]
    assert [each["slug"] for each in listed] == ["acme"]


HOLD = Row("POST", f"{LOCATION}hold/", "roll_back", 201, {"reason": "Wait."})


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.DEPLOYER, False), (Role.EDITOR, True)])
@pytest.mark.parametrize("owner", ["editor", "organization_admin", "superuser"])
def test_to_a_role_does_no_more_than_that(role: Role, may: bool, owner: str, scene: Scene, client: Client):
    user = factories.superuser()
    if owner != "superuser":
        user = factories.make_user("mona")
        give(user, owner, scene.acme)

    answer = send(client, "POST", HOLD.url(), HOLD.body, bearer(user, role))

    assert answer.status_code == (201 if may else 403)


def test_to_a_role_does_no_more_than_its_account(scene: Scene, client: Client):
    user = factories.make_user("mona")
    give(user, "viewer", scene.production)
    headers = bearer(user, Role.ADMIN)

    assert send(client, "POST", HOLD.url(), HOLD.body, headers).status_code == 403
    access.revoke(user=user, on=scene.production, actor=factories.superuser())
    assert send(client, "POST", HOLD.url(), HOLD.body, headers).status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_says_the_same_in_lists_and_in_checks(role: Role, scene: Scene):
    root = factories.superuser()
    for place in (scene.acme, scene.production, None):
        token = Token.objects.create(
            user=root,
            name="limited",
            role=role.value,
            organization=place if isinstance(place, Organization) else None,
            deployment=place if isinstance(place, Deployment) else None,
        )[0]
        person = limited_to(User.objects.get(pk=root.pk), token)
        for rows in (Organization.objects.all(), Deployment.objects.select_related("organization")):
            for each in rows:
                held = access.rights_on(person, each)
                lists = {right for right in Right if type(each).objects.allowing(person, right).filter(pk=each.pk)}
                assert held == lists
                assert held <= set(access.ROLES[role])
                inside = place is None or each == place or getattr(each, "organization", None) == place
                assert held == (set(access.ROLES[role]) if inside else set())


def test_makes_no_other_token_and_is_no_operator(scene: Scene):
    root = factories.superuser()
    token = Token.objects.create(user=root, name="limited", role=Role.VIEWER.value)[0]
    person = limited_to(User.objects.get(pk=root.pk), token)

    with pytest.raises(NotAllowed):
        operations.create_token(user=person, name="wider", days=1, actor=person)
    with pytest.raises(NotAllowed):
        operations.create_organization(slug="new", name="", actor=person)
    assert not Token.objects.visible_to(person).exists()


def test_cannot_have_an_answer_repeated_that_it_would_not_get(scene: Scene, client: Client):
    user = factories.make_user("mona")
    give(user, "editor", scene.production)
    key = {"Idempotency-Key": "again"}
    assert send(client, "POST", HOLD.url(), HOLD.body, bearer(user) | key).status_code == 201

    again = send(client, "POST", HOLD.url(), HOLD.body, bearer(user, Role.VIEWER) | key)

    assert again.status_code == 403


def test_goes_with_the_place_that_it_is_limited_to(scene: Scene, client: Client):
    headers = bearer(factories.superuser(), place=factories.make_organization("brief"))

    Organization.objects.get(slug="brief").delete()

    assert send(client, "GET", "/api/v1/organizations/", headers=headers).status_code == 401


def test_is_not_made_for_a_place_where_its_account_has_no_role(scene: Scene):
    user = factories.make_user("mona")
    give(user, "viewer", scene.production)

    with pytest.raises(Invalid):
        operations.create_token(user=user, name="x", days=1, place=scene.globex, actor=user)
    with pytest.raises(Invalid):
        operations.create_token(user=user, name="x", days=1, place=scene.acme, actor=user)
    row, _ = operations.create_token(user=user, name="x", days=1, place=scene.production, actor=user)
    assert row.deployment == scene.production
