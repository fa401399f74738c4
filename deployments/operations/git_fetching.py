"""Looking at a branch, and deploying its head if it is new: in nobody's name, as whoever set the source up may."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from deployments import events, sourcing
from deployments.commits import moment_as_text, without_credentials
from deployments.git.base import GitRefused, GitUnreachable
from deployments.models import Deploy, GitSource
from deployments.operations.deploying import Push, store_push
from deployments.sourcing import Turn, TurnLost
from deployments.sourcing.reading import Head
from deployments.states import DeployKind, EventLevel
from portal.common.problems import Refusal

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# What an operator mends: the commit is all right, and is tried again.
PASSING = {"over_quota", "store_full", "host_not_allowed"}
LONGEST_LINE, MOST_NAMED = 200, 20


def fetch_source(source_id: int, *, clock: Clock) -> Deploy | None:
    """Ask the branch, if it is due and nobody else asks, and deploy its head if that is new.

    Harmless to call at any time and any number of times: a head becomes one deploy. Call it outside a transaction.
    """
    turn = sourcing.claim(source_id, clock=clock)
    if turn is None:
        return None
    try:
        return _look(turn, clock)
    except TurnLost:
        logger.info("Git source %s was changed, or taken over, while it was fetched.", source_id)
    except (GitUnreachable, GitRefused, Refusal) as silent:
        _failed(turn, silent.code, str(silent))
    except Exception:
        logger.exception("Git source %s could not be fetched.", source_id)
        _failed(turn, "internal_error", "The portal broke while it fetched; its log says how.")
    return None


def _look(turn: Turn, clock: Clock) -> Deploy | None:
    head = sourcing.head_of(turn)
    if head == turn.source.fetched_commit:
        turn.nothing_new(head)
        return None
    try:
        found = sourcing.read_head(turn, like=head, now=clock())
        head = found.commit.name
        if head == turn.source.fetched_commit:
            turn.nothing_new(head)
            return None
        return _deploy(turn, found, clock())
    except (GitRefused, Refusal) as refused:
        if refused.code in PASSING:
            raise
        turn.refused(head, code=refused.code, detail=str(refused))
    return None


def _deploy(turn: Turn, found: Head, now: datetime) -> Deploy:
    source = turn.source
    with transaction.atomic():
        deploy = store_push(location=source.code_location, push=_push(source, found), actor=None, now=now)
        if found.submodules:
            events.record(deploy, _left_out(found.submodules), at=now, level=EventLevel.WARNING)
        # Whose turn is over finds out here, and nothing of this was. After the location's lock, as everybody takes them.
        turn.deployed(deploy, found.commit.name)
    return deploy


def _push(source: GitSource, found: Head) -> Push:
    commit = found.commit
    git = {
        "commit": commit.name,
        "url": without_credentials(source.url),
        "branch": source.branch,
        "author": commit.author,
        "message": commit.message,
        "committed_at": moment_as_text(commit.at) if commit.at else "",
    }
    metadata = {"submodules_left_out": list(found.submodules[:MOST_NAMED])} if found.submodules else {}
    return Push(
        parts={"bundles": {source.mount: found.bundle.digest}},
        description=commit.message.partition("\n")[0][:LONGEST_LINE],
        git={name: value for name, value in git.items() if value},
        metadata=metadata,
        kind=DeployKind.GIT,
    )


def _left_out(submodules: tuple[str, ...]) -> str:
    named = ", ".join(submodules[:MOST_NAMED])
    more = f" and {len(submodules) - MOST_NAMED} more" if len(submodules) > MOST_NAMED else ""
    return f"Submodules are not fetched: {named}{more} will be missing."


def _failed(turn: Turn, code: str, detail: str) -> None:
    try:
        turn.failed(code=code, detail=detail)
    except TurnLost:
        logger.info("Git source %s was changed, or taken over, while it was fetched.", turn.source.pk)
