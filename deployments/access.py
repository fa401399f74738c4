"""Roles as data, and the two questions: may this person, and who may. The only room besides `visible_to` that calls guardian."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Exists, OuterRef
from guardian.shortcuts import assign_perm, get_users_with_perms, remove_perm

from deployments.models import Deploy, Deployment, Organization, Token
from deployments.scopes import TokenScope, scope_of
from deployments.states import ActorKind
from portal.common.problems import Invalid, NotAllowed

Place = Organization | Deployment
Person = User | AnonymousUser


class Right(StrEnum):
    """What a person may do at a place."""

    VIEW = "view"
    DEPLOY = "deploy_to"
    ROLL_BACK = "roll_back"
    CONFIGURE = "configure"
    ADMINISTER = "administer"


WORDS = {
    Right.VIEW: "see",
    Right.DEPLOY: "deploy to",
    Right.ROLL_BACK: "roll back, hold or resume",
    Right.CONFIGURE: "configure",
    Right.ADMINISTER: "administer",
}


class Role(StrEnum):
    """What is granted: a name for a set of rights."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    EDITOR = "editor"
    ADMIN = "admin"
    ORGANIZATION_ADMIN = "organization_admin"


# Rows D8 and A-roles of the product, and the table of the architecture.
ROLES: dict[Role, tuple[Right, ...]] = {
    Role.VIEWER: (Right.VIEW,),
    Role.DEPLOYER: (Right.VIEW, Right.DEPLOY),
    Role.EDITOR: (Right.VIEW, Right.DEPLOY, Right.ROLL_BACK),
    Role.ADMIN: (Right.VIEW, Right.DEPLOY, Right.ROLL_BACK, Right.CONFIGURE),
    Role.ORGANIZATION_ADMIN: (Right.VIEW, Right.DEPLOY, Right.ROLL_BACK, Right.CONFIGURE, Right.ADMINISTER),
}


# The roles in words; what each is for is said where it is chosen.
ROLE_WORDS = {
    Role.VIEWER: "Sees history, assets, settings and logs.",
    Role.DEPLOYER: "Also deploys: the role for CI.",
    Role.EDITOR: "Also rolls back, holds and resumes.",
    Role.ADMIN: "Also configures, and manages members.",
    Role.ORGANIZATION_ADMIN: "Also makes deployments and service accounts, and manages the organization.",
}


@dataclass(frozen=True)
class Membership:
    """One person's role on one place."""

    user: User
    role: Role


def allows(person: Person, right: Right, place: Place) -> bool:
    """Say whether the person holds the right on the place, there or through its organization."""
    return type(place)._default_manager.allowing(person, right).filter(pk=place.pk).exists()


def require(person: Person, right: Right, place: Place) -> None:
    """Let only those pass who hold the right. Raises NotAllowed."""
    if not allows(person, right, place):
        raise NotAllowed(f"You may not {WORDS[right]} {place}: ask one of its administrators for a role that can.")


def require_superuser(person: Person, what: str) -> None:
    """Let only superusers pass, with all that they may: a token that is limited is nobody's. Raises NotAllowed."""
    if not is_operator(person):
        raise NotAllowed(f"Only a superuser may {what}.")


def is_operator(person: Person) -> bool:
    """Say whether this is a superuser, and no token of theirs that is limited."""
    return bool(person.is_active and person.is_superuser and scope_of(person) is None)


def limited_to(user: User, token: Token) -> User:
    """Answer the account with the token's limits on it: every question about rights honours them from now on."""
    if token.role or token.organization_id or token.deployment_id:
        rights = frozenset(ROLES[Role(token.role)]) if token.role else None
        user.token_scope = TokenScope(rights, token.organization_id, token.deployment_id)  # type: ignore[attr-defined]
    return user


def may_grant(actor: Person, place: Place) -> bool:
    """Say whether this person may see and change who has roles there."""
    return allows(actor, right_to_grant(place), place)


