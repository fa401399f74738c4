"""Accounts of machines, and tokens: each token is its account's, and has the rights that the account has just then."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from deployments.access import Right, require
from deployments.models import Organization, ServiceAccount, Token
from deployments.models.places import slug_rule
from deployments.operations.places import NameTaken
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


def create_token(*, user: User, name: str, days: int, actor: User) -> tuple[Token, str]:
    """Create a token for oneself or for a service account. Answers its row, and the token, which is told this once.

    Raises NotAllowed, Invalid.
    """
    _require_owning(user, actor)
    if not name.strip():
        raise Invalid("Name the token: say where it is used.", errors=[{"field": "name", "detail": "Say where."}])
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        detail = f"A token lives from 1 to {LONGEST_TOKEN_DAYS} days."
        raise Invalid(detail, errors=[{"field": "days", "detail": detail}])
    row, token = Token.objects.create(
        user=user, expiry=timedelta(days=days), name=name, created_by_name=actor.get_username()
    )
    return row, token


def revoke_token(*, token: Token, actor: User) -> None:
    """Make a token worthless at once. Raises NotAllowed."""
    if not actor.is_superuser:
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
