"""The Insights page is one of its place's pages …"""

import pytest
from django.test import Client

from deployments.access import Role
from deployments.models import Deployment
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def production() -> Deployment:
    """Answer a deployment with one code location."""
    return factories.make_location().deployment


def page(role: Role, on, place: str) -> str:
    browser = Client()
    browser.force_login(factories.make_member(role, on))
    answer = browser.get("/insights/", {"place": place})
    assert answer.status_code == 200
    return " ".join(answer.text.split())


@pytest.mark.parametrize("place", ["acme/production", "acme/production/shop"])
def test_with_the_tabs_of_a_place(production: Deployment, place: str):
    shown = page(Role.VIEWER, production, place)

    assert f'?place={place}" aria-current="page">Insights</a>' in shown
    assert '<a href="/deployments/acme/production/">' in shown
    assert "-/members/" not in shown


def test_with_those_of_an_organization_for_who_administers_it(production: Deployment):
    shown = page(Role.ORGANIZATION_ADMIN, production.organization, "acme")

    assert '<a href="/organizations/acme/service-accounts/">Service accounts</a>' in shown
    assert '?place=acme" aria-current="page">Insights</a>' in shown


def test_says_what_to_do_first_to_who_can_do_it():
    empty = factories.make_deployment()

    told = {
        role: page(role, empty.organization if role is Role.ORGANIZATION_ADMIN else empty, place)
        for role, place in (
            (Role.ORGANIZATION_ADMIN, "acme"),
            (Role.ADMIN, "acme/production"),
            (Role.VIEWER, "acme/production"),
        )
    }

    assert f"/admin/deployments/deployment/add/?organization={empty.organization.pk}" in told[Role.ORGANIZATION_ADMIN]
    assert f"/admin/deployments/codelocation/add/?deployment={empty.pk}" in told[Role.ADMIN]
    assert "Ask an administrator of your organization" in told[Role.VIEWER]
    assert "/admin/deployments/codelocation/add/" not in told[Role.VIEWER]
