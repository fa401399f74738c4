"""The assets of a code location."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets import history
from assets.api.representations import AssetOut, AssetStepOut, DeployBrief, detail_of
from assets.models import Asset, AssetChange
from assets.states import World
from deployments.api.finding import PlaceView
from deployments.api.lists import PAGING, answer_page, page_schema
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid

KEY = OpenApiParameter("key", OpenApiTypes.STR, required=True, description="As a/b; a slash within a part as \\/.")
FILTERS = [
    OpenApiParameter("q", OpenApiTypes.STR, description="A part of the key."),
    OpenApiParameter("group", OpenApiTypes.STR),
    OpenApiParameter("kind", OpenApiTypes.STR),
    OpenApiParameter("world", OpenApiTypes.STR, enum=World.values),
    OpenApiParameter("changed_since", OpenApiTypes.STR, description="A deploy's number, or a time."),
]


class AssetView(PlaceView):
    """A view of one asset, named by `?key=`."""

    def asset(self) -> Asset:
        """Answer the asset of the address. Raises Absent, Invalid."""
        key = self.request.GET.get("key", "")
        if not key:
            raise Invalid("Name the asset: ?key=a/b.", code="key_missing")
        found = None if "\0" in key else history.asset_named(self.location(), key)
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        return found


class Assets(PlaceView):
    """What the newest recorded sets have."""

    @extend_schema(operation_id="assets_list", parameters=FILTERS + PAGING, responses=page_schema("Assets", AssetOut))
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """List the assets by key."""
        asked = history.AssetFilter(request.GET, location=self.location())
        if not asked.is_valid():
            errors = [{"field": name, "detail": " ".join(map(str, words))} for name, words in asked.errors.items()]
            raise Invalid("These filters cannot be used.", code="bad_filter", errors=errors)

        def show(page: list[Asset]) -> list[Any]:
            context = {"changed": history.last_deploys(page)}
            return [AssetOut(row, context=context).data for row in page]

        return answer_page(request, asked.qs, key="key", descending=False, show=show)


class AssetDetail(AssetView):
    """One asset."""

    @extend_schema(
        operation_id="assets_detail",
        parameters=[KEY],
        responses=inline_serializer(
            "AssetDetail",
            {
                "key": serializers.CharField(),
                "path": serializers.ListField(child=serializers.CharField()),
                "world": serializers.CharField(),
                "present": serializers.BooleanField(),
                "version": serializers.IntegerField(allow_null=True),
                "definition": serializers.DictField(allow_null=True),
                "exact": serializers.BooleanField(),
                "upstream": serializers.ListField(child=serializers.DictField()),
                "downstream": serializers.ListField(child=serializers.CharField()),
                "changed": DeployBrief(allow_null=True),
            },
        ),
    )
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Read an asset: its definition now, or the last that it had; what is upstream and downstream."""
        return Response(detail_of(self.asset()))


class AssetChanges(AssetView):
    """The change history of one asset."""

    @extend_schema(
        operation_id="assets_changes",
        parameters=[KEY, *PAGING],
        responses=page_schema("AssetSteps", AssetStepOut),
    )
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """List every change of its definition, newest first, each with the deploy that made it."""
        asset = self.asset()

        def show(page: list[AssetChange]) -> list[Any]:
            return [AssetStepOut(row, context={"ignored": asset.chain.ignored}).data for row in page]

        return answer_page(request, history.changes_of(asset), key="live_seq", descending=True, show=show)
