"""Any two deploys of a code location, and what was live at a time."""

from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assets import comparison
from assets.api.representations import DeployBrief, StepOut, compared
from assets.history import parse_time
from deployments import history
from deployments.api.finding import PlaceView
from deployments.api.lists import PAGING
from deployments.api.plan_representation import mount_body
from deployments.api.representations import DeployOut
from deployments.changes import changes_between
from deployments.models import CodeLocation, Deploy
from portal.common.paging import asked_limit, linked, slice_of
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid


class Pair(serializers.Serializer[Any]):
    """A value on both sides."""

    old = serializers.CharField()
    new = serializers.CharField()


# Of two deploys: all but the last two. Of a time: these alone.
ANSWER = inline_serializer(
    "Comparison",
    {
        "from": DeployBrief(required=False),
        "to": DeployBrief(required=False),
        "image": Pair(required=False, allow_null=True),
        "runtime_version": Pair(required=False, allow_null=True),
        "bundles": serializers.ListField(child=serializers.DictField(), required=False),
        "assets": serializers.DictField(allow_null=True, required=False),
        "next": serializers.URLField(allow_null=True, required=False),
        "previous": serializers.URLField(allow_null=True, required=False),
        "results": StepOut(many=True, required=False),
        "at": serializers.DateTimeField(required=False),
        "live": DeployOut(allow_null=True, required=False),
    },
)


class Compare(PlaceView):
    """What differs between two deploys: image, runtime version, files, assets."""

    @extend_schema(
        operation_id="compare",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.INT, description="The number of the one deploy."),
            OpenApiParameter("to", OpenApiTypes.INT, description="The number of the other one."),
            OpenApiParameter(
                "at", OpenApiTypes.STR, description="Instead of both: a time; the answer is what was live."
            ),
            *PAGING,
        ],
        responses=ANSWER,
    )
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Compare two deploys by number; `results` are the assets that differ, by key. Or ask what was live `at` a time."""
        found = self.location()
        if "at" in request.GET:
            return self._live_at(found, request.GET["at"])
        old, new = self._deploy(found, "from"), self._deploy(found, "to")
        compared_ = comparison.compare(found, old, new)
        asked = request._request
        page = slice_of(
            compared_.steps, key=lambda step: step.key, cursor=request.GET.get("cursor"), limit=asked_limit(asked)
        )
        detailed = comparison.in_detail(page.rows)
        return Response(
            {
                "from": DeployBrief(old).data,
                "to": DeployBrief(new).data,
                **_releases(old, new),
                "assets": compared(compared_),
                "next": linked(asked, page.next_cursor),
                "previous": linked(asked, page.previous_cursor),
                "results": [StepOut(each).data for each in detailed],
            }
        )

    def _live_at(self, location: CodeLocation, words: str) -> Response:
        at = parse_time(words)
        if at is None:
            raise Invalid("at is a time, as in 2026-11-21T14:00:00Z.", code="bad_time")
        live = comparison.live_at(location, min(at, timezone.now()))
        return Response({"at": at, "live": DeployOut(live).data if live else None})

    def _deploy(self, location: CodeLocation, name: str) -> Deploy:
        number = self.request.GET.get(name, "").removeprefix("#")
        if not number.isdecimal() or len(number) > 18:
            raise Invalid(f"Say {name}: the number of a deploy.", code="bad_number")
        found = history.deploys_of(location).filter(number=int(number)).first()
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        return found


def _releases(old: Deploy, new: Deploy) -> dict[str, Any]:
    before, after = old.release, new.release
    prefetch_related_objects([release for release in (before, after) if release], "mounts__bundle")
    changes = changes_between(before, after)
    return {
        "image": _pair(before.image if before else "", after.image if after else ""),
        "runtime_version": _pair(before.runtime_version if before else "", after.runtime_version if after else ""),
        "bundles": [mount_body(change) for change in changes],
    }


def _pair(old: str, new: str) -> dict[str, str] | None:
    return None if old == new else {"old": old, "new": new}
