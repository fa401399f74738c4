"""Refusals, and how the API says them: `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

logger = logging.getLogger(__name__)


class Refusal(Exception):  # it is a no, not a fault
    """What every verb raises when it says no: a stable `code`, and a sentence for the person who asked."""

    status = HTTPStatus.CONFLICT
    code = "conflict"

    def __init__(self, detail: str, *, code: str | None = None, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = errors


class NotAllowed(Refusal):
    """Seen, but not allowed."""

    status = HTTPStatus.FORBIDDEN
    code = "not_allowed"


class Invalid(Refusal):
    """What was sent cannot be meant."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid"


class Absent(Refusal):
    """Not there, or not for these eyes: the two are told in the same words."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class TooLarge(Refusal):
    """Over a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


NOT_FOUND_DETAIL = "Nothing here, or nothing that you may see."


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer one problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(body, status=status, content_type="application/problem+json", headers=headers)


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a view raised; None (a 500, logged) for what nobody foresaw."""
    if isinstance(error, Refusal):
        return problem(error.status, error.code, error.detail, errors=error.errors)
    if isinstance(error, Http404):
        return problem(404, "not_found", NOT_FOUND_DETAIL)
    if isinstance(error, PermissionDenied):
        return problem(403, "not_allowed", str(error) or "You may not do this.")
    if isinstance(error, OperationalError) and "locked" in str(error):
        return problem(503, "database_busy", "The database is busy; try again.", headers={"Retry-After": "2"})
    if isinstance(error, DataError):
        return problem(400, "invalid", "What you sent has a letter or a number that cannot be stored.")
    if isinstance(error, exceptions.APIException):
        return _answer_framework(error)
    return None


def _answer_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        errors = list(_flatten(error.detail))
        first = f" {errors[0]['field']}: {errors[0]['detail']}" if errors else ""
        return problem(400, "invalid", f"What you sent cannot be used.{first}", errors=errors, headers=headers)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return problem(401, "not_signed_in", str(error.detail), headers=headers)
    if isinstance(error, exceptions.PermissionDenied):
        return problem(403, "not_allowed", str(error.detail), headers=headers)
    code = error.get_codes()
    return problem(error.status_code, code if isinstance(code, str) else "invalid", str(error.detail), headers=headers)


def _flatten(detail: Any, field: str = "") -> Any:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flatten(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _flatten(inner, f"{field}[{position}]" if nested else field)
    else:
        yield {"field": field or "body", "detail": str(detail)}
