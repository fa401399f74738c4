"""Who has a role at a place, and through what: there, through its organization, or as a superuser. A page at a time."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from deployments.access import Place, Role, label_of, role_of
from deployments.models import (
    Deployment,
    DeploymentUserObjectPermission,
    Organization,
    OrganizationUserObjectPermission,
)
from portal.common.paging import Page, page_of

# So many roles on single deployments are looked at for one page of an organization's members.
MOST_GRANTS = 5_000
STRENGTH = {role: strength for strength, role in enumerate(Role)}


@dataclass(frozen=True)
class Through:
    """One reason why somebody has a role."""

    role: Role
    place: Place

    @property
    def label(self) -> str:
        """Answer the role as people write it."""
        return label_of(self.role)


@dataclass(frozen=True)
class Member:
    """One account, the role that it was given on this very place, and every way to a role."""

    user: User
    own: Role | None
    through: list[Through] = field(default_factory=list)

    @property
    def strongest(self) -> Role | None:
        """Answer the role that the account has there in effect; None: it is a superuser's, who needs none."""
        return max((each.role for each in self.through), key=STRENGTH.__getitem__, default=None)

    @property
    def is_machine(self) -> bool:
        """Say whether this is a service account."""
        return getattr(self.user, "service_account", None) is not None


def page_of_members(place: Place, *, q: str = "", cursor: str | None = None) -> tuple[list[Member], Page[User]]:
    """Answer a page of the members, by user name. Raises Invalid on a foreign cursor."""
    page = page_of(_matching(_people(place), q), key="username", descending=False, cursor=cursor)
    grants = _grants(place, page.rows)
    return [_member(place, user, grants[user.pk]) for user in page.rows], page


def member_of(place: Place, user_id: int) -> Member | None:
    """Answer the member, if the account was given a role on this very place."""
    user = User.objects.select_related("service_account").filter(pk=user_id).first()
    if user is None:
        return None
    found = _member(place, user, _grants(place, [user])[user.pk])
    return found if found.own else None


def grants_in(organization: Organization, users: list[User]) -> dict[int, list[Through]]:
    """Answer the roles that each of these accounts has in the organization, on it and on its deployments."""
    found = _grants(organization, users)
    return {user.pk: _member(organization, user, found[user.pk]).through for user in users}


def _people(place: Place) -> QuerySet[User]:
    home = place if isinstance(place, Organization) else place.organization
    whole = OrganizationUserObjectPermission.objects.filter(content_object=home).values("user_id")
    part = _of_deployments(place).values("user_id")
    held = Q(pk__in=whole) | Q(pk__in=part) | Q(is_superuser=True)
    return User.objects.select_related("service_account").filter(held)


def _of_deployments(place: Place) -> QuerySet[DeploymentUserObjectPermission]:
    rows: QuerySet[DeploymentUserObjectPermission] = DeploymentUserObjectPermission.objects.all()
    if isinstance(place, Deployment):
        return rows.filter(content_object=place)
    return rows.filter(content_object__organization=place)


def _matching(people: QuerySet[User], q: str) -> QuerySet[User]:
    for word in q.replace("\0", "").split()[:8]:
        names = Q(username__icontains=word) | Q(email__icontains=word)
        people = people.filter(names | Q(first_name__icontains=word) | Q(last_name__icontains=word))
    return people


def _grants(place: Place, users: list[User]) -> dict[int, dict[Place, set[str]]]:
    """Answer the permissions of each of these accounts, by place."""
    found: dict[int, dict[Place, set[str]]] = defaultdict(lambda: defaultdict(set))
    home = place if isinstance(place, Organization) else place.organization
    above = OrganizationUserObjectPermission.objects.filter(content_object=home, user__in=users)
    for user_id, codename in above.values_list("user_id", "permission__codename"):
        found[user_id][home].add(codename)
    here = _of_deployments(place).filter(user__in=users).select_related("content_object", "permission")
    for row in here.order_by("content_object__slug")[:MOST_GRANTS]:
        row.content_object.organization = home
        found[row.user_id][row.content_object].add(row.permission.codename)
    return found


def _member(place: Place, user: User, grants: dict[Place, set[str]]) -> Member:
    roles = [(each, role_of(codenames)) for each, codenames in grants.items()]
    through = [Through(role, each) for each, role in roles if role]
    own = next((each.role for each in through if each.place == place), None)
    return Member(user, own, through)
