"""The reading vocabulary. Seeing is a queryset: what `visible_to` leaves out does not exist for that person.

With `access.py` this is the only room that asks for guardian's grants. A right on an organization holds for all its deployments;
both are united here, when read, and nowhere else. Global model permissions mean nothing to us: guardian answers them
differently in lists and in checks, so neither asks for them.
"""

from datetime import datetime
from typing import Any, Self, TypeVar

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Prefetch, Q

from deployments.scopes import scope_of
from deployments.states import DeployKind, DeployStatus, TargetKind

Person = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=models.Model)


def _rows_of(model: str) -> Any:
    """Answer all rows of a model by its name: the models import this module, so it cannot import them."""
    return apps.get_model("deployments", model)._default_manager


def _granted(person: Person, right: str, model: str, place: str = "pk") -> Q:
    """Answer what keeps the rows whose place has this right granted directly, to the person or to a team of theirs.

    guardian's own question, without its joins: each grant has a foreign key to its place.
    """
    if person.pk is None:
        return Q(pk__in=[])
    said = {"permission__codename": f"{right}_{model.lower()}" if right == "view" else right}
    own = _rows_of(f"{model}UserObjectPermission").filter(user_id=person.pk, **said)
    team = _rows_of(f"{model}GroupObjectPermission").filter(group__user=person.pk, **said)
    grants = [each.values("content_object_id") for each in (own, team)]
    return Q(**{f"{place}__in": grants[0]}) | Q(**{f"{place}__in": grants[1]})


def mounted_by(path: str) -> "Prefetch[str, models.QuerySet[Any], str]":
    """Answer how to load the mounts of releases with their bundles, in one query."""
    return Prefetch(path, queryset=_rows_of("ReleaseBundle").select_related("bundle"))


def _is_operator(person: Person) -> bool:
    return bool(person.is_active and getattr(person, "is_superuser", False) and scope_of(person) is None)


class OrganizationQuerySet(models.QuerySet[Row]):
    """Organizations."""

    def allowing(self, person: Person, right: str) -> Self:
        """Keep those on which the person holds the right as a whole."""
        rows = self._in_scope(person, right)
        if getattr(person, "is_superuser", False):
            return rows
        return rows.filter(_granted(person, right, "Organization"))

    def visible_to(self, person: Person) -> Self:
        """Keep those that the person may view, as a whole or for one of their deployments."""
        if not person.is_active or _is_operator(person):
            return self if person.is_active else self.none()
        whole = _rows_of("Organization").allowing(person, "view").values("pk")
        part = _rows_of("Deployment").visible_to(person).values("organization_id")
        return self.filter(Q(pk__in=whole) | Q(pk__in=part))

    def _in_scope(self, person: Person, right: str) -> Self:
        """Keep those that the person's token lets the right be used on: one for a deployment is for no organization."""
        scope = scope_of(person)
        if not person.is_active or (scope and (scope.deployment_id or not scope.lets(right))):
            return self.none()
        return self.filter(pk=scope.organization_id) if scope and scope.organization_id else self


class DeploymentQuerySet(models.QuerySet[Row]):
    """Deployments."""

    def allowing(self, person: Person, right: str) -> Self:
        """Keep those on which the person holds the right: there, or through the organization."""
        rows = self._in_scope(person, right)
        if getattr(person, "is_superuser", False):
            return rows
        above = _granted(person, right, "Organization", "organization_id")
        return rows.filter(_granted(person, right, "Deployment") | above)

    def visible_to(self, person: Person) -> Self:
        """Keep those that the person may view."""
        return self.allowing(person, "view")

    def _in_scope(self, person: Person, right: str) -> Self:
        """Keep those that the person's token lets the right be used on."""
        scope = scope_of(person)
        if not person.is_active or (scope and not scope.lets(right)):
            return self.none()
        if scope and scope.deployment_id:
            return self.filter(pk=scope.deployment_id)
        return self.filter(organization_id=scope.organization_id) if scope and scope.organization_id else self


class OfOrganization(models.QuerySet[Row]):
    """Rows of a whole organization: seen by those who may view all of it."""

    def visible_to(self, person: Person) -> Self:
        """Keep the rows of organizations that the person may view as a whole."""
        return self.filter(organization__in=_rows_of("Organization").allowing(person, "view"))


class OperatorsOnly(models.QuerySet[Row]):
    """Rows that know about everybody: superusers' to see."""

    def visible_to(self, person: Person) -> Self:
        """Keep all of them for a superuser, and nothing for anybody else."""
        return self if _is_operator(person) else self.none()


class TokenQuerySet(models.QuerySet[Row]):
    """Tokens."""

    def visible_to(self, person: Person) -> Self:
        """Keep the person's own, and those of service accounts whose whole organization they administer."""
        if not person.is_active or scope_of(person):
            return self.none()
        if _is_operator(person):
            return self
        administered = _rows_of("Organization").allowing(person, "administer")
        return self.filter(Q(user_id=person.pk) | Q(user__service_account__organization__in=administered))