def right_to_grant(place: Place) -> Right:
    """Answer the right that managing the members of the place takes."""
    return Right.ADMINISTER if isinstance(place, Organization) else Right.CONFIGURE


def roles_to_grant(actor: Person, place: Place) -> list[Role]:
    """Answer the roles that the person can grant there: those whose every right is theirs."""
    held = rights_on(actor, place)
    whole = isinstance(place, Organization)
    return [
        role for role, rights in ROLES.items() if set(rights) <= held and (whole or role is not Role.ORGANIZATION_ADMIN)
    ]


def label_of(role: Role) -> str:
    """Answer the role as people write it."""
    return role.value.replace("_", " ").capitalize()


def rights_on(person: Person, place: Place) -> frozenset[Right]:
    """Answer every right that the person holds on the place, in one query."""
    rows = type(place)._default_manager
    each = {f"may_{right}": Exists(rows.allowing(person, right).filter(pk=OuterRef("pk"))) for right in Right}
    held = rows.filter(pk=place.pk).annotate(**each).values(*each).first() or {}
    return frozenset(right for right in Right if held.get(f"may_{right}"))


def grant(*, user: User, role: Role, on: Place, actor: User) -> None:
    """Give the user exactly this role on the place. Raises NotAllowed, Invalid.

    Nobody grants what they do not hold themselves: a service account is capped by its grantor in this way.
    """
    _require_may_grant(actor, on)
    if role is Role.ORGANIZATION_ADMIN and not isinstance(on, Organization):
        raise Invalid(
            f"Organization admin is a role of a whole organization, not of {on}.",
            code="role_not_of_this_place",
        )
    for right in ROLES[role]:
        require(actor, right, on)
    account = getattr(user, "service_account", None)
    home = on if isinstance(on, Organization) else on.organization
    if account is not None and account.organization_id != home.pk:
        raise Invalid(f"{account} belongs to another organization than {on}.", code="foreign_service_account")
    for right in Right:
        if right is Right.ADMINISTER and not isinstance(on, Organization):
            continue
        (assign_perm if right in ROLES[role] else remove_perm)(_codename(right, on), user, on)


def revoke(*, user: User, on: Place, actor: User) -> None:
    """Take away every right that was granted on this very place. Raises NotAllowed."""
    _require_may_grant(actor, on)
    for right in Right:
        remove_perm(_codename(right, on), user, on)


def members(on: Place) -> list[Membership]:
    """Answer who was granted which role on this very place, by name."""
    found: Any = get_users_with_perms(on, attach_perms=True, with_superusers=False, with_group_users=False)
    named = [(user, role_of(codenames)) for user, codenames in found.items()]
    return sorted((Membership(user, role) for user, role in named if role), key=lambda each: each.user.get_username())


def right_over(deploy: Deploy) -> Right:
    """Answer the right that canceling, retrying or describing this deploy takes: a rollback is for those who may roll back."""
    return Right.ROLL_BACK if deploy.is_rollback else Right.DEPLOY


def name_of(user: User) -> str:
    """Answer the name that history keeps of an account."""
    return user.get_full_name() or user.get_username()


def actor_kind(user: User) -> ActorKind:
    """Say whether a person acts, or a machine's account."""
    return ActorKind.SERVICE_ACCOUNT if getattr(user, "service_account", None) else ActorKind.PERSON


def role_of(codenames: Iterable[str]) -> Role | None:
    """Answer the strongest role that these permissions make up."""
    held = {_right(codename) for codename in codenames}
    fitting = [role for role, needs in ROLES.items() if set(needs) <= held]
    return fitting[-1] if fitting else None


def _require_may_grant(actor: User, on: Place) -> None:
    require(actor, right_to_grant(on), on)


def _codename(right: Right, on: Place) -> str:
    return f"view_{on._meta.model_name}" if right is Right.VIEW else right.value


def _right(codename: str) -> Right | None:
    name = "view" if codename.startswith("view_") else codename
    return Right(name) if name in set(Right) else None
