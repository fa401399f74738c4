"""What takes messages: a real SMTP server, and a real HTTP server; and the vendors' hosts, led to the latter."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import default as modern
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from aiosmtpd.controller import Controller
from requests.adapters import HTTPAdapter


@dataclass(frozen=True)
class Posted:
    """One request that arrived. `meant` is the address that it was sent to."""

    path: str
    headers: dict[str, str]
    body: bytes
    meant: str = ""

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class HttpSink:
    """A running server: what arrived, and what it answers: a status, or a function that may take its time."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status: int | Callable[[Posted], int] = 200
        self.body = b"ok"
        self.headers: dict[str, str] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted = Posted(self.path, dict(self.headers), body, self.headers.get("X-Meant", ""))
                owner.posted.append(posted)
                status = owner.status if isinstance(owner.status, int) else owner.status(posted)
                try:
                    self.send_response(status)
                    for name, value in owner.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(owner.body)))
                    self.end_headers()
                    self.wfile.write(owner.body)
                except OSError:
                    pass  # the client had enough

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def http_sink() -> Iterator[HttpSink]:
    """Run an HTTP sink."""
    sink = HttpSink()
    thread = threading.Thread(target=sink.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.server.shutdown()
        sink.server.server_close()
        thread.join()


class SmtpSink:
    """A running mail server: the letters that it took, and whom it refuses."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], Message]] = []
        self.refuses: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Take a recipient, or not."""
        if address in self.refuses:
            return f"550 {address} is unknown here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a letter."""
        self.letters.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content, policy=modern)))
        return "250 OK"


@contextmanager
def smtp_sink() -> Iterator[tuple[SmtpSink, int]]:
    """Run a mail server, and answer it with its port."""
    sink, port = SmtpSink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()


def free_port() -> int:
    """Answer a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def lead_vendors_to(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what apprise sends to its vendors arrive at the sink: only the way there is another."""
    real = HTTPAdapter.send

    def send(self: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
        meant = urlsplit(request.url)
        request.headers["X-Meant"] = request.url
        request.url = urlunsplit(("http", urlsplit(sink.url).netloc, meant.path, meant.query, ""))
        return real(self, request, *args, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", send)
