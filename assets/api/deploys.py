"""Deploys and what they define."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets import history, operations
from assets.api.parsing import PushParser, SnapshotParser, snapshot_in
from assets.api.representations import ChangeOut, SetOut
from assets.definitions.prints import CHANGE_TYPES
from assets.models import AssetChange
from assets.recording import Observation
from assets.states import ChangeKind
from deployments.access import Right, require
from deployments.api import deploys
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.api.lists import PAGING, answer_page, page_schema
from deployments.api.representations import DeployOut, PushIn
from deployments.models import CodeLocation, Deploy
from portal.common.problems import Invalid

KINDS = {kind.lower(): kind.value for kind in ChangeKind}


class SnapshotIn(serializers.Serializer[Any]):
    """A snapshot: told here for the OpenAPI document; `assets.definitions.reading` checks it."""

    format = serializers.CharField(required=False, help_text="lastgood.assets/1")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # the format's word, also an argument of fields
        choices=["snapshot", "dbt"], required=False, help_text="Whose assets these are."
    )
    assets = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Not there in a dbt manifest, which is taken as it is."
    )


class PushWithAssetsIn(PushIn):
    """The parts that change, where they come from, and what they define."""

    assets = SnapshotIn(required=False, allow_null=True)


class Deploys(deploys.Deploys):
    """The history of a code location, and pushes that say what they define."""

    parser_classes = [PushParser]
    _sent: Observation | None = None

    @extend_schema(operation_id="deploys_create", request=PushWithAssetsIn, responses={201: DeployOut, 202: DeployOut})
    def post(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Push the parts that change: 202 when it is queued, 201 when it is stored and held."""
        found = self.location()
        require(self.person, Right.DEPLOY, found.deployment)
        sent = request.data.get("assets") if isinstance(request.data, dict) else None
        # Read before anything is locked: a large snapshot takes a second.
        self._sent = operations.observe(snapshot_in(sent), found) if sent is not None else None
        return super().post(request, org, deployment, location)

    def create(self, location: CodeLocation, data: Any) -> Deploy:
        """Push what was sent, with its snapshot. Raises what `operations.create_deploy` does."""
        rest = {name: value for name, value in data.items() if name != "assets"} if isinstance(data, dict) else data
        return operations.create_deploy(
            location=location,
            push=deploys.push_of(rest),
            snapshot=self._sent,
            actor=self.person,
            now=timezone.now(),
        )


class DeployAssetChanges(PlaceView):
    """What a deploy changed in the assets."""

    @extend_schema(
        operation_id="deploys_asset_changes",
        parameters=[
            OpenApiParameter("type", OpenApiTypes.STR, enum=CHANGE_TYPES, many=True),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=list(KINDS), many=True),
            OpenApiParameter("q", OpenApiTypes.STR, description="A part of the key."),
            *PAGING,
        ],
        responses=page_schema(
            "AssetChanges",
            ChangeOut,
            recorded=SetOut(many=True),
            counts=inline_serializer(
                "AssetCounts",
                {name: serializers.IntegerField() for name in ("added", "removed", "changed")},
                allow_null=True,
            ),
        ),
    )
    def get(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """List them by key. `counts` is null and `recorded` empty while nobody knows what it defines."""
        found = self.deploy()
        rows = history.changes_by(
            found,
            kinds=[KINDS[each] for each in _chosen(request, "kind", KINDS)],
            types=_chosen(request, "type", CHANGE_TYPES),
            text=request.GET.get("q", "").replace("\0", ""),
        )

        def show(page: list[AssetChange]) -> list[Any]:
            return [ChangeOut(row, context={"ignored": row.asset.chain.ignored}).data for row in page]

        answer = answer_page(request, rows, key="asset__key", descending=False, show=show)
        answer.data["recorded"] = [SetOut(each).data for each in history.sets_of(found)]
        answer.data["counts"] = found.asset_counts
        return answer


class DeployAssets(PlaceView):
    """What a deploy defines."""

    parser_classes = [SnapshotParser]

    @extend_schema(
        operation_id="deploys_send_assets",
        request=SnapshotIn,
        responses={
            200: inline_serializer(
                "Recorded", {"recorded": SetOut(allow_null=True), "kept_until_live": serializers.BooleanField()}
            )
        },
    )
    def put(self, request: Request, org: str, deployment: str, location: str, number: int) -> Response:
        """Send a snapshot for a deploy that has none: recorded now if it is live, else once it is."""
        found = self.deploy()

        def authorize() -> None:
            require(self.person, Right.DEPLOY, found.code_location.deployment)

        authorize()
        # Read before anything is locked: a large snapshot takes a second.
        seen = operations.observe(snapshot_in(request.data), found.code_location)

        def do() -> Response:
            recorded = operations.send_snapshot(deploy=found, snapshot=seen, actor=self.person, now=timezone.now())
            return Response(
                {"recorded": SetOut(recorded).data if recorded else None, "kept_until_live": recorded is None}
            )

        return answer_once(request, authorize=authorize, do=do)


def _chosen(request: Request, name: str, known: Any) -> list[str]:
    """Answer the words chosen for a filter. Raises Invalid on others."""
    words = request.GET.getlist(name)
    for word in words:
        if word not in known:
            raise Invalid(
                f"{name} is one of {', '.join(known)}.",
                code="bad_filter",
                errors=[{"field": name, "detail": word[:80]}],
            )
    return words
