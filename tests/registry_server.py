"""A small image registry, in memory: manifests, tags that move, basic authentication or tokens."""

import base64
import hashlib
import json
import re
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MANIFEST_PATH = re.compile(r"/v2/(?P<repository>[a-z0-9/._-]+)/manifests/(?P<which>[A-Za-z0-9._:-]+)")


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]  # names in small letters


@dataclass(frozen=True)
class Told:
    """One answer. `chunks`, if given, are sent one by one and may block in between."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: Callable[[], Iterator[bytes]] | None = None


def manifest(word: str = "one") -> bytes:
    """Answer the bytes of a small manifest, different for each word."""
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "annotations": {"word": word}}).encode()


class RegistryServer:
    """The registry. `login` is user and password; with `tokens` they are for the token server, not for itself.

    `instead`, if set, may answer in its place (None: it answers itself). `realm` may name another token server,
    `tells_digest` False withholds the header, `spoil` changes manifests on their way out.
    """

    def __init__(
        self, *, login: tuple[str, str] | None = None, tokens: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self.login = login
        self.tokens = tokens
        self.requests: list[Asked] = []
        self.given_tokens: set[str] = set()
        self.instead: Callable[[Asked], Told | None] | None = None
        self.tells_digest = True
        self.spoil: Callable[[bytes], bytes] = bytes
        self.stopping = threading.Event()
        self._tags: dict[tuple[str, str], str] = {}
        self._manifests: dict[tuple[str, str], bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.realm = f"{'https' if tls else 'http'}://{self.host}/token"

    @property
    def host(self) -> str:
        """Host and port, as they stand in an image's name."""
        return f"127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["RegistryServer"]:
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

    def push(self, repository: str, tag: str, content: bytes) -> str:
        """Keep a manifest and let the tag lead to it. Answers its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._manifests[repository, digest] = content
        self._tags[repository, tag] = digest
        return digest

    def delete(self, repository: str, digest: str) -> None:
        """Forget a manifest, and the tags that lead to it."""
        del self._manifests[repository, digest]
        self._tags = {key: led for key, led in self._tags.items() if (key[0], led) != (repository, digest)}

    def answer(self, asked: Asked) -> Told:
        """Answer as a registry does."""
        self.requests.append(asked)
        if self.instead and (told := self.instead(asked)):
            return told
        path = urlsplit(asked.path).path
        if path == "/token":
            return self._token(asked)
        found = MANIFEST_PATH.fullmatch(path)
        if not found:
            return _error(404, "NOT_FOUND")
        repository = found["repository"]
        if not self._may(asked, repository):
            return self._unauthorized(repository)
        return self._manifest(asked, repository, found["which"])

    def _manifest(self, asked: Asked, repository: str, which: str) -> Told:
        if not any(known == repository for known, _ in self._manifests):
            return _error(404, "NAME_UNKNOWN")
        digest = which if ":" in which else self._tags.get((repository, which), "")
        content = self._manifests.get((repository, digest))
        # As real ones do: what the client cannot read is not there for it.
        if content is None or OCI_MANIFEST not in asked.headers.get("accept", ""):
            return _error(404, "MANIFEST_UNKNOWN")
        headers = {"Content-Type": OCI_MANIFEST}
        if self.tells_digest:
            headers["Docker-Content-Digest"] = digest
        return Told(200, headers, self.spoil(content))

    # Who may

    def _may(self, asked: Asked, repository: str) -> bool:
        authorization = asked.headers.get("authorization", "")
        if self.tokens:
            token = authorization.removeprefix("Bearer ")
            return token in self.given_tokens and token.startswith(_stamp(_scope(repository)))
        return self.login is None or authorization == _basic(self.login)

    def _challenge(self, repository: str) -> str:
        if self.tokens:
            return f'Bearer realm="{self.realm}",service="test registry",scope="{_scope(repository)}"'
        return 'Basic realm="test registry, of our own"'

    def _unauthorized(self, repository: str) -> Told:
        told = _error(401, "UNAUTHORIZED")
        return Told(401, {**told.headers, "WWW-Authenticate": self._challenge(repository)}, told.body)

    def _token(self, asked: Asked) -> Told:
        if self.login and asked.headers.get("authorization") != _basic(self.login):
            return _error(401, "UNAUTHORIZED")
        query = parse_qs(urlsplit(asked.path).query)
        if query.get("service") != ["test registry"] or len(query.get("scope", [])) != 1:
            return _error(400, "BAD_REQUEST")
        token = _stamp(query["scope"][0]) + secrets.token_urlsafe(24)
        self.given_tokens.add(token)
        return Told(200, {"Content-Type": "application/json"}, json.dumps({"token": token}).encode())


def _handler(registry: RegistryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = registry.answer(Asked(self.command, self.path, headers))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            if told.chunks is None:
                self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            try:
                for chunk in told.chunks() if told.chunks else [told.body]:
                    self.wfile.write(chunk)
            except OSError:
                pass  # the client had enough
            self.close_connection = told.chunks is not None or self.close_connection

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _scope(repository: str) -> str:
    return f"repository:{repository}:pull"


def _stamp(scope: str) -> str:
    return hashlib.sha256(scope.encode()).hexdigest() + "."


def _basic(login: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"


def _error(status: int, code: str) -> Told:
    body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
    return Told(status, {"Content-Type": "application/json"}, body)
