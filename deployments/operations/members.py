"""Giving roles and taking them away. What may be granted is `access`'s to say; that an organization keeps an admin, ours."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from deployments import access
from deployments.access import Place, Role
from deployments.models import Organization
from portal.common.problems import Invalid, Refusal


class LastAdmin(Refusal):
    """Nobody would be left to administer the organization."""

    code = "last_organization_admin"


def set_role(*, user: User, role: Role, place: Place, actor: User) -> None:
    """Give the account exactly this role there. Raises NotAllowed, Invalid, LastAdmin."""
    with transaction.atomic():
        were = _admins(place)
        access.grant(user=user, role=role, on=place, actor=actor)
        _refuse_to_leave_none(were, place, actor)


def remove_role(*, user: User, place: Place, actor: User) -> None:
    """Take away the role that the account has on this very place; sessions and tokens see nothing of it from now on.

    Raises NotAllowed, LastAdmin.
    """
    with transaction.atomic():
        were = _admins(place)
        access.revoke(user=user, on=place, actor=actor)
        _refuse_to_leave_none(were, place, actor)


def find_account(*, name: str, place: Place) -> User:
    """Answer the account of this name or proven e-mail address. Raises Invalid, in the same words for all that cannot be members.

    An address counts when single sign-on verified it: anybody who invites could give an account any other.
    """
    home = place.pk if isinstance(place, Organization) else place.organization_id
    people = User.objects.filter(Q(service_account=None) | Q(service_account__organization=home), is_active=True)
    proven = EmailAddress.objects.filter(email__iexact=name, verified=True).values("user_id")
    named = Q(username=name) | Q(pk__in=proven) if "@" in name else Q(username=name)
    found = list(people.filter(named)[:2]) if "\0" not in name else []
    if len(found) == 2:
        raise Invalid(f"Several accounts have the address {name}: write the user name.", code="many_accounts")
    if found:
        return found[0]
    # Whoever has a role here may be named, deactivated as they may be: it can be changed and taken away.
    held = next((each.user for each in access.members(place) if each.user.get_username() == name), None)
    if held is None:
        raise Invalid(
            f"There is no account {name!r} that could have a role here: type its whole name.", code="no_such_account"
        )
    return held


def _admins(place: Place) -> set[int]:
    """Answer who administers the organization, and let nobody else change that until the transaction ends."""
    if not isinstance(place, Organization):
        return set()
    # SQLite has one writer at a time anyway; elsewhere two admins could remove each other at once.
    Organization.objects.select_for_update().get(pk=place.pk)
    admins = [each.user.pk for each in access.members(place) if each.role is Role.ORGANIZATION_ADMIN]
    people = User.objects.filter(pk__in=admins, is_active=True, service_account=None)
    return set(people.values_list("pk", flat=True))


def _refuse_to_leave_none(were: set[int], place: Place, actor: User) -> None:
    if were and not _admins(place) and not access.is_operator(actor):
        raise LastAdmin(
            f"{place} would have no organization admin any more: give somebody else that role first, or ask a superuser."
        )
