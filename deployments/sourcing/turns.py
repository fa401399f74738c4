"""Whose turn it is to be asked, and how it went. One worker at a time asks a source: whoever lost its lease writes nothing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Now

from deployments.locking import database_time_in
from deployments.models import Deploy, GitSource

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
LEASE, RENEWED_AFTER = timedelta(seconds=60), timedelta(seconds=15)
# After failures, and where nothing else says how often.
LONGEST_WAIT, USUAL_WAIT = timedelta(minutes=15), timedelta(seconds=60)
# A server may tell of a commit before all its machines have it.
LOOK_AGAIN = timedelta(seconds=20)
OUTDATED = "outdated"


class TurnLost(Exception):
    """The source was changed, paused or removed meanwhile, or is somebody else's to ask."""


def due_sources(*, now: datetime) -> list[int]:
    """Answer the Git sources that are to be asked now."""
    found = GitSource.objects.filter(_due(now), paused=False).order_by("due_at")
    return list(found.values_list("pk", flat=True))


def claim(source_id: int, *, clock: Clock) -> "Turn | None":
    """Take the source's turn, if it is due and nobody else has it."""
    now = clock()
    # Who announces a commit from here on makes it due again, and is not overlooked.
    mine = GitSource.objects.filter(_due(now), pk=source_id, paused=False)
    if not mine.update(lease_expires_at=database_time_in(LEASE), due_at=None):
        return None
    source = GitSource.objects.select_related("code_location__deployment__organization").filter(pk=source_id).first()
    if source is None or source.lease_expires_at is None:
        return None
    return Turn(source, source.lease_expires_at, clock, renewed_at=now)


@dataclass
class Turn:
    """One worker's turn with one source. `source` is as it was when the turn began."""

    source: GitSource
    lease: datetime
    clock: Clock
    renewed_at: datetime

    def keep(self) -> None:
        """Go on: call it now and then. Raises TurnLost."""
        if self.clock() - self.renewed_at < RENEWED_AFTER:
            return
        self._write(lease_expires_at=database_time_in(LEASE))
        lease = GitSource.objects.values_list("lease_expires_at", flat=True).filter(pk=self.source.pk).first()
        if lease is None:
            raise TurnLost
        self.lease, self.renewed_at = lease, self.clock()

    def nothing_new(self, head: str) -> None:
        """End the turn: the branch is where it was. Raises TurnLost."""
        source = self.source
        caught_up = is_outdated(source) and source.wanted_commit == head
        stays = None if source.failures or caught_up else source.error
        # Why the head is not deployed outweighs whatever is announced beside it.
        error = source.error if was_refused(source) else self._outdated(head) or stays
        self._end(error=error, failures=0)

    def deployed(self, deploy: Deploy, head: str) -> None:
        """End the turn: the head became a deploy. Call it in the deploy's transaction. Raises TurnLost."""
        self._end(error=self._outdated(head), failures=0, fetched_commit=head, last_deploy=deploy)

    def refused(self, head: str, *, code: str, detail: str) -> None:
        """End the turn: this commit will never become a deploy. Raises TurnLost."""
        logger.info("Git source %s: %s is refused (%s).", self.source.pk, head[:12], code)
        self._end(error={"code": code, "detail": detail}, failures=0, fetched_commit=head)

    def failed(self, *, code: str, detail: str) -> None:
        """End the turn: it did not work this time, and is tried again, ever later. Raises TurnLost."""
        source = self.source
        logger.info("Git source %s could not be fetched (%s).", source.pk, code)
        pause = timedelta(seconds=source.poll_seconds) or USUAL_WAIT
        wait = min(pause * 2 ** min(source.failures, 10), max(pause, LONGEST_WAIT))
        now = self.clock()
        # Of a commit that was refused the reason is overwritten here: it is found out again when the server is back.
        again = {"fetched_commit": ""} if was_refused(source) else {}
        self._write(
            **again,
            error={"code": code, "detail": detail},
            failures=source.failures + 1,
            asked_at=now,
            lease_expires_at=None,
            due_at=Coalesce(F("due_at"), Value(now + wait)),
        )

    def _end(self, **fields: Any) -> None:
        now, source = self.clock(), self.source
        pause = timedelta(seconds=source.poll_seconds) or None
        if self._outdated(fields.get("fetched_commit", source.fetched_commit)):
            pause = min(pause or LOOK_AGAIN, LOOK_AGAIN)
        seen = Case(When(wanted_commit=source.wanted_commit, then=Value("")), default=F("wanted_commit"))
        due = Coalesce(F("due_at"), Value(now + pause)) if pause else F("due_at")
        self._write(**fields, asked_at=now, lease_expires_at=None, wanted_commit=seen, due_at=due)

    def _write(self, **fields: Any) -> None:
        if not GitSource.objects.filter(pk=self.source.pk, lease_expires_at=self.lease).update(**fields):
            raise TurnLost

    def _outdated(self, head: str) -> dict[str, str] | None:
        wanted = self.source.wanted_commit
        if not wanted or wanted == head:
            return None
        detail = (
            f"{wanted[:12]} was announced, but {self.source.branch} is at {head[:12]}: only a branch's present head is "
            "deployed."
        )
        return {"code": OUTDATED, "detail": detail}


def is_outdated(source: GitSource) -> bool:
    """Say whether the newest word is that an announced commit was not the branch's head."""
    return isinstance(source.error, dict) and source.error.get("code") == OUTDATED


def was_refused(source: GitSource) -> bool:
    """Say whether the commit that was fetched last was refused for good."""
    return bool(source.error) and not source.failures and not is_outdated(source)


def _due(now: datetime) -> Q:
    # A worker that died left its turn behind.
    return Q(lease_expires_at=None, due_at__lte=now) | Q(lease_expires_at__lt=Now())
