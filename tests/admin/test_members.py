"""Roles are granted through access: capped by the grantor, and naming nobody who is not there."""

import pytest
from django.urls import reverse

from deployments import access
from deployments.access import Role
from tests import factories
from tests.admin.conftest import page_of, sign_in


def grant(client, place, username, role):
    address = reverse(f"admin:deployments_{place._meta.model_name}_members", args=[place.pk])
    return client.post(address, {"username": username, "role": role}, follow=True)


def role_of(user, place):
    return next((each.role for each in access.members(place) if each.user == user), None)


@pytest.mark.parametrize("role", ["nobody", "viewer", "deployer", "editor", "foreign_admin"])
def test_shows_and_changes_members_for_administrators_only(world, role):
    client = sign_in(world.people[role])
    seen = 404 if role in {"nobody", "foreign_admin"} else 403

    assert grant(client, world.deployment, "nobody", "viewer").status_code == seen
    assert grant(client, world.organization, "nobody", "viewer").status_code == seen
    assert 'id="members"' not in client.get(page_of(world.deployment)).text
    assert role_of(world.people["nobody"], world.deployment) is None


def test_grants_changes_and_removes(world):
    client, nobody = sign_in(world.people["admin"]), world.people["nobody"]

    granted = grant(client, world.deployment, "nobody", "viewer")
    assert granted.status_code == 200
    assert role_of(nobody, world.deployment) is Role.VIEWER
    grant(client, world.deployment, "nobody", "admin")
    assert role_of(nobody, world.deployment) is Role.ADMIN
    grant(client, world.deployment, "nobody", "")
    assert role_of(nobody, world.deployment) is None


def test_caps_grants_by_what_the_grantor_holds(world):
    client, nobody = sign_in(world.people["admin"]), world.people["nobody"]

    on_deployment = grant(client, world.deployment, "nobody", "organization_admin")
    on_organization = grant(client, world.organization, "nobody", "viewer")

    assert role_of(nobody, world.deployment) is None
    assert on_deployment.status_code == 200  # refused in a message
    assert on_organization.status_code == 403
    assert "Organization admin" not in sign_in(world.people["admin"]).get(page_of(world.deployment)).text


def test_grants_whole_organizations_to_those_who_administer_them(world):
    client, nobody = sign_in(world.people["organization_admin"]), world.people["nobody"]

    grant(client, world.organization, "nobody", "organization_admin")

    assert role_of(nobody, world.organization) is Role.ORGANIZATION_ADMIN


def test_says_the_same_of_absent_foreign_and_deactivated_accounts(world):
    client = sign_in(world.people["organization_admin"])
    gone = factories.make_user("gone", is_active=False)
    machine = world.foreign["ServiceAccount"].user

    said = [
        "".join(str(each) for each in grant(client, world.deployment, name, "viewer").context["messages"]).replace(
            name, "*"
        )
        for name in ("no-such-account", gone.username, machine.username)
    ]

    assert len(set(said)) == 1
    assert "There is no account" in said[0]


def test_offers_accounts_to_superusers_only(world):
    admin = sign_in(world.people["admin"]).get(page_of(world.deployment)).text
    root = sign_in(world.people["superuser"]).get(page_of(world.deployment)).text

    assert "foreign_admin" not in admin
    assert "foreign_admin" in root


@pytest.mark.parametrize("said", [{}, {"username": ""}, {"username": "editor", "role": "root"}])
def test_refuses_nonsense_in_a_message(world, said):
    address = reverse("admin:deployments_deployment_members", args=[world.deployment.pk])

    answer = sign_in(world.people["admin"]).post(address, said, follow=True)

    assert answer.status_code == 200
    assert role_of(world.people["editor"], world.deployment) is Role.EDITOR


def test_lets_the_last_page_of_somebody_who_leaves_be_the_index(world):
    client = sign_in(world.people["admin"])

    answer = grant(client, world.deployment, "admin", "")

    assert answer.redirect_chain[-1][0] == reverse("admin:index")
