"""An HTTP server of our own that gives the answers it was told to give, in order, and keeps what it was asked."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Scripted:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def answer(document: Any, status: int = 200, **headers: str) -> Scripted:
    """Script a JSON document."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


def problem(status: int, code: str, detail: str, **headers: str) -> Scripted:
    """Script a refusal."""
    document = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": detail}
    return answer(document, status, Content_Type="application/problem+json", **headers)


def page(text: str, status: int = 200) -> Scripted:
    """Script what is no API's answer."""
    return Scripted(status, text.encode(), {"Content-Type": "text/html"})


def rows(*found: Any, following: str | None = None) -> Scripted:
    """Script a list."""
    return answer({"next": following, "previous": None, "results": list(found)})


# The connection is closed without a word.
SILENCE = Scripted(0)


class ScriptedPortal:
    """Answers in the order of the script; what comes after its end is answered with 500."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._script: deque[Scripted] = deque()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def script(self, *answers: Scripted) -> None:
        self._script.extend(answers)

    def next_for(self, request: Request) -> Scripted:
        with self._lock:
            self.requests.append(request)
            return self._script.popleft() if self._script else page("The script has ended.", 500)

    def asked(self) -> list[str]:
        """Tell what was asked, in order."""
        return [f"{request.method} {request.path.removeprefix('/api/v1')}" for request in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Keep quiet about clients that hang up: some are made to."""


def _handler_for(portal: ScriptedPortal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer_next(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
            scripted = portal.next_for(request)
            if scripted is SILENCE:
                self.close_connection = True
                return
            self.send_response(scripted.status)
            for name, value in scripted.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(scripted.body)))
            self.end_headers()
            self.wfile.write(scripted.body)

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer_next)
    return Handler
