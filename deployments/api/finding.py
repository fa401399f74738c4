"""Loading what an address names, for these eyes: the unseen and the absent are the same 404."""

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.views import APIView

from deployments import history
from deployments.api.parsing import BoundedJSONParser
from deployments.models import CodeLocation, Deploy, Deployment, Organization
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid


class PlaceView(APIView):
    """A view below an organization, deployment or code location."""

    parser_classes = [BoundedJSONParser]
    kwargs: dict[str, Any]
    request: Request

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let only those pass who are somebody; an address that no row can have names nothing. Raises Absent."""
        super().initial(request, *args, **kwargs)
        if any("\0" in str(part) for part in kwargs.values()):
            raise Absent(NOT_FOUND_DETAIL)

    @property
    def person(self) -> User:
        """Answer who asks: the permission classes let only accounts through."""
        return cast("User", self.request.user)

    def organization(self) -> Organization:
        """Answer the organization of the address. Raises Absent."""
        return _one(Organization.objects.visible_to(self.person).filter(slug=self.kwargs["org"]))

    def deployment(self) -> Deployment:
        """Answer the deployment of the address. Raises Absent."""
        rows = Deployment.objects.visible_to(self.person).select_related("organization", "watch")
        return _one(rows.filter(organization__slug=self.kwargs["org"], slug=self.kwargs["deployment"]))

    def location(self) -> CodeLocation:
        """Answer the code location of the address. Raises Absent."""
        deployment = Deployment.objects.visible_to(self.person).filter(
            organization__slug=self.kwargs["org"], slug=self.kwargs["deployment"]
        )
        return _one(history.code_locations().filter(deployment__in=deployment, name=self.kwargs["location"]))

    def deploy(self) -> Deploy:
        """Answer the deploy of the address. Raises Absent."""
        return _one(history.deploys_of(self.location()).filter(number=self.kwargs["number"]))

    def named_organization(self, slug: Any) -> Organization:
        """Answer the organization that the request names, or a service account's own. Raises Absent, Invalid."""
        account = getattr(self.person, "service_account", None)
        if slug is None and account is not None:
            return cast("Organization", account.organization)
        if not isinstance(slug, str) or not slug:
            raise Invalid("Name the organization.", code="organization_missing")
        if "\0" in slug:
            raise Absent(NOT_FOUND_DETAIL)
        return _one(Organization.objects.visible_to(self.person).filter(slug=slug))


def _one[Row: Model](rows: QuerySet[Row]) -> Row:
    found = rows.first()
    if found is None:
        raise Absent(NOT_FOUND_DETAIL)
    return found
