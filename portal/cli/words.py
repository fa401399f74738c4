"""The words and marks by which a person recognises statuses, kinds and errors."""

from __future__ import annotations

import re
from typing import Any

from rich.text import Text

from .api import Document
from .dates import seconds_between
from .terminal import clean, text

LIVE = "●"
_STATUSES = {
    "HELD": ("‖", "yellow"),
    "QUEUED": ("…", "cyan"),
    "RUNNING": ("▸", "cyan"),
    "SUCCEEDED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "ERRORED": ("!", "red"),
    "CANCELED": ("⊘", "bright_black"),
    "SUPERSEDED": ("»", "bright_black"),
}
_KINDS = {"dags": "DAGs", "image_and_dags": "image + DAGs", "dbt": "dbt project", "git": "Git"}


def status(deploy: Document) -> Text:
    """Return mark and word of the deploy's status; success and proof are two facts."""
    stored = str(deploy.get("status") or "")
    mark, style = _STATUSES.get(stored, ("?", ""))
    word = f"{mark} {stored.capitalize() or 'Unknown'}"
    if stored == "SUCCEEDED" and deploy.get("verified") is not True:
        word += ", not verified"
    return text(word, style)


def kind(deploy: Document) -> Text:
    """Return the kind of deploy, and for a rollback what it restores."""
    stored = str(deploy.get("kind") or "")
    if stored == "rollback" and deploy.get("restores") is not None:
        only = {"code": ", code only", "settings": ", settings only"}.get(str(deploy.get("scope") or ""), "")
        return text(f"rollback to #{deploy['restores']}{only}")
    return text(_KINDS.get(stored, stored))


def unspoken(deploy: Document) -> str:
    """Say what a deploy is that nobody described."""
    if deploy.get("kind") != "observed":
        return ""
    return (
        "loaded by somebody else" if deploy.get("status") == "SUCCEEDED" else "failed to load, by somebody else's doing"
    )


def actor(deploy: Document) -> str:
    """Return who did it."""
    who = deploy.get("actor")
    return clean(who.get("name") if isinstance(who, dict) else who)


def commit(deploy: Document, *, length: int | None = None) -> str:
    """Return the commit, shortened if asked."""
    git = deploy.get("git")
    return clean(git.get("commit") if isinstance(git, dict) else None)[:length]


def verification(deploy: Document) -> str:
    """Say whether the platform confirmed the deploy, and if not, why."""
    if deploy.get("verified") is True:
        return "verified"
    # The portal's own sentence may begin with the same words.
    why = re.sub(r"^not verified:?\s*", "", clean(deploy.get("verification")), flags=re.IGNORECASE).rstrip(".")
    return f"not verified: {why}" if why else "not verified"


def duration(deploy: Document) -> str:
    """Say how long it took, once it has ended."""
    start = deploy.get("started_at") or deploy.get("created_at")
    seconds = seconds_between(start, deploy.get("finished_at"))
    return "" if seconds is None else f"{seconds:.1f} s"


def fault(error: Any) -> list[str]:
    """Return the lines of an error: what happened, its code, and what the platform said."""
    if not isinstance(error, dict):
        return str(error).splitlines() if error else []
    said = str(error.get("detail") or error.get("message") or error.get("title") or "It failed.")
    first, *more = said.splitlines() or ["It failed."]
    where = f"{error['step']}: " if error.get("step") else ""
    code = f" ({error['code']})" if error.get("code") else ""
    return [f"{where}{first}{code}", *more]


def last_good(location: Document) -> str:
    """Return the number of the last known good deploy, or nothing."""
    found = location.get("last_good")
    return number(found.get("number") if isinstance(found, dict) else found)


def number(value: Any) -> str:
    """Return a deploy's number as it is spoken, or a dash."""
    found = value.get("number") if isinstance(value, dict) else value
    return "–" if found is None else f"#{clean(found)}"