class InvitationQuerySet(models.QuerySet[Row]):
    """Invitations."""

    def visible_to(self, person: Person) -> Self:
        """Keep those to places whose members the person manages."""
        whole = _rows_of("Organization").allowing(person, "administer")
        part = _rows_of("Deployment").allowing(person, "configure")
        return self.filter(Q(deployment=None, organization__in=whole) | Q(deployment__in=part))

    def open(self) -> Self:
        """Keep those that nobody accepted or withdrew; some may be too old by now."""
        return self.filter(accepted_at=None, withdrawn_at=None)


class CodeLocationQuerySet(models.QuerySet[Row]):
    """Code locations."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(deployment__in=_rows_of("Deployment").visible_to(person))


class OfDeployment(models.QuerySet[Row]):
    """Rows that belong to a deployment."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(deployment__in=_rows_of("Deployment").visible_to(person))


class OfChannel(models.QuerySet[Row]):
    """Rows that belong to an alert channel."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(channel__deployment__in=_rows_of("Deployment").visible_to(person))


class OfCodeLocation(models.QuerySet[Row]):
    """Rows that belong to a code location."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(code_location__deployment__in=_rows_of("Deployment").visible_to(person))


class OfGitSource(models.QuerySet[Row]):
    """Rows that belong to the Git source of a code location."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(source__code_location__deployment__in=_rows_of("Deployment").visible_to(person))


class OfDeploy(models.QuerySet[Row]):
    """Rows that belong to a deploy."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(deploy__code_location__deployment__in=_rows_of("Deployment").visible_to(person))


class DeployQuerySet(OfCodeLocation[Row]):
    """Deploys."""

    def running(self) -> Self:
        """Keep what a worker carries out now."""
        return self.filter(status=DeployStatus.RUNNING)

    def queued(self) -> Self:
        """Keep what waits for a worker."""
        return self.filter(status=DeployStatus.QUEUED)

    def held(self) -> Self:
        """Keep what is stored and waits for somebody to resume."""
        return self.filter(status=DeployStatus.HELD)

    def rollbacks(self) -> Self:
        """Keep the acts that restore an older one."""
        return self.filter(kind=DeployKind.ROLLBACK)

    def pushes(self) -> Self:
        """Keep the acts that bring something new."""
        return self.exclude(kind__in=[DeployKind.ROLLBACK, DeployKind.OBSERVED])

    def went_live(self) -> Self:
        """Keep what succeeded, newest in the order of going live first."""
        return self.filter(live_seq__isnull=False).order_by("-live_seq")

    def trusted(self) -> Self:
        """Keep what the platform verified, or what ran when there was no platform to ask."""
        return self.filter(Q(verified=True) | Q(verified__isnull=True, platform_asked=False))

    def placeable(self) -> Self:
        """Keep those of which there is something to put in place: a release that we know, or an image for where images go."""
        mounts = _rows_of("ReleaseBundle").filter(release_id=OuterRef("release_id"))
        image = ~Q(release__image="") & Q(release__image_gone_at=None)
        webhook = Q(code_location__deployment__target=TargetKind.WEBHOOK)
        return self.filter((webhook & image) | (~webhook & (Exists(mounts) | Q(release__provisional=False))))

    def not_blamed(self) -> Self:
        """Leave out the acts whose code somebody rolled back from."""
        blamed = _rows_of("Blame").filter(
            code_location_id=OuterRef("code_location_id"),
            code_digest=OuterRef("release__code_digest"),
            lifted_at=None,
        )
        return self.exclude(Exists(blamed))

    def with_places(self) -> Self:
        """Load what a row of history shows, in one query."""
        return self.select_related(
            "code_location__deployment__organization",
            "release",
            "restores",
            "previous",
            "retry_of",
            "superseded_by",
        ).prefetch_related(mounted_by("release__mounts"))


class ReleaseQuerySet(OfCodeLocation[Row]):
    """Releases."""

    def kept(self) -> Self:
        """Keep those whose artifacts are still here."""
        return self.filter(purged_at=None)


class OfRelease(models.QuerySet[Row]):
    """Rows that belong to a release."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of deployments that the person may view."""
        return self.filter(release__code_location__deployment__in=_rows_of("Deployment").visible_to(person))


class OfBundle(models.QuerySet[Row]):
    """Rows that belong to a bundle."""

    def visible_to(self, person: Person) -> Self:
        """Keep those of organizations that the person may view as a whole."""
        return self.filter(bundle__organization__in=_rows_of("Organization").allowing(person, "view"))


class BundleQuerySet(OfOrganization[Row]):
    """Bundles."""

    def usable(self) -> Self:
        """Keep those whose every byte is here, and right as far as anybody looked."""
        return self.filter(completed_at__isnull=False, damaged_at=None, purged_at=None)

    def forgettable(self, *, before: datetime) -> Self:
        """Keep uploads that nobody touched since, and that no release and no deploy names."""
        return self.filter(touched_at__lt=before, mounts=None, deploys=None, purged_at=None)
