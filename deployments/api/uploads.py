"""Manifests and blobs."""

from typing import IO, Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import operations
from deployments.api.finding import PlaceView
from portal.common.problems import Invalid


class ManifestFileIn(serializers.Serializer[Any]):
    """One file of a manifest: told here for the OpenAPI document; `bundles.manifest` checks it."""

    path = serializers.CharField()
    mode = serializers.ChoiceField(choices=["0644", "0755"])
    sha256 = serializers.CharField()
    size = serializers.IntegerField(min_value=0)


MANIFEST = inline_serializer(
    "Manifest", {"organization": serializers.CharField(required=False), "files": ManifestFileIn(many=True)}
)
REGISTERED = inline_serializer(
    "Registered",
    {
        "digest": serializers.CharField(),
        "missing": serializers.ListField(child=serializers.CharField()),
        "complete": serializers.BooleanField(),
    },
)


class AnyBytes(BaseParser):
    """Take whatever comes, unread: the operation reads the stream itself, bounded."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Answer the stream."""
        return stream


class Bundles(PlaceView):
    """Manifests."""

    @extend_schema(operation_id="bundles_create", request=MANIFEST, responses={200: REGISTERED})
    def post(self, request: Request) -> Response:
        """Announce a file tree; the answer lists the sha256s to upload. Complete when that list is empty."""
        if not isinstance(request.data, dict):
            raise Invalid("Send {organization, files}.", code="bad_manifest")
        organization = self.named_organization(request.data.get("organization"))
        made = operations.register_bundle(
            organization=organization, files=request.data.get("files"), actor=self.person, now=timezone.now()
        )
        return Response({"digest": made.bundle.digest, "missing": made.missing, "complete": not made.missing})


class Blobs(PlaceView):
    """Bytes."""

    parser_classes = [AnyBytes]

    @extend_schema(
        operation_id="blobs_upload",
        parameters=[OpenApiParameter("organization", OpenApiTypes.STR)],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={204: None},
    )
    def put(self, request: Request, sha256: str) -> Response:
        """Upload the bytes of one file; refused unless they hash to its name."""
        organization = self.named_organization(request.GET.get("organization"))
        operations.upload_blob(
            organization=organization,
            sha256=sha256,
            stream=cast("IO[bytes]", request._request),
            actor=self.person,
            now=timezone.now(),
        )
        return Response(status=204)
