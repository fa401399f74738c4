"""Servers that repositories are fetched from, as they should be and as they should not."""

import base64
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = tuple[int, dict[str, str], bytes]


class GitServer:
    """Git over HTTP for the repositories of a folder, by git's own program; with a token, for those who send it.

    `seen` are the requests that came: method and path. `instead`, if set, is what is answered: status, headers, body.
    """

    def __init__(self, folder: Path, *, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.folder, self.token = folder, token
        self.seen: list[str] = []
        self.instead: Answer | None = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.seen.append(f"{self.command} {self.path}")
                status, headers, content = owner.instead or owner.answer(self, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port

    @contextmanager
    def running(self) -> Iterator["GitServer"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """Let those in who have the token."""
        said = request.headers.get("Authorization", "")
        if self.token and said != "Basic " + base64.b64encode(self.token.encode()).decode():
            return 401, {"WWW-Authenticate": 'Basic realm="git"'}, b""
        return self._backend(request, body)

    def _backend(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        path, _, query = request.path.partition("?")
        env = {
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_NOSYSTEM": "1",
            "HOME": str(self.folder),
            "PATH": os.defpath,
        }
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=True, env=env)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return status, headers, content


@contextmanager
def silent_server(called: threading.Event) -> Iterator[int]:
    """Take connections, and never answer. Answers its port."""
    kept: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        while True:
            try:
                kept.append(listening.accept()[0])
            except OSError:
                return
            called.set()

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for each in kept:
            each.close()
