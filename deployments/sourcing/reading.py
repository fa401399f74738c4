"""The repository's side of a turn: its head, and the files of that in the store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.conf import settings

from deployments.bundles.taking import Offered, take
from deployments.git import fetching, running
from deployments.git.base import Commit, Fetched, Limits, Remote, Surroundings
from deployments.hosts import git_address
from deployments.models import Bundle, GitSource
from deployments.sourcing.turns import Turn

ABANDONED = timedelta(days=1)


@dataclass(frozen=True)
class Head:
    """What the branch's head was when it was read: the commit, the files in the store, and what was left out."""

    commit: Commit
    bundle: Bundle
    submodules: tuple[str, ...]


def head_of(turn: Turn) -> str:
    """Answer the commit that the branch is at. Raises Invalid, GitRefused, GitUnreachable, TurnLost."""
    return fetching.head_of(_remote(turn.source), _surroundings(turn))


def read_head(turn: Turn, *, like: str, now: datetime) -> Head:
    """Fetch the branch's head and store its folder's files. `like` is any commit of the repository.

    Raises Invalid, TooLarge, StoreFull, GitRefused, GitUnreachable, TurnLost.
    """
    with fetching.fetch(_remote(turn.source), _surroundings(turn), like=like) as fetched:
        organization = turn.source.code_location.deployment.organization
        bundle = take(organization=organization, files=_offered(fetched), now=now)
    return Head(fetched.commit, bundle, fetched.submodules)


def sweep(*, now: datetime) -> int:
    """Remove the folders that killed workers left behind, and answer how many those were."""
    return running.sweep(_folder(), older_than=(now - ABANDONED).timestamp())


def _offered(fetched: Fetched) -> list[Offered]:
    return [Offered(file.path, file.executable, partial(fetched.open, file)) for file in fetched.files]


def _remote(source: GitSource) -> Remote:
    # Again, whenever it is used: the operator's list may have changed.
    git_address(source.url)
    return Remote(
        url=source.url,
        branch=source.branch,
        folder=source.folder,
        token=source.token,
        deploy_key=source.deploy_key,
        known_hosts=source.known_hosts,
        protocols=tuple(settings.LASTGOOD_GIT_PROTOCOLS),
    )


def _surroundings(turn: Turn) -> Surroundings:
    limits = Limits(
        patience=settings.LASTGOOD_GIT_PATIENCE.total_seconds(),
        fetched_bytes=settings.LASTGOOD_GIT_MAX_BYTES,
        files=settings.LASTGOOD_MAX_FILES,
        file_bytes=settings.LASTGOOD_MAX_FILE_BYTES,
        bundle_bytes=settings.LASTGOOD_MAX_BUNDLE_BYTES,
    )
    alive: Callable[[], None] = turn.keep
    return Surroundings(_folder(), limits, alive)


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spool"
