"""A client with a bearer token, and what answers must look like."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from deployments.models import Token
from tests.factories import manifest_of

BASE = "/api/v1"
PLACE = f"{BASE}/organizations/acme/deployments/production"
LOCATION = f"{PLACE}/code-locations/shop"


def make_token(user: User, **said: Any) -> str:
    """Make a token and answer what its owner keeps."""
    return str(Token.objects.create(user=user, **{"expiry": timedelta(days=1), "name": "test"} | said)[1])


class Api:
    """Somebody's client. Paths that begin with a slash are whole; others lie below the code location."""

    def __init__(self, user: User | None = None, *, token: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.token = make_token(user) if user else token

    def ask(self, method: str, path: str, body: Any = None, **said: Any) -> HttpResponse:
        """Ask, with JSON unless bytes are given, and headers beside."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token is not None else {}
        headers |= said.pop("headers", {})
        data = body if isinstance(body, bytes) else json.dumps(body) if body is not None else b""
        kind = said.pop("content_type", "application/json")
        where = path if path.startswith("/") else f"{LOCATION}/{path}"
        return self.client.generic(method, where, data, content_type=kind, headers=headers, **said)

    def get(self, path: str = "", /, **query: Any) -> HttpResponse:
        """Read."""
        return self.ask("GET", path, query_params=query)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> HttpResponse:
        """Write, with an Idempotency-Key if one is given."""
        return self.ask("POST", path, body, headers={"Idempotency-Key": key} if key is not None else {})

    def upload(self, files: dict[str, bytes], organization: str = "acme") -> str:
        """Upload a tree, and answer its digest."""
        made = answered(self.post(f"{BASE}/bundles/", {"organization": organization, "files": manifest_of(files)}), 200)
        by_name = {hashlib.sha256(content).hexdigest(): content for content in files.values()}
        for sha256 in made["missing"]:
            sent = self.ask(
                "PUT", f"{BASE}/blobs/{sha256}", by_name[sha256], query_params={"organization": organization}
            )
            assert sent.status_code == 204, sent.content
        return str(made["digest"])

    def push(self, files: dict[str, bytes], **said: Any) -> HttpResponse:
        """Upload a tree and push it."""
        key = said.pop("key", None)
        return self.post("deploys/", {"bundles": {"dags": self.upload(files)}} | said, key=key)


def answered(response: HttpResponse, status: int) -> Any:
    """Answer the JSON of an answer of this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    return response.json()


def refused(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Answer the problem document of a refusal."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json", response["Content-Type"]
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code), body
    assert body["title"]
    assert body["detail"].strip().endswith((".", "?", ")")) or body.get("errors"), body
    assert set(body) <= {"type", "title", "status", "code", "detail", "errors"}
    for error in body.get("errors", []):
        assert {"field", "detail"} <= set(error) <= {"field", "detail", "code", "link"}
    return body
