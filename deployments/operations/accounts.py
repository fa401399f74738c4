"""Accounts of machines, and tokens: each token is its account's, and has the rights that the account has just then."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from deployments import access
from deployments.access import Place, Right, Role, require
from deployments.models import Deployment, Organization, ServiceAccount, Token
from deployments.models.places import slug_rule
from deployments.operations.places import NameTaken
from deployments.scopes import scope_of
from portal.common.problems import Invalid, NotAllowed

LONGEST_TOKEN_DAYS = 365


def create_service_account(*, organization: Organization, name: str, actor: User, now: datetime) -> ServiceAccount:
    """Create a machine's account, which holds no role yet and has no password. Raises NotAllowed, Invalid, NameTaken."""
    require(actor, Right.ADMINISTER, organization)
    try:
        slug_rule(name)
    except ValidationError as wrong:
        detail = " ".join(wrong.messages)
        raise Invalid(detail, errors=[{"field": "name", "detail": detail}]) from wrong
    # No person's name has a slash in it (Django's rule for names): the two kinds never clash, and history reads well.
    user = User(username=f"{organization.slug}/{name}", date_joined=now)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
            return ServiceAccount.objects.create(
                user=user, organization=organization, name=name, created_by_name=actor.get_username()
            )
    except IntegrityError as clash:
        raise NameTaken(f"There is a service account {name} in {organization} already.") from clash


def remove_service_account(*, account: ServiceAccount, actor: User) -> None:
    """Remove a machine's account with its tokens and roles; history keeps its name. Raises NotAllowed."""
    require(actor, Right.ADMINISTER, account.organization)
    account.user.delete()


def create_token(
    *, user: User, name: str, days: int, actor: User, role: Role | None = None, place: Place | None = None
) -> tuple[Token, str]:
    """Create a token for oneself or for a service account, limited to a role's rights and to a place if they are named.

    Answers its row, and the token, which is told this once. Raises NotAllowed, Invalid.
    """
    if scope_of(actor):
        raise NotAllowed("A token that is limited makes no other: it could make one that is not.")
    _require_owning(user, actor)
    if not name.strip():
        raise Invalid("Name the token: say where it is used.", errors=[{"field": "name", "detail": "Say where."}])
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        detail = f"A token lives from 1 to {LONGEST_TOKEN_DAYS} days."
        raise Invalid(detail, errors=[{"field": "days", "detail": detail}])
    if place is not None and not access.allows(user, Right.VIEW, place):
        raise Invalid(f"{user} has no role on {place}: a token for it would open nothing.", code="no_role_there")
    row, token = Token.objects.create(
        user=user,
        expiry=timedelta(days=days),
        name=name,
        created_by_name=actor.get_username(),
        role=role.value if role else "",
        organization=place if isinstance(place, Organization) else None,
        deployment=place if isinstance(place, Deployment) else None,
    )
    return row, token


def revoke_token(*, token: Token, actor: User) -> None:
    """Make a token worthless at once. Raises NotAllowed."""
    if not access.is_operator(actor):
        _require_owning(token.user, actor)
    token.delete()


def _require_owning(user: User, actor: User) -> None:
    """Let people manage their own tokens, and an organization's administrators those of its machines. Raises NotAllowed."""
    if user == actor and actor.is_active:
        return
    account: ServiceAccount | None = getattr(user, "service_account", None)
    if account is None:
        raise NotAllowed("People make their own tokens: nobody acts in another person's name.")
    require(actor, Right.ADMINISTER, account.organization)
