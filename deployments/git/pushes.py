"""What GitHub, GitLab and their like say of a push: whether it is theirs, and which commit of which branch it names."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Compared with when there is nothing to compare with: an unknown hook takes as long as a known one.
_NOBODYS = "nobody knows this one"
LONGEST_NAME = 180


class UnreadablePush(Exception):
    """The body of a delivery that is signed is no push that could be understood."""


@dataclass(frozen=True)
class Delivery:
    """One delivery. `name` is the sender's for it; `branch` and `commit` are empty for what is no push to a branch."""

    name: str
    branch: str = ""
    commit: str = ""


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Say whether the body is signed with the secret, or comes with it. In constant time, and before anything is read."""
    key = (secret or _NOBODYS).encode()
    signature = headers.get("X-Hub-Signature-256", "")
    right = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    signed = hmac.compare_digest(signature.encode(errors="replace"), right.encode())
    token = headers.get("X-Gitlab-Token", "")
    told = hmac.compare_digest(hashlib.sha256(token.encode(errors="replace")).digest(), hashlib.sha256(key).digest())
    # A signature that is wrong is not made good by a token.
    return bool(secret) and (signed if signature else told)


def read(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Answer what the delivery says. Raises UnreadablePush."""
    name = headers.get("X-GitHub-Delivery") or headers.get("X-Gitlab-Event-UUID") or ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UnreadablePush("The delivery has no name: send X-GitHub-Delivery, or X-Gitlab-Event-UUID.")
    event = headers.get("X-GitHub-Event") or headers.get("X-Gitlab-Event") or ""
    if event not in {"push", "Push Hook"}:
        return Delivery(name)
    said = _payload(headers, body)
    ref, commit = said.get("ref"), said.get("after")
    if not isinstance(ref, str) or not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise UnreadablePush("The push names no ref and no commit.")
    # A branch that was deleted is told as one that is at no commit.
    if not ref.startswith("refs/heads/") or not commit.strip("0"):
        return Delivery(name)
    return Delivery(name, ref.removeprefix("refs/heads/"), commit)


def _payload(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, max_num_fields=10)["payload"][0]
        said = json.loads(text)
    except (ValueError, KeyError, RecursionError) as odd:
        raise UnreadablePush("The body is no JSON.") from odd
    if not isinstance(said, dict):
        raise UnreadablePush("The body is no push.")
    return said
