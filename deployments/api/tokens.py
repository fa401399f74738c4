"""A token for a person, by password and code; and giving it back."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from deployments import operations
from deployments.access import Role
from deployments.api.parsing import BoundedJSONParser
from deployments.models import Token
from portal.common.problems import Invalid, problem

# Seconds after which another try may be worth it.
WAIT = 60


class SignIn(serializers.Serializer[Any]):
    """Name, password, the code of a second factor if there is one; and what the token is for, and limited to."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000)
    code = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=[role.value for role in Role], required=False)
    name = serializers.CharField(max_length=100, default="command line")
    days = serializers.IntegerField(min_value=1, max_value=365, default=90)


class Tokens(APIView):
    """Tokens."""

    parser_classes = [BoundedJSONParser]
    throttle_scope = "sign-in"

    def get_authenticators(self) -> list[Any]:
        """Ask nobody who they are before they say it: a stale session must not stand in the way of signing in."""
        return [] if self.request and self.request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        """Let anybody sign in."""
        return [AllowAny()] if self.request and self.request.method == "POST" else list(super().get_permissions())

    def get_throttles(self) -> list[Any]:
        """Slow down guessing."""
        return [ScopedRateThrottle()] if self.request and self.request.method == "POST" else []

    @extend_schema(
        operation_id="tokens_create",
        auth=[],
        request=SignIn,
        responses={
            201: inline_serializer(
                "NewToken",
                {
                    "token": serializers.CharField(),
                    "name": serializers.CharField(),
                    "expiry": serializers.DateTimeField(),
                },
            )
        },
    )
    def post(self, request: Request) -> Response:
        """Make a token for yourself. It is shown this once."""
        asked = SignIn(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        try:
            # Counted as on the sign-in page, by name and by address: here, too, a password is not guessed for long.
            user = get_adapter().authenticate(request._request, username=said["username"], password=said["password"])
        except ValidationError as too_many:
            raise Throttled(WAIT, " ".join(too_many.messages)) from too_many
        if not isinstance(user, User) or not user.is_active:
            return problem(401, "wrong_credentials", "This name and password do not belong together.")
        if is_mfa_enabled(user) and (refused := _refuse_without_code(user, said["code"])):
            return refused
        role = Role(said["role"]) if "role" in said else None
        row, token = operations.create_token(user=user, name=said["name"], days=said["days"], role=role, actor=user)
        return Response({"token": token, "name": row.name, "expiry": row.expiry}, status=201)

    @extend_schema(operation_id="tokens_revoke", request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke the token that this request carries."""
        if not isinstance(request.auth, Token):
            raise Invalid("This request carries no token.", code="no_token")
        operations.revoke_token(token=request.auth, actor=cast("User", request.user))
        return Response(status=204)


def _refuse_without_code(user: User, code: str) -> Response | None:
    """Answer a refusal unless the code is one of the person's second factor. Wrong ones are counted as on the pages."""
    if not code:
        return problem(401, "code_required", "This account has a second factor: send its code too.")
    form = AuthenticateForm(user=user, data={"code": code})
    if not form.is_valid():
        return problem(401, "wrong_code", " ".join(map(str, form.errors["code"])))
    form.authenticator.record_usage()
    return None
