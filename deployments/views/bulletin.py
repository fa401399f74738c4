"""The few lines about a rollback that somebody pastes where the others read along: plain text, nothing to look up."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from deployments.models import Deploy, Hold
from deployments.states import DeployStatus, RollbackScope
from deployments.views.moments import lasted
from deployments.views.rows import told

# Letters of what people, or a platform, said.
LONGEST = 300
SCOPES = {RollbackScope.CODE: ", code only", RollbackScope.SETTINGS: ", settings only"}


def bulletin(rollback: Deploy, *, left: Deploy | None, in_place: Deploy | None, hold: Hold | None) -> str:
    """Answer what happened, when, by whom and why, what is in place now, and where to read on."""
    return "\n".join(_lines(rollback, left, in_place, hold))


def _lines(rollback: Deploy, left: Deploy | None, in_place: Deploy | None, hold: Hold | None) -> Iterator[str]:
    yield _title(rollback, left)
    ended = rollback.finished_at
    took = lasted(rollback.started_at, ended)
    yield f"When: {_at(ended or rollback.created_at)}{f', took {took}' if took else ''}. By: {rollback.actor_name}."
    yield f"Why: {_short(rollback.description)}"
    if left is not None:
        yield f"Left: {_named(left)}"
    if rollback.restores is not None:
        yield f"Restored: {_named(rollback.restores)}"
    detail = _short(str((rollback.error or {}).get("detail", "")))
    if detail and rollback.status != DeployStatus.SUCCEEDED:
        yield f"What went wrong: {detail}"
    yield f"In place now: {_named(in_place)}" if in_place else "In place now: nothing."
    if hold is not None:
        yield "New pushes are held until somebody resumes."
    yield f"{settings.SITE_URL.rstrip('/')}{rollback.get_absolute_url()}"


def _title(rollback: Deploy, left: Deploy | None) -> str:
    assert rollback.restores is not None  # as every rollback's
    back = f"#{rollback.restores.number}{SCOPES.get(RollbackScope(rollback.scope or RollbackScope.ALL), '')}"
    since = f" from #{left.number}" if left is not None else ""
    status = rollback.get_status_display().lower()
    return f"{rollback.code_location}: rollback #{rollback.number}{since} to {back} {status}."


def _named(deploy: Deploy) -> str:
    commit = str(deploy.git.get("commit") or "")[:12]
    branch = str(deploy.git.get("branch") or "")[:100]
    source = f" (commit {commit}{f' on {branch}' if branch else ''})" if commit else ""
    words = _short(told(deploy))
    return f"#{deploy.number}{f' – {words}' if words else ''}{source}"


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _at(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
