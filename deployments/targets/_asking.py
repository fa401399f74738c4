"""One question over HTTP to somebody who may be slow, endless or hostile: bounded as a whole, in time and in size."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

CONNECT_SECONDS = 5.0
ORDINARY_TROUBLE = (httpx.TimeoutException, httpx.NetworkError, httpx.ProtocolError, httpx.ProxyError)
# One connection for one question, so that nothing is left open, and its socket is known and can be cut.
# No compression: what it unpacks to has no bound.
HEADERS = {"User-Agent": "lastgood", "Connection": "close", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Answer:
    """What came back. `whole` False: the body went on beyond the limit or the time, or broke off."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool


class Unanswered(Exception):
    """No answer came. The text goes on after the name of whoever was asked, and holds nothing of the request.

    `never`: the client itself does not call that host, so that asking again would not help.
    """

    def __init__(self, words: str, *, never: bool = False) -> None:
        super().__init__(words)
        self.never = never


def ask(
    client: httpx.Client,
    method: str,
    url: httpx.URL,
    *,
    headers: Mapping[str, str],
    seconds: float,
    limit: int,
    content: bytes | None = None,
) -> Answer:
    """Ask once, follow nothing, and answer at most `limit` bytes of the body after at most `seconds`.

    A status that came is an answer, even if the body behind it drips. Raises Unanswered.
    """
    with _Deadline(seconds) as deadline, _in_our_words(deadline):
        asked = client.stream(
            method,
            url,
            content=content,
            headers={**HEADERS, **headers},
            auth=None,
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            follow_redirects=False,
            extensions={"trace": deadline.watch},
        )
        with asked as answer:
            body, whole = _read(answer, limit)
            # A body that ends with its connection looks whole when the connection is cut.
            return Answer(answer.status_code, answer.headers, body, whole and not deadline.passed)


class _Deadline:
    """Cuts the connection when the time is over: httpx's own timeouts begin anew with every byte that drips."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of the socket, as soon as there is one."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._cut()

    def _cut(self) -> None:
        self.passed = True
        if self._socket is not None:
            # It may be closed already, or be TLS's by now, whose handshake has one time limit as a whole.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _read(answer: httpx.Response, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > limit:
                return bytes(body[:limit]), False
    except httpx.HTTPError:
        return bytes(body), False
    return bytes(body), True


@contextlib.contextmanager
def _in_our_words(deadline: _Deadline) -> Iterator[None]:
    """Translate what the transport raises."""
    try:
        yield
    except (httpx.LocalProtocolError, UnicodeError, OverflowError):
        # Its text may show a header's value: neither said nor chained.
        raise Unanswered("could not be asked: its address or a header holds what cannot be sent", never=True) from None
    except httpx.TransportError as problem:
        if isinstance(problem, ORDINARY_TROUBLE):
            raise Unanswered(_words(problem, deadline)) from problem
        # The client's own transport does not call this host, and says why.
        raise Unanswered(f"is not called: {str(problem).rstrip('.')}", never=True) from problem


def _words(problem: httpx.TransportError, deadline: _Deadline) -> str:
    if isinstance(problem, httpx.ConnectTimeout):
        return "cannot be reached (no connection in time)"
    if deadline.passed or isinstance(problem, httpx.TimeoutException):
        return f"did not answer within {deadline.seconds:.3g} seconds"
    for cause in _chain(problem):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"shows a certificate that is not accepted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return f"could not agree with us on TLS ({cause.reason or 'it broke off'})"
        if isinstance(cause, OSError) and cause.strerror:
            return f"cannot be reached ({cause.strerror.lower()})"
    return "cannot be reached (it closed the connection or does not speak HTTP)"


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
