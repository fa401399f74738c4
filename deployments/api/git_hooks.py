"""Where GitHub, GitLab and their like tell of pushes. The signature is the right to tell."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import operations
from deployments.api.uploads import AnyBytes
from portal.common.problems import Absent, TooLarge

# Pushes of many commits are told with their first twenty, or two thousand: this is more than they come to.
LARGEST = 1024 * 1024  # bytes

TAKEN = inline_serializer(
    "HookTaken",
    {
        "status": serializers.ChoiceField(choices=["accepted", "ignored"]),
        "commit": serializers.CharField(required=False),
        "reason": serializers.CharField(required=False),
    },
)


class GitHooks(APIView):
    """The webhook of a Git source."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = [AnyBytes]

    @extend_schema(
        operation_id="git_hooks_take", request={"application/json": {}}, responses={200: TAKEN, 202: TAKEN}, auth=[]
    )
    def post(self, request: Request, hook: str) -> Response:
        """Tell of a push: 202 when the branch will be looked at, 200 when it is nothing to us, 409 when it was told before.

        Signed as GitHub does (X-Hub-Signature-256), or with the secret itself, as GitLab does (X-Gitlab-Token).
        """
        body = self.body_of(request)
        if "\0" in hook:
            raise Absent("There is no such hook, or its signature or token is wrong.")
        taken = operations.take_delivery(hook=hook, headers=request.headers, body=body, now=timezone.now())
        if taken.ignored:
            return Response({"status": "ignored", "reason": taken.ignored})
        return Response({"status": "accepted", "commit": taken.commit}, status=202)

    @staticmethod
    def body_of(request: Request) -> bytes:
        """Answer the body as it was signed. Raises TooLarge, before it is read."""
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if length.isdecimal() and int(length) <= LARGEST:
            body: bytes = request._request.read(LARGEST + 1)
            if len(body) <= LARGEST:
                return body
        raise TooLarge(f"This body is too large: of its bytes, at most {LARGEST} are taken.", code="body_too_large")
