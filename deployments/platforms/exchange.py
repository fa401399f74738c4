"""HTTP to a server we do not trust to be quick, small, or the server that we think it is."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from deployments.platforms import certificates
from deployments.platforms.base import PlatformRefused, PlatformUnreachable

RETRY_PAUSES = (0.2, 0.5)  # seconds: enough for a webserver that is just being restarted behind a proxy
CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Limits:
    """What one answer, and one report of many answers, may cost us."""

    answer_bytes: int = 64 * 1024 * 1024
    report_bytes: int = 200 * 1024 * 1024
    report_seconds: float = 300.0


class Allowance:
    """What is left to spend while one report is read."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes_left = limits.report_bytes
        self._ends_at = time.monotonic() + limits.report_seconds

    def answer_limit(self) -> int:
        """Answer how many bytes the next answer may have."""
        return min(self._limits.answer_bytes, self._bytes_left)

    def spend(self, size: int) -> None:
        """Take an answer's size off what is left."""
        self._bytes_left -= size

    def seconds_left(self) -> float:
        """Answer how long the report may still take; negative when it is over."""
        return self._ends_at - time.monotonic()


class TimedOut(PlatformUnreachable):
    """The server took the request and did not answer in time: whatever we asked for may go on there."""


class _Hiccup(PlatformUnreachable):
    """Nothing was read, and the next attempt a moment later may well work."""


class _GatewayTimedOut(_Hiccup, TimedOut):
    """A gateway had less patience than we: a question is worth repeating, a reload goes on behind it."""


@dataclass(frozen=True)
class Answer:
    """What came back, read whole."""

    status: int
    body: bytes
    date: str = ""  # the server's time, as it says it


@dataclass(frozen=True)
class Product:
    """How messages speak of the server: its name, and an address as people write one."""

    name: str
    example: str


