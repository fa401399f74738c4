"""Deploys: history, pushing, rolling back, following."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import history, operations
from deployments.access import Right, require, right_over
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.api.lists import PAGING, answer_page, page_schema
from deployments.api.loads import COLLAPSE, asked_to_collapse
from deployments.api.representations import DeployChange, DeployOut, EventOut, PushIn, RollbackIn
from deployments.models import CodeLocation, Deploy
from deployments.operations import Push
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import Invalid

PARTS = ("image", "bundles", "runtime_version", "settings")
MOST_EVENTS = 1000
FILTERS = [
    OpenApiParameter("kind", OpenApiTypes.STR, enum=DeployKind.values, many=True),
    OpenApiParameter("status", OpenApiTypes.STR, enum=DeployStatus.values, many=True),
    OpenApiParameter("actor", OpenApiTypes.STR),
    OpenApiParameter("commit", OpenApiTypes.STR, description="The commit, or how it begins."),
    OpenApiParameter("image", OpenApiTypes.STR, description="A part of the image's name."),
    OpenApiParameter("asset", OpenApiTypes.STR, description="The key of an asset that the deploy changed, as a/b."),
    OpenApiParameter(
        "q", OpenApiTypes.STR, description="Text in description, actor, commit, branch, message or image."
    ),
    OpenApiParameter("since", OpenApiTypes.DATETIME),
    OpenApiParameter("until", OpenApiTypes.DATETIME),
]


class Deploys(PlaceView):
    """The history of a code location."""

    @extend_schema(
        operation_id="deploys_list",
        parameters=[*FILTERS, COLLAPSE, *PAGING],
        responses=page_schema("Deploys", DeployOut),
    )
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """List the deploys, newest first."""
        found = self.location()
        asked = history.DeployFilter(request.GET, queryset=history.deploys_of(found))
        if not asked.is_valid():
            errors = [{"field": name, "detail": " ".join(map(str, words))} for name, words in asked.errors.items()]
            raise Invalid("These filters cannot be used.", code="bad_filter", errors=errors)

        def show(page: list[Deploy]) -> list[Any]:
            context = {"hold": history.hold_of(found)}
            return [DeployOut(row, context=context).data for row in page]

        # Of a run only the newest would be asked for its actor or time: what is filtered is shown one by one.
        filtered = any(request.GET.get(name) for name in asked.filters)
        rows = history.ends_of_runs(asked.qs) if asked_to_collapse(request) and not filtered else asked.qs
        return answer_page(request, rows, key="number", descending=True, show=show)

    @extend_schema(operation_id="deploys_create", request=PushIn, responses={201: DeployOut, 202: DeployOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Push the parts that change: 202 when it is queued, 201 when it is stored and held."""
        found = self.location()

        def do() -> Response:
            made = self.create(found, request.data)
            return _answer(found, made, status=201 if made.status == DeployStatus.HELD else 202)

        return answer_once(request, authorize=lambda: require(self.person, Right.DEPLOY, found.deployment), do=do)

    def create(self, location: CodeLocation, data: Any) -> Deploy:
        """Push what was sent. Raises what `operations.create_deploy` does."""
        return operations.create_deploy(location=location, push=push_of(data), actor=self.person, now=timezone.now())


def push_of(data: Any) -> Push:
    """Answer the push that was sent. Raises ValidationError."""
    asked = PushIn(data=data)
    asked.is_valid(raise_exception=True)
    said = asked.validated_data
    return Push(
        parts={name: said[name] for name in PARTS if name in said},
        description=said["description"],
        git=said.get("git", {}),
        metadata=said.get("metadata", {}),
        source_position=said.get("source_position"),
        expected_live=said.get("expected_live"),
    )


class OneDeploy(PlaceView):
    """One deploy."""

    @extend_schema(operation_id="deploys_read", responses=DeployOut)
    def get(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Read a deploy."""
        return Response(DeployOut(self.deploy()).data)

    @extend_schema(operation_id="deploys_describe", request=DeployChange, responses=DeployOut)
    def patch(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Change its description: nothing else of history can be changed."""
        found = self.deploy()

        def do() -> Response:
            asked = DeployChange(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            if "description" in asked.validated_data:
                operations.describe(deploy=found, description=asked.validated_data["description"], actor=self.person)
            return Response(DeployOut(found).data)

        return answer_once(
            request,
            authorize=lambda: require(self.person, right_over(found), found.code_location.deployment),
            do=do,
        )


class Events(PlaceView):
    """What happened, line by line."""

    @extend_schema(
        operation_id="deploys_events",
        parameters=[OpenApiParameter("after", OpenApiTypes.INT, description="Only lines after this `seq`.")],
        responses=inline_serializer(
            "Events",
            {"results": EventOut(many=True), "status": serializers.CharField(), "finished": serializers.BooleanField()},
        ),
    )
    def get(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Read steps and log lines in order; ask again with `after` until `finished`."""
        after = request.GET.get("after", "0")
        if not after.isdecimal() or len(after) > 9:
            raise Invalid("after is the seq of the last line that you have.", code="invalid")
        # The status first: lines that come while we read belong to the next answer, and none is lost.
        found = self.deploy()
        lines = list(found.events.filter(seq__gt=int(after)).order_by("seq")[:MOST_EVENTS])
        whole = len(lines) < MOST_EVENTS
        return Response(
            {
                "results": EventOut(lines, many=True).data,
                "status": found.status,
                "finished": found.is_finished and whole,
            }
        )


class Cancel(PlaceView):
    """Stopping a deploy."""

    @extend_schema(operation_id="deploys_cancel", request=None, responses=DeployOut)
    def post(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Cancel it, if it is not in place yet."""
        found = self.deploy()

        def do() -> Response:
            operations.cancel(deploy=found, actor=self.person, now=timezone.now())
            return _answer(found.code_location, found, status=200)

        return answer_once(
            request, authorize=lambda: require(self.person, right_over(found), found.code_location.deployment), do=do
        )


class Retry(PlaceView):
    """Trying again."""

    @extend_schema(operation_id="deploys_retry", request=None, responses={201: DeployOut, 202: DeployOut})
    def post(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Ask for the same once more, as a new deploy that names this one."""
        found = self.deploy()

        def do() -> Response:
            made = operations.retry(deploy=found, actor=self.person, now=timezone.now())
            return _answer(found.code_location, made, status=201 if made.status == DeployStatus.HELD else 202)

        return answer_once(
            request, authorize=lambda: require(self.person, right_over(found), found.code_location.deployment), do=do
        )


class Rollbacks(PlaceView):
    """Rolling back."""

    @extend_schema(operation_id="rollbacks_create", request=RollbackIn, responses={202: DeployOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Restore a deploy by its number, or the last known good."""
        found = self.location()

        def do() -> Response:
            asked = RollbackIn(data=request.data)
            asked.is_valid(raise_exception=True)
            made = operations.request_rollback(
                location=found,
                to=asked.validated_data["to"],
                description=asked.validated_data["description"],
                scope=asked.validated_data["scope"],
                plan_etag=asked.validated_data["plan_etag"],
                acknowledged=asked.validated_data["acknowledge"],
                actor=self.person,
                now=timezone.now(),
            )
            return _answer(found, made, status=202)

        return answer_once(request, authorize=lambda: require(self.person, Right.ROLL_BACK, found.deployment), do=do)


def _answer(location: CodeLocation, deploy: Deploy, *, status: int) -> Response:
    return Response(DeployOut(history.deploys_of(location).get(pk=deploy.pk)).data, status=status)
