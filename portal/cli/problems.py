"""What the portal, or what stands before it, answers instead of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from .exits import REFUSED, UNREACHABLE, Stop


class Unanswered(Stop):
    """The portal gave no document; `problem` is its own account, where it gave one."""

    def __init__(self, message: str, *, problem: dict[str, Any] | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.problem = problem
        self.status = status

    @property
    def code(self) -> str | None:
        """Return the problem's stable word."""
        return (self.problem or {}).get("code")


class Refused(Unanswered):
    """The portal understood and said no."""

    exit_code = REFUSED


class Unreachable(Unanswered):
    """The portal could not be asked, or failed itself."""

    exit_code = UNREACHABLE


class NotAPortal(Unreachable):
    """Something answered that is no Lastgood portal."""


class NotUnderstood(Unreachable):
    """A portal answered in other words than this client knows."""


def failure(url: str, response: httpx.Response, problem: dict[str, Any] | None) -> Unanswered:
    """Make the exception for an answer that is no success."""
    kind = Unreachable if response.status_code >= 500 else Refused
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if problem is None:
        asked = f"{response.request.method} {response.request.url.path}"
        if kind is Unreachable:
            return kind(f"{url} failed: {asked} was answered with {status}.", status=response.status_code)
        message = f"{url} does not look like a Lastgood portal: {asked} was answered with {status}, not as JSON."
        return kind(message, status=response.status_code)
    lines = [_sentence(problem, status), *_errors(problem.get("errors"))]
    lines += _advice(response)
    return kind("\n".join(lines), problem=problem, status=response.status_code)


def plain_address(location: str) -> str:
    """Return where a redirect leads, without what may be secret in it."""
    try:
        parts = urlsplit(location)
        host = parts.hostname or ""
        return f"{parts.scheme}://{host}{parts.path}" if host else parts.path or "nowhere"
    except ValueError:
        return "an address that is none"


def _sentence(problem: dict[str, Any], status: str) -> str:
    detail = problem.get("detail") or problem.get("title") or status
    code = problem.get("code")
    return f"{detail} ({code})" if code else str(detail)


def _errors(errors: Any) -> Iterator[str]:
    """List what is wrong with which field."""
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield f"  {error.get('field', 'body')}: {error.get('detail', 'is not valid.')}"


def _advice(response: httpx.Response) -> list[str]:
    if response.status_code == 401 and "Authorization" in response.request.headers:
        return ["Run `lastgood login` again, or check LASTGOOD_TOKEN."]
    if response.status_code == 404:
        # "Not found." alone does not say what.
        return [f"Asked for: {response.request.url.path}"]
    return []