class Exchange:
    """One server. Messages name it without user, password, query or any header's value."""

    def __init__(
        self,
        product: Product,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: float,
        client: httpx.Client | None,
        limits: Limits,
    ) -> None:
        self._base = _base_of(url, product)
        self.name = f"{product.name} at {self._base.copy_with(userinfo=b'', query=None, fragment=None)}"
        # Only gzip, whose expansion is bounded: a bomb of brotli in one chunk is not.
        self._headers = {**headers, "accept": "application/json", "accept-encoding": "gzip"}
        self._unspeakable: list[str] = []
        self.never_say(*headers.values())
        self._timeout = timeout
        self._limits = limits
        # Nothing is kept open between two questions, so a driver that nobody closes leaks nothing.
        self._client = client or httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
        self._owns_client = client is None

    def close(self) -> None:
        """Close the connections, unless the client was given to us."""
        if self._owns_client:
            self._client.close()

    def never_say(self, *secrets: str) -> None:
        """Keep these, and each of their words, out of whatever the server is quoted with."""
        words = {word for secret in secrets for word in (secret, *secret.split()) if word}
        self._unspeakable = sorted({*self._unspeakable, *words}, key=len, reverse=True)

    def speakable(self, text: str) -> str:
        """Answer what the server said as one line, without our secrets and a full stop: a proxy may echo what we sent."""
        for secret in self._unspeakable:
            text = text.replace(secret, "…")
        return " ".join(text.split())[:300].rstrip(".") or "it does not say why"

    def odd(self, what: str) -> PlatformUnreachable:
        """Make the exception for an answer that is not one of the product's."""
        return PlatformUnreachable("platform_odd_answer", f"{self.name} {what}")

    def patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Answer what asking answers, trying again quickly when the connection or a gateway fails."""
        for pause in RETRY_PAUSES:
            try:
                return ask()
            except _Hiccup:
                time.sleep(pause)
        return ask()

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        allowance: Allowance | None = None,
        patience: float = 1.0,
        understood: frozenset[int] = frozenset(),
    ) -> Answer:
        """Answer one request; `patience` multiplies the time allowed.

        Raises PlatformRefused, PlatformUnreachable and TimedOut; not for a status that is `understood` by the caller.
        """
        allowance = allowance or Allowance(self._limits)
        seconds = min(self._timeout * patience, allowance.seconds_left())
        if seconds <= 0:
            raise self._too_slow(self._limits.report_seconds)
        asked = self._client.stream(
            method,
            self._base.copy_with(path=self._base.path.rstrip("/") + path),
            json=json,
            params=params,
            headers=self._with(headers or {}),
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            follow_redirects=False,
        )
        with self._in_our_words(seconds), asked as answer:
            self._check_status(answer, understood)
            body = self._read(answer, allowance, ends_at=time.monotonic() + 3 * seconds)
        return Answer(answer.status_code, body, answer.headers.get("date", ""))

    def _with(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Answer the configured headers with these instead of those of the same name, however that is written."""
        names = {name.casefold() for name in headers}
        return {name: value for name, value in self._headers.items() if name.casefold() not in names} | dict(headers)

    @contextmanager
    def _in_our_words(self, seconds: float) -> Iterator[None]:
        """Translate what the transport raises."""
        try:
            yield
        except httpx.ReadTimeout as problem:
            raise self._too_slow(seconds) from problem
        except (httpx.NetworkError, httpx.RemoteProtocolError) as problem:
            if distrust := certificates.distrust_behind(problem):
                raise PlatformRefused(
                    "platform_certificate", f"{self.name} was not asked: {certificates.in_words(distrust)}"
                ) from problem
            raise _Hiccup(
                "platform_unreachable",
                f"{self.name} cannot be reached ({_reason(problem)}): check that it runs and that this "
                "portal can reach the address.",
            ) from problem
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # Its text shows the offending header's value: neither said nor chained.
            raise PlatformRefused(
                "platform_bad_headers",
                f"A header configured for {self.name} cannot be sent: remove line breaks and "
                "non-ASCII characters from its value.",
            ) from None
        except httpx.DecodingError as problem:
            raise self.odd("answered in a damaged compression: check the proxy before it.") from problem
        except httpx.HTTPError as problem:
            raise PlatformUnreachable(
                "platform_unreachable",
                f"{self.name} could not be asked ({_reason(problem)}): check the address.",
            ) from problem

    def _check_status(self, answer: httpx.Response, understood: frozenset[int]) -> None:
        """Raise for every status under which neither the product nor the caller speaks."""
        status = answer.status_code
        if status in (401, 403) and status not in understood:
            raise PlatformRefused(
                "platform_auth",
                f"{self.name} refused us (HTTP {status}): check the headers configured for it.",
            )
        if status in (502, 503, 504):
            raise (_GatewayTimedOut if status == 504 else _Hiccup)(
                "platform_unreachable",
                f"{self.name} is behind a gateway that cannot reach it (HTTP {status}): check that it runs.",
            )
        if answer.is_redirect:
            raise self.odd(
                f"answered with a redirect (HTTP {status}), which is not followed: give the address that it "
                "leads to, or the headers that spare the login page."
            )
        if answer.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip"):
            raise self.odd("answered in a compression that was not asked for: check the proxy before it.")

    def _read(self, answer: httpx.Response, allowance: Allowance, *, ends_at: float) -> bytes:
        """Read the body within the limits on size and on time, however slowly it drips."""
        body, limit = bytearray(), allowance.answer_limit()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > limit:
                raise PlatformRefused(
                    "platform_answer_too_large",
                    f"{self.name} answered more than this portal reads: "
                    f"{self._limits.answer_bytes / 1e6:.0f} MB at once, "
                    f"{self._limits.report_bytes / 1e6:.0f} MB for one location.",
                )
            if time.monotonic() > ends_at:
                raise TimedOut("platform_unreachable", f"{self.name} answered too slowly: ask again later.")
        allowance.spend(len(body))
        return bytes(body)

    def _too_slow(self, seconds: float) -> TimedOut:
        return TimedOut(
            "platform_unreachable",
            f"{self.name} did not answer within {seconds:.0f} seconds: it may be busy loading code, or down.",
        )


def _base_of(url: str, product: Product) -> httpx.URL:
    """Read the address. Raises PlatformRefused."""
    try:
        base = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError):
        base = httpx.URL()
    if base.scheme not in ("http", "https") or not base.host:
        raise PlatformRefused(
            "platform_bad_url", f"The address of this {product.name} is not one: write it like {product.example}."
        )
    return base


def _reason(problem: httpx.HTTPError) -> str:
    """Name a transport problem in words that hold nothing of the request."""
    words: dict[type[httpx.HTTPError], str] = {
        httpx.ConnectTimeout: "no connection in time",
        httpx.ConnectError: "no connection",
        httpx.ReadError: "the connection broke",
        httpx.RemoteProtocolError: "it closed the connection or does not speak HTTP",
    }
    return words.get(type(problem), type(problem).__name__)
