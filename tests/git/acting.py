"""Setting a source up, looking at it, and telling of pushes as GitHub and GitLab do."""

import hashlib
import hmac
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from deployments import operations
from deployments.models import CodeLocation, Deploy, GitSource
from tests.factories import superuser
from tests.git.repositories import Repository

DAGS = {"dags/a.py": b"a = 1\n"}


def set_up(location: CodeLocation, repository: Repository, **said: Any) -> GitSource:
    """Have the location fetched from the repository's folder dags."""
    settings = operations.GitSettings(**{"url": repository.url, "folder": "dags"} | said)
    made = operations.set_source(location=location, settings=settings, actor=superuser(), now=timezone.now())
    return made.source


def look(source: GitSource, *, at: datetime | None = None) -> Deploy | None:
    """Look at the source, due or not, and answer the deploy that came of it."""
    GitSource.objects.filter(pk=source.pk, lease_expires_at=None).update(due_at=timezone.now() - timedelta(days=1))
    return operations.fetch_source(source.pk, clock=lambda: at or timezone.now())


def fresh(source: GitSource) -> GitSource:
    """Answer the source as it is now."""
    return GitSource.objects.select_related("code_location__deployment__organization", "last_deploy").get(pk=source.pk)


def code_of(source: GitSource) -> str | None:
    """Answer the code of the newest error."""
    error = fresh(source).error
    return error["code"] if error else None


def push_event(commit: str, *, branch: str = "main", **said: Any) -> dict[str, Any]:
    """Answer what both forges say of a push, as far as it matters."""
    return {"ref": f"refs/heads/{branch}", "before": "0" * 40, "after": commit, "deleted": False, **said}


def signature(secret: str, body: bytes) -> str:
    """Sign as GitHub does."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(source: GitSource, said: Any, *, event: str = "push", delivery: str | None = None, **headers: str) -> Any:
    """Tell as GitHub does. Names in `headers` replace its own."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    sent = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-Hub-Signature-256": signature(source.hook_secret, body),
    }
    return post(source.hook, body, sent | {name.replace("_", "-"): value for name, value in headers.items()})


def gitlab(source: GitSource, said: Any, *, delivery: str | None = None, **headers: str) -> Any:
    """Tell as GitLab does."""
    sent = {
        "X-Gitlab-Event": "Push Hook",
        "X-Gitlab-Event-UUID": delivery or str(uuid.uuid4()),
        "X-Gitlab-Token": source.hook_secret,
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return post(source.hook, json.dumps(said).encode(), sent)


def post(hook: str, body: bytes, headers: dict[str, str], content_type: str = "application/json") -> Any:
    """Post to a hook."""
    return Client().post(f"/api/v1/git-hooks/{hook}/", body, content_type=content_type, headers=headers)
