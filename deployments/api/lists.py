"""Lists: pages of rows, and how the OpenAPI document tells of them."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.paging import asked_limit, linked, page_of

PAGING = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 200; 50 without it."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of another page."),
]


def answer_page(
    request: Request, rows: QuerySet[Any], *, key: str, descending: bool, show: Callable[[list[Any]], list[Any]]
) -> Response:
    """Answer one page of the rows: `{next, previous, results}`. Raises Invalid on a foreign cursor or limit."""
    asked = request._request
    page = page_of(rows, key=key, descending=descending, cursor=asked.GET.get("cursor"), limit=asked_limit(asked))
    return Response(
        {
            "next": linked(asked, page.next_cursor),
            "previous": linked(asked, page.previous_cursor),
            "results": show(page.rows),
        }
    )


def page_schema(name: str, row: Any, **more: Any) -> Any:
    """Answer the schema of a page of such rows; `more` is what stands beside them."""
    return inline_serializer(
        name,
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
            **more,
        },
    )
