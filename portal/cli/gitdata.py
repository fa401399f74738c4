"""The commit a deploy comes from, as the portal is told; nothing secret in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from urllib.parse import urlsplit, urlunsplit

LONGEST_MESSAGE = 250

_MOMENT = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
# git@host:owner/repository, which is no URL; the name before the @ is no secret.
_SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:[^\s:@]+")


@dataclass(frozen=True)
class GitData:
    """What is known; None where nobody says."""

    commit: str | None = None
    branch: str | None = None
    url: str | None = None
    author: str | None = None
    message: str | None = None
    # When it was committed, ISO 8601 with its time zone; from commit to live is what a team calls lead time.
    committed_at: str | None = None

    def __post_init__(self) -> None:
        # Commits may bear any time, and git writes it as it is: what is no usual time is not sent.
        if self.committed_at and not _MOMENT.fullmatch(self.committed_at):
            object.__setattr__(self, "committed_at", None)
        # A subject is the whole first paragraph, however long.
        if self.message and len(self.message) > LONGEST_MESSAGE:
            object.__setattr__(self, "message", self.message[: LONGEST_MESSAGE - 1] + "…")

    def known(self) -> dict[str, str]:
        """Return the fields that are known."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value}

    def describes_same(self, other: GitData) -> bool:
        """Say whether both speak of the same commit or, at least, of the same repository."""
        if self.commit and self.commit == other.commit:
            return True
        return bool(self.url and other.url) and _repository(self.url) == _repository(other.url)


def public_url(url: str | None) -> str | None:
    """Return a repository's address without user, password, query; None if it is no address for others."""
    if not url:
        return None
    if _SCP_LIKE.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", "ssh", "git") or not parts.hostname:
        return None
    # `git@` is the name of an account that everybody shares; any other may be a token.
    user = "git@" if parts.scheme == "ssh" and parts.username == "git" else ""
    return urlunsplit((parts.scheme, f"{user}{parts.hostname}{port}", parts.path, "", ""))


def _repository(url: str | None) -> str:
    """Reduce https://host/a/b.git, ssh://git@host/a/b and git@host:a/b to host/a/b."""
    bare = re.sub(r"^\w+://", "", url or "")
    bare = bare.rpartition("@")[2].replace(":", "/", 1)
    return bare.rstrip("/").removesuffix(".git").lower()
