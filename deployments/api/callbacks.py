"""What receivers of orders answer to. The address is the right to answer: it is made for one deploy, and works once."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deployments import operations
from deployments.api.parsing import BoundedJSONParser
from portal.common.problems import TooLarge

# Anybody may post here: nobody needs more to say how it went.
LARGEST = 64 * 1024  # bytes


class AnswerIn(serializers.Serializer[Any]):
    """How it went."""

    outcome = serializers.ChoiceField(choices=["succeeded", "failed"])
    message = serializers.CharField(max_length=60_000, required=False, allow_blank=True, default="")


class Callbacks(APIView):
    """The answer to an order."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = [BoundedJSONParser]

    @extend_schema(operation_id="callbacks_answer", request=AnswerIn, responses={204: None}, auth=[])
    def post(self, request: Request, token: str) -> Response:
        """Say how the order went, once."""
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if not length.isdecimal() or int(length) > LARGEST:
            raise TooLarge(f"This body is too large: of its bytes, at most {LARGEST} are taken.", code="body_too_large")
        asked = AnswerIn(data=request.data)
        asked.is_valid(raise_exception=True)
        operations.answer_order(token=token, now=timezone.now(), **asked.validated_data)
        return Response(status=204)
