"""A role …"""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User

from deployments import access, operations
from deployments.access import Role
from deployments.membership import page_of_members
from deployments.models import Deployment, Organization
from portal.common.problems import Invalid, NotAllowed, Refusal
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def production() -> Deployment:
    """Answer a place."""
    return factories.make_deployment()


def role_of(user: User, place: Organization | Deployment) -> Role | None:
    return next((each.role for each in access.members(place) if each.user == user), None)


def test_of_the_last_organization_admin_is_not_taken_away(production: Deployment):
    acme = production.organization
    last = factories.make_member(Role.ORGANIZATION_ADMIN, acme)

    with pytest.raises(Refusal) as removed:
        operations.remove_role(user=last, place=acme, actor=last)
    with pytest.raises(Refusal) as demoted:
        operations.set_role(user=last, role=Role.ADMIN, place=acme, actor=last)

    assert removed.value.code == demoted.value.code == "last_organization_admin"
    assert role_of(last, acme) is Role.ORGANIZATION_ADMIN


def test_of_an_organization_admin_is_taken_away_while_another_is_left(production: Deployment):
    acme = production.organization
    first = factories.make_member(Role.ORGANIZATION_ADMIN, acme, "first")
    second = factories.make_member(Role.ORGANIZATION_ADMIN, acme, "second")

    operations.remove_role(user=first, place=acme, actor=first)

    assert role_of(first, acme) is None
    assert role_of(second, acme) is Role.ORGANIZATION_ADMIN


def test_of_somebody_deactivated_leaves_no_admin_that_counts(production: Deployment):
    acme = production.organization
    last = factories.make_member(Role.ORGANIZATION_ADMIN, acme, "last")
    gone = factories.make_member(Role.ORGANIZATION_ADMIN, acme, "gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)

    with pytest.raises(Refusal):
        operations.remove_role(user=last, place=acme, actor=last)


def test_of_the_last_organization_admin_is_a_superusers_to_take(production: Deployment):
    last = factories.make_member(Role.ORGANIZATION_ADMIN, production.organization)

    operations.remove_role(user=last, place=production.organization, actor=factories.superuser())

    assert role_of(last, production.organization) is None


def prove(user: User) -> None:
    """Have the account's address be proven, as single sign-on does."""
    EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)


def test_is_given_by_name_or_by_an_address_that_is_proven(production: Deployment):
    mona = factories.make_user("mona", email="Mona@example.com")
    prove(mona)

    assert operations.find_account(name="mona", place=production) == mona
    assert operations.find_account(name="mona@EXAMPLE.com", place=production) == mona
    with pytest.raises(Invalid) as nobody:
        operations.find_account(name="mon", place=production)
    assert nobody.value.code == "no_such_account"


def test_is_not_given_to_who_only_says_that_an_address_is_theirs(production: Deployment):
    # An invitation's link is shown to whoever invites: the address of who accepted it proves nothing.
    factories.make_user("squatter", email="head@example.com")
    claimed = factories.make_user("claimed", email="other@example.com")
    EmailAddress.objects.create(user=claimed, email="other@example.com", verified=False, primary=True)

    for address in ("head@example.com", "other@example.com"):
        with pytest.raises(Invalid) as refused:
            operations.find_account(name=address, place=production)
        assert refused.value.code == "no_such_account"


def test_is_not_given_to_a_machine_of_another_organization(production: Deployment):
    factories.make_member(Role.ADMIN, production)
    other = factories.make_organization("globex")
    machine = operations.create_service_account(
        organization=other, name="ci", actor=factories.superuser(), now=factories.noon()
    )

    with pytest.raises(Invalid):
        operations.find_account(name=machine.user.username, place=production)
    with pytest.raises(Invalid):
        operations.set_role(user=machine.user, role=Role.VIEWER, place=production, actor=factories.superuser())


def test_is_nobodys_to_give_who_does_not_hold_it(production: Deployment):
    admin = factories.make_member(Role.ADMIN, production)
    mona = factories.make_user("mona")

    with pytest.raises(NotAllowed):
        operations.set_role(user=mona, role=Role.VIEWER, place=production.organization, actor=admin)
    operations.set_role(user=mona, role=Role.ADMIN, place=production, actor=admin)

    assert role_of(mona, production) is Role.ADMIN


def test_is_told_with_every_way_to_it(production: Deployment):
    acme = production.organization
    mona = factories.make_member(Role.VIEWER, acme, "mona")
    access.grant(user=mona, role=Role.EDITOR, on=production, actor=factories.superuser())
    factories.make_member(Role.ADMIN, factories.make_deployment(acme, "staging"), "elsewhere")
    factories.make_member(Role.ADMIN, factories.make_organization("globex"), "stranger")

    here, _ = page_of_members(production)
    whole, _ = page_of_members(acme)

    told = {each.user.username: each for each in here}
    assert set(told) == {"mona", "root"}
    assert (told["mona"].own, told["mona"].strongest) == (Role.EDITOR, Role.EDITOR)
    assert {(each.role, str(each.place)) for each in told["mona"].through} == {
        (Role.VIEWER, "acme"),
        (Role.EDITOR, "acme/production"),
    }
    assert (told["root"].own, told["root"].through) == (None, [])
    assert [each.user.username for each in whole] == ["elsewhere", "mona", "root"]
    assert [each.own for each in whole] == [None, Role.VIEWER, None]


def test_is_found_by_words_of_the_name_and_page_by_page(production: Deployment):
    for number in range(60):
        user = factories.make_user(f"person-{number:02}", first_name="Mona" if number == 33 else "")
        access.grant(user=user, role=Role.VIEWER, on=production, actor=factories.superuser())

    first, page = page_of_members(production)
    rest, last = page_of_members(production, cursor=page.next_cursor)
    found, _ = page_of_members(production, q="mona PERSON")

    assert [each.user.username for each in [*first, *rest]] == [*(f"person-{n:02}" for n in range(60)), "root"]
    assert last.next_cursor is None
    assert [each.user.username for each in found] == ["person-33"]
