"""A small real HTTP server in a thread, which answers as badly as it is told to."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """One request that the server got."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def variables(self) -> dict[str, Any]:
        """The GraphQL variables."""
        variables: dict[str, Any] = json.loads(self.body)["variables"]
        return variables


@dataclass
class Reply:
    """What to answer; each chunk of the body is sent by itself, and may block before it comes."""

    chunks: Callable[[], Iterator[bytes]]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def reply(body: bytes | str, status: int = 200, **headers: str) -> Reply:
    """Answer a whole body; `content_type` becomes Content-Type."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(lambda: iter([content]), status, named)


def graphql(data: Any, status: int = 200) -> Reply:
    """Answer GraphQL's `data`."""
    return reply(json.dumps({"data": data}), status, content_type="application/json")


class HttpServer:
    """The running server: its URL, the requests it got, and how it answers them (`answer` may be replaced).

    With `tls` it speaks HTTPS.
    """

    def __init__(self, answer: Callable[[Request], Reply], *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                request = Request(self.path, dict(self.headers), body, self.command)
                owner.requests.append(request)
                self._send(owner.answer(request))

            do_GET = do_PUT = do_POST  # noqa: N815

            def _send(self, answer: Reply) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()  # HTTP/1.0: the body ends with the connection
                try:
                    for chunk in answer.chunks():
                        self.wfile.write(chunk)
                except OSError:
                    pass  # the client had enough

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["HttpServer"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()
