"""The files of a release: what is mounted, and the bytes of one of them."""

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.finding import PlaceView
from deployments.bundles import reading
from portal.common.paging import linked, page_of
from portal.common.problems import NOT_FOUND_DETAIL, Absent

# Files of one answer: most bundles have fewer, and the largest still come in short ones.
MOST_FILES = 1000


class BundleTree(PlaceView):
    """The files of a release."""

    @extend_schema(
        operation_id="deploys_bundle_tree",
        parameters=[OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` of another answer.")],
        responses=inline_serializer(
            "BundleTree",
            {
                "mount": serializers.CharField(),
                "digest": serializers.CharField(),
                "files": serializers.ListField(child=serializers.DictField()),
                "next": serializers.URLField(allow_null=True),
                "previous": serializers.URLField(allow_null=True),
            },
        ),
    )
    def get(self, request: Request, org: str, deployment: str, location: str, number: int, mount: str) -> Response:
        """List what is mounted there by path, a thousand files at a time: path, mode, sha256, size."""
        bundle = reading.bundle_at(self.deploy(), mount)
        asked = request._request
        rows, cursor = reading.lines_of(bundle), asked.GET.get("cursor")
        page = page_of(rows, key="path", descending=False, cursor=cursor, limit=MOST_FILES)
        return Response(
            {
                "mount": mount,
                "digest": bundle.digest,
                "files": [reading.as_line(line) for line in page.rows],
                "next": linked(asked, page.next_cursor),
                "previous": linked(asked, page.previous_cursor),
            }
        )


class BundleFileView(PlaceView):
    """One file of a release."""

    @extend_schema(
        operation_id="deploys_bundle_file",
        parameters=[OpenApiParameter("path", OpenApiTypes.STR, required=True)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(
        self, request: Request, org: str, deployment: str, location: str, number: int, mount: str
    ) -> FileResponse | Response:
        """Read one file's bytes, which were seen to be right."""
        found = reading.line_at(reading.bundle_at(self.deploy(), mount), request.GET.get("path", ""))
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        # Never shown as what it says it is: user content is only ever downloaded.
        headers = {"Cache-Control": "private"}
        return FileResponse(
            reading.open_line(found),
            as_attachment=True,
            filename="file",
            content_type="application/octet-stream",
            headers=headers,
        )
