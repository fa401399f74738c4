"""Loading what an address names, for these eyes: the unseen and the absent are the same 404."""

from typing import cast

from django.contrib.auth.models import User
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest

from deployments import history
from deployments.access import Place, Right, allows, require, right_to_grant
from deployments.models import CodeLocation, Deploy, DeployEvent, Deployment, Load, Organization
from deployments.states import DeployStep, EventKind


def person(request: HttpRequest) -> User:
    """Answer who asks: `login_required` let only accounts through."""
    return cast("User", request.user)


def find_deployment(request: HttpRequest, org: str, deployment: str) -> Deployment:
    """Answer the deployment of the address. Raises Http404."""
    rows = Deployment.objects.visible_to(person(request)).select_related("organization")
    return _one(rows.filter(organization__slug=org, slug=deployment))


def find_organization(request: HttpRequest, org: str) -> Organization:
    """Answer the organization of the address. Raises Http404."""
    return _one(Organization.objects.visible_to(person(request)).filter(slug=org))


def may_configure(request: HttpRequest, deployment: Deployment) -> bool:
    """Say whether who asks configures the deployment: then pages lead to its connection and its members."""
    return allows(person(request), Right.CONFIGURE, deployment)


def find_managed(request: HttpRequest, org: str, deployment: str = "") -> Place:
    """Answer the place of the address, for those who manage its members. Raises Http404, NotAllowed."""
    place: Place = find_deployment(request, org, deployment) if deployment else find_organization(request, org)
    require(person(request), right_to_grant(place), place)
    return place


def find_location(request: HttpRequest, org: str, deployment: str, location: str) -> CodeLocation:
    """Answer the code location of the address. Raises Http404."""
    if "\0" in location:
        raise Http404  # PostgreSQL cannot even be asked
    seen = Deployment.objects.visible_to(person(request)).filter(organization__slug=org, slug=deployment)
    return _one(history.code_locations().filter(deployment__in=seen, name=location))


def find_locations(request: HttpRequest, org: str, deployment: str, *, most: int) -> list[CodeLocation]:
    """Answer the code locations of the address's deployment, by their names; none, too, when it may not be seen."""
    seen = Deployment.objects.visible_to(person(request)).filter(organization__slug=org, slug=deployment)
    return list(history.code_locations().filter(deployment__in=seen).order_by("name")[:most])


def find_deploy(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> Deploy:
    """Answer the deploy of the address, its code location with all three facts.

    Annotated: `newest_load` and its `load_metadata`; `command_at`, when the operator's command ended well. Raises Http404.
    """
    place = find_location(request, org, deployment, location)
    newest = Load.objects.filter(deploy=OuterRef("pk")).order_by("-pk")
    ended = DeployEvent.objects.filter(deploy=OuterRef("pk"), step=DeployStep.COMMAND, kind=EventKind.STEP)
    asked = history.deploys_of(place).filter(number=number)
    found = _one(
        asked.annotate(
            newest_load=Subquery(newest.values("pk")[:1]),
            load_metadata=Subquery(newest.values("metadata")[:1]),
            command_at=Subquery(ended.order_by("seq").values("at")[:1]),
        )
    )
    found.code_location = place
    return found


def _one[Row: Model](rows: QuerySet[Row]) -> Row:
    found = rows.first()
    if found is None:
        raise Http404
    return found
