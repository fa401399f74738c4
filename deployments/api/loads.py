"""What a platform reported: every load of a code location, or runs of similar ones."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import load_history
from deployments.api.finding import PlaceView
from deployments.api.lists import PAGING, page_schema
from deployments.api.representations import LoadOut
from portal.common.paging import asked_limit, linked
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid

COLLAPSE = OpenApiParameter(
    "collapse",
    OpenApiTypes.BOOL,
    description="true: consecutive similar entries are one, with a count. Not together with filters.",
)
WORDS = {"": False, "true": True, "1": True, "false": False, "0": False}


class Loads(PlaceView):
    """The loads of a code location."""

    @extend_schema(operation_id="loads_list", parameters=[COLLAPSE, *PAGING], responses=page_schema("Loads", LoadOut))
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """List what the platform loaded, whoever caused it, newest first."""
        asked: Any = request._request
        found = load_history.loads_of(
            self.location(),
            collapse=asked_to_collapse(request),
            cursor=asked.GET.get("cursor"),
            limit=asked_limit(asked),
        )
        return Response(
            {
                "next": linked(asked, found.next_cursor),
                "previous": linked(asked, found.previous_cursor),
                "results": [LoadOut(entry).data for entry in found.rows],
            }
        )


class OneLoad(PlaceView):
    """One load."""

    @extend_schema(operation_id="loads_read", responses=LoadOut)
    def get(self, request: Request, org: str, deployment: str, location: str, load: int) -> Response:
        """Read a load: all that the platform said of it."""
        found = load_history.load_of(self.location(), load)
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        return Response(LoadOut(load_history.Entry(found, 1, found.reported_at, found.reported_at, found.again)).data)


def asked_to_collapse(request: Request) -> bool:
    """Read `?collapse=`. Raises Invalid on other words."""
    word = request.GET.get("collapse", "").lower()
    if word not in WORDS:
        raise Invalid("collapse is true or false.", errors=[{"field": "collapse", "detail": word[:20]}])
    return WORDS[word]
