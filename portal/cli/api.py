"""The portal's HTTP API as the client sees it: one document per answer, or one exception."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from . import retries
from .problems import NotAPortal, NotUnderstood, Unreachable, failure, plain_address

API = "/api/v1"
ROWS_PER_PAGE = 200
TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)

Document = dict[str, Any]
Query = Mapping[str, "str | int"]


def version() -> str:
    """Return the version of this client."""
    try:
        return metadata.version("lastgood")
    except metadata.PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True)
class Answer:
    """A write's answer: what was done shows in the status, the row in the document."""

    status: int
    document: Document


class Portal:
    """One invocation's talk with one portal."""

    def __init__(self, url: str, token: str | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self._sleep = sleep
        self._invocation = uuid.uuid4().hex
        self._writes = 0
        headers = {
            "Accept": "application/json, application/problem+json",
            "User-Agent": f"lastgood/{version()}",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        # Redirects are not followed: they would carry the token elsewhere and turn a POST into a GET.
        self._http = httpx.Client(base_url=url + API, headers=headers, timeout=TIMEOUT)

    def __enter__(self) -> Portal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def read(self, path: str, query: Query | None = None) -> Document:
        """Get one document. Raises Refused, Unreachable."""
        return self._document(self._send("GET", path, params=dict(query or {})))

    def write(self, path: str, body: Document, *, method: str = "POST") -> Answer:
        """Send a document; however often it is tried, it happens once. Raises Refused, Unreachable."""
        # One key per request, not per invocation: the portal refuses a known key with another body.
        self._writes += 1
        headers = {"Idempotency-Key": f"{self._invocation}.{self._writes}"}
        return self._answer(self._send(method, path, json=body, headers=headers))

    def put_bytes(self, path: str, query: Query, *, size: int, content: Callable[[], Iterator[bytes]]) -> None:
        """Put a stream of known length; `content` is called once per try. Raises Refused, Unreachable."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._answer(self._send("PUT", path, params=dict(query), headers=headers, content=content))

    def sign_in(self, body: Document) -> Document:
        """Exchange a password for a token. Raises Refused, Unreachable."""
        # Without a key: a kept answer would be a kept token.
        return self._document(self._send("POST", "/auth/token/", json=body))

    def sign_out(self) -> None:
        """Revoke the token in use. Raises Refused, Unreachable."""
        self._answer(self._send("DELETE", "/auth/token/"))

    def listed(self, path: str, query: Query | None = None, *, limit: int | None = None) -> Document:
        """Read a list up to a limit, as one list document, however many pages it takes."""
        pages = list(self._pages(path, dict(query or {}), limit))
        rows = [row for page in pages for row in page["results"]]
        return {**pages[0], "next": pages[-1].get("next"), "results": rows[:limit]}

    def rows(self, path: str, query: Query | None = None) -> list[Document]:
        """Read all rows of a list."""
        rows: list[Document] = self.listed(path, query)["results"]
        return rows

    def field(self, document: Document, name: str) -> Any:
        """Return a field that the contract promises. Raises NotUnderstood."""
        try:
            return document[name]
        except KeyError as error:
            raise NotUnderstood(
                f"{self.url} answered without `{name}`: this client ({version()}) and that portal "
                "do not fit together. Install the client of the portal's version."
            ) from error

    def _pages(self, path: str, query: dict[str, str | int], limit: int | None) -> Iterator[Document]:
        left = limit
        while True:
            page = self.read(path, {**query, "limit": min(ROWS_PER_PAGE, left or ROWS_PER_PAGE)})
            rows = self.rows_of(page)
            yield page
            left = None if left is None else left - len(rows)
            cursor = page.get("next")
            if not cursor or not rows or (left is not None and left <= 0):
                return
            # Only the query is taken from the link: behind a proxy its host may be another,
            # and the token goes to the configured host alone.
            query.update(parse_qsl(urlsplit(str(cursor)).query))

    def rows_of(self, page: Document) -> list[Document]:
        """Return the rows of one page. Raises NotUnderstood, NotAPortal."""
        rows = self.field(page, "results")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NotAPortal(f"{self.url} does not look like a Lastgood portal: a list it gave holds no rows.")
        return rows

    def _send(
        self,
        method: str,
        path: str,
        *,
        content: Callable[[], Iterator[bytes]] | None = None,
        **parts: Any,
    ) -> httpx.Response:
        for pause in (*retries.BACKOFF, None):
            try:
                response = self._http.request(method, path, content=content() if content else None, **parts)
            except httpx.RequestError as error:
                if pause is None:
                    raise Unreachable(f"{self.url} cannot be reached: {_reason(error)}.") from error
                wait: float | None = retries.jittered(pause)
            else:
                wait = None if pause is None else retries.wait_before_retry(response, pause)
                if wait is None:
                    return response
            self._sleep(wait or 0.0)
        raise AssertionError("The last try returns or raises.")

    def _document(self, response: httpx.Response) -> Document:
        return self._answer(response).document

    def _answer(self, response: httpx.Response) -> Answer:
        if response.is_redirect:
            target = plain_address(response.headers.get("Location", ""))
            raise NotAPortal(f"{self.url} answered with a redirect to {target}. Use the portal's own address.")
        document = _json_object(response)
        if not response.is_success:
            raise failure(self.url, response, document)
        if document is None and response.content.strip():
            kind = response.headers.get("Content-Type", "nothing that has a type")
            raise NotAPortal(
                f"{self.url} does not look like a Lastgood portal: it answered "
                f"{response.status_code} with {kind}. Check the address."
            )
        return Answer(response.status_code, document or {})


def _json_object(response: httpx.Response) -> Document | None:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _reason(error: httpx.RequestError) -> str:
    words = str(error).rstrip(".")
    return words or type(error).__name__
