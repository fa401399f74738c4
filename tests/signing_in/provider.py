"""A small OpenID Connect provider: it signs with a key of its own, and says of people what the test tells it."""

import base64
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "lastgood", "s3cr3t-0f-the-cl13nt"


class Provider:
    """Runs while it is entered. `person` is who signs in; `issuer_said` is what it calls itself in its tokens."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.person: dict[str, Any] = {"sub": "1", "preferred_username": "nora", "email": "nora@example.com"}
        self.person |= {"email_verified": True, "name": "Nora Noor"}
        self.codes: dict[str, dict[str, str]] = {}
        self.document: dict[str, Any] = {}
        self.issuer_said = ""
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def described(self) -> dict[str, Any]:
        """Answer what it tells of itself."""
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        ends |= {"userinfo_endpoint": "userinfo", "jwks_uri": "keys"}
        return {"issuer": self.issuer} | {name: f"{self.issuer}/{end}" for name, end in ends.items()} | self.document

    def authorize(self, address: str) -> str:
        """Let the person of the moment sign in, as a browser at this address would; answer where it is sent back to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["client_id"] == CLIENT
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, body: str) -> dict[str, Any] | None:
        """Exchange a code; None for one that was not given, or whose secret is not the client's."""
        said = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.codes.pop(said.get("code", ""), None)
        if asked is None or said.get("client_secret") != SECRET or "code_verifier" not in said:
            return None
        now = int(time.time())
        claims = self.person | {"iss": self.issuer_said or self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60}
        signed = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k"})
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": signed}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                answers = {"/.well-known/openid-configuration": provider.described, "/userinfo": provider.person}
                answers["/keys"] = {"keys": [public_key(provider.key)]}
                self._answer(answers.get(self.path))

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(provider.token(body) if self.path == "/token" else None)

            def _answer(self, said: Any) -> None:
                self.send_response(200 if said else 400)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(said or {"error": "invalid_request"}).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def public_key(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """Answer the key that others check signatures with."""
    numbers = key.public_key().public_numbers()
    n, e = (
        base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
        for number in (numbers.n, numbers.e)
    )
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k", "n": n, "e": e}
