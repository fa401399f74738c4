"""Who asks: a bearer token, or the browser's session."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from deployments.access import limited_to
from deployments.models import Token

# Written at most this often: a poll each second must not be a write each second.
SEEN_AGAIN = timedelta(minutes=1)


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """`Authorization: Bearer <token>`: the account's rights of the moment, in the token’s limits; an inactive one has none."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        """Answer the account and its token. Raises AuthenticationFailed on any bearer token that is not a valid one."""
        try:
            found: tuple[User, Token] | None = super().authenticate(request)
        except UnicodeDecodeError as odd:
            # Letters beyond ASCII arrive as latin-1: none of our tokens has any.
            raise AuthenticationFailed("Invalid token.") from odd
        if found is None:
            return None
        token, now = found[1], timezone.now()
        if token.last_used_at is None or now - token.last_used_at > SEEN_AGAIN:
            Token.objects.filter(pk=token.pk).update(last_used_at=now)
        return limited_to(*found), token


class BrowserAuthentication(SessionAuthentication):
    """The session of the pages, with their CSRF token."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tell the OpenAPI document of the bearer token."""

    target_class = "deployments.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Answer the scheme's entry."""
        return {"type": "http", "scheme": "bearer"}


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tell the OpenAPI document of the session."""

    target_class = "deployments.api.authentication.BrowserAuthentication"
    name = "browser"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Answer the scheme's entry."""
        from django.conf import settings

        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
