"""Organizations, deployments, code locations."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import history, operations
from deployments.access import Right, allows, require, require_superuser
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.api.lists import PAGING, answer_page, page_schema
from deployments.api.place_representations import (
    CodeLocationChange,
    CodeLocationIn,
    CodeLocationOut,
    DeploymentChange,
    DeploymentIn,
    DeploymentOut,
    HoldIn,
    HoldOut,
    OrganizationOut,
)
from deployments.api.representations import DeployOut
from deployments.models import Deployment, Organization


class Organizations(PlaceView):
    """Organizations."""

    @extend_schema(
        operation_id="organizations_list", parameters=PAGING, responses=page_schema("Organizations", OrganizationOut)
    )
    def get(self, request: Request) -> Response:
        """List the organizations that you may see."""
        rows = Organization.objects.visible_to(self.person)
        return answer_page(
            request, rows, key="slug", descending=False, show=lambda page: list(OrganizationOut(page, many=True).data)
        )

    @extend_schema(operation_id="organizations_create", request=OrganizationOut, responses={201: OrganizationOut})
    def post(self, request: Request) -> Response:
        """Create an organization: superusers only."""

        def do() -> Response:
            asked = OrganizationOut(data=request.data)
            asked.is_valid(raise_exception=True)
            made = operations.create_organization(
                slug=asked.validated_data["slug"], name=asked.validated_data.get("name", ""), actor=self.person
            )
            return Response(OrganizationOut(made).data, status=201)

        return answer_once(request, authorize=lambda: require_superuser(self.person, "create organizations"), do=do)


class OneOrganization(PlaceView):
    """One organization."""

    @extend_schema(operation_id="organizations_read", responses=OrganizationOut)
    def get(self, request: Request, org: str) -> Response:
        """Read an organization."""
        return Response(OrganizationOut(self.organization()).data)


class Deployments(PlaceView):
    """The deployments of an organization."""

    @extend_schema(
        operation_id="deployments_list", parameters=PAGING, responses=page_schema("Deployments", DeploymentOut)
    )
    def get(self, request: Request, org: str) -> Response:
        """List the deployments that you may see."""
        rows = Deployment.objects.visible_to(self.person).filter(organization=self.organization())
        rows = rows.select_related("organization", "watch")
        return answer_page(
            request, rows, key="slug", descending=False, show=lambda page: list(DeploymentOut(page, many=True).data)
        )

    @extend_schema(operation_id="deployments_create", request=DeploymentIn, responses={201: DeploymentOut})
    def post(self, request: Request, org: str) -> Response:
        """Create a deployment: organization admins only."""
        organization = self.organization()

        def do() -> Response:
            asked = DeploymentIn(data=request.data)
            asked.is_valid(raise_exception=True)
            made = operations.create_deployment(organization=organization, actor=self.person, **asked.validated_data)
            return Response(DeploymentOut(made).data, status=201)

        return answer_once(request, authorize=lambda: require(self.person, Right.ADMINISTER, organization), do=do)


class OneDeployment(PlaceView):
    """One deployment."""

    @extend_schema(operation_id="deployments_read", responses=DeploymentOut)
    def get(self, request: Request, org: str, deployment: str) -> Response:
        """Read a deployment."""
        return Response(DeploymentOut(self.deployment()).data)

    @extend_schema(operation_id="deployments_change", request=DeploymentChange, responses=DeploymentOut)
    def patch(self, request: Request, org: str, deployment: str) -> Response:
        """Change a deployment: name, platform, retention."""
        found = self.deployment()

        def do() -> Response:
            asked = DeploymentChange(found, data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            changed = operations.change_deployment(deployment=found, actor=self.person, **asked.validated_data)
            return Response(DeploymentOut(changed).data)

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found), do=do)


class ConnectionTest(PlaceView):
    """Asking the platform whether we are connected."""

    @extend_schema(
        operation_id="deployments_test_connection",
        request=None,
        responses=inline_serializer(
            "ConnectionTest",
            {
                "version": serializers.CharField(),
                "locations": serializers.ListField(child=serializers.CharField()),
                "may_reload": serializers.BooleanField(allow_null=True),
                "missing": serializers.ListField(child=serializers.CharField()),
            },
        ),
    )
    def post(self, request: Request, org: str, deployment: str) -> Response:
        """Ask the platform for its version, its code locations, and whether it lets us reload them."""
        found = self.deployment()
        met = operations.test_connection(deployment=found, actor=self.person)
        return Response(
            {
                "version": met.version,
                "locations": list(met.locations),
                "may_reload": met.may_reload,
                "missing": list(met.missing),
            }
        )


class CodeLocations(PlaceView):
    """The code locations of a deployment."""

    @extend_schema(
        operation_id="code_locations_list", parameters=PAGING, responses=page_schema("CodeLocations", CodeLocationOut)
    )
    def get(self, request: Request, org: str, deployment: str) -> Response:
        """List the code locations."""
        found = self.deployment()
        rows = history.code_locations().filter(deployment=found)

        def show(page: list[Any]) -> list[Any]:
            context = {
                "holds": history.active_holds(page),
                "last_good": history.last_good_numbers(page),
                "may_configure": allows(self.person, Right.CONFIGURE, found),
            }
            return [CodeLocationOut(row, context=context).data for row in page]

        return answer_page(request, rows, key="name", descending=False, show=show)

    @extend_schema(operation_id="code_locations_create", request=CodeLocationIn, responses={201: CodeLocationOut})
    def post(self, request: Request, org: str, deployment: str) -> Response:
        """Create a code location, named as its platform names it."""
        found = self.deployment()

        def do() -> Response:
            asked = CodeLocationIn(data=request.data)
            asked.is_valid(raise_exception=True)
            made = operations.create_code_location(
                deployment=found, name=asked.validated_data["name"], actor=self.person
            )
            return Response(CodeLocationOut(made, context={"request": request}).data, status=201)

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found), do=do)


class OneCodeLocation(PlaceView):
    """One code location."""

    @extend_schema(operation_id="code_locations_read", responses=CodeLocationOut)
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Read a code location: what is wanted, placed and live, whether it is held, and its last known good."""
        return Response(CodeLocationOut(self.location(), context={"request": request}).data)

    @extend_schema(operation_id="code_locations_change", request=CodeLocationChange, responses=CodeLocationOut)
    def patch(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Say that it is offline on purpose, or that it is not."""
        found = self.location()

        def do() -> Response:
            asked = CodeLocationChange(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            if "muted" in asked.validated_data:
                operations.change_code_location(location=found, actor=self.person, muted=asked.validated_data["muted"])
            return Response(CodeLocationOut(found, context={"request": request}).data)

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found.deployment), do=do)


class Hold(PlaceView):
    """Holding a code location."""

    @extend_schema(operation_id="code_locations_hold", request=HoldIn, responses={201: HoldOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Store new pushes without activating them."""
        found = self.location()

        def do() -> Response:
            asked = HoldIn(data=request.data)
            asked.is_valid(raise_exception=True)
            made = operations.hold(location=found, actor=self.person, now=timezone.now(), **asked.validated_data)
            return Response(HoldOut(made).data, status=201)

        return answer_once(request, authorize=lambda: require(self.person, Right.ROLL_BACK, found.deployment), do=do)


class Resume(PlaceView):
    """Letting go of a code location."""

    @extend_schema(operation_id="code_locations_resume", request=None, responses={200: CodeLocationOut, 202: DeployOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Lift the hold, and activate the newest that was held: 202 and that deploy, or 200 and the code location."""
        found = self.location()

        def do() -> Response:
            resumed = operations.resume(location=found, actor=self.person, now=timezone.now())
            if resumed is None:
                return Response(CodeLocationOut(self.location(), context={"request": request}).data)
            row = history.deploys_of(found).get(pk=resumed.pk)
            return Response(DeployOut(row).data, status=202)

        return answer_once(request, authorize=lambda: require(self.person, Right.ROLL_BACK, found.deployment), do=do)
