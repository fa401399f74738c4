"""Histories made row by row, with times that a test names: nothing is carried out."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from deployments.delivery import Ended
from deployments.models import Blame, CodeLocation, Deploy, Release
from deployments.states import ActorKind, DeployKind, DeployStatus

NOON = datetime.fromisoformat("2026-11-18T12:00:00+00:00")  # a Wednesday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def plain(number: int, status: str = "SUCCEEDED", *, at: float | None = None, **said: Any) -> Ended:
    """Answer a push that ended at so many seconds, and was put in place a second before; live in the order of its number."""
    at = 100.0 * number if at is None else at
    row = {
        "location": 1,
        "kind": "dags",
        "placed": at - 1,
        "seq": number if status == "SUCCEEDED" else None,
        "release": number,
        "code": f"code-{said.get('release', number)}",
    }
    return Ended(number=number, status=status, at=at, **row | said)


class History:
    """The history of one code location, that grows by one deploy at a time."""

    def __init__(self, location: CodeLocation) -> None:
        self.location = location

    def push(self, at: datetime = NOON, status: str = "SUCCEEDED", *, code: str = "", **said: Any) -> Deploy:
        """Add a push that ended then: `committed` is how long before, `placed` too; None of either: it was not."""
        return self._add(at, status, code=code, **{"kind": DeployKind.DAGS} | said)

    def observe(self, at: datetime = NOON, status: str = "SUCCEEDED", *, code: str = "") -> Deploy:
        """Add a deploy that nobody told us about."""
        return self._add(at, status, code=code, kind=DeployKind.OBSERVED, placed=None)

    def roll_back(self, at: datetime, to: Deploy, *, status: str = "SUCCEEDED", lifted: bool = False) -> Deploy:
        """Add a rollback; the code that was in place before is blamed, unless it is the same."""
        in_place = Q(activated_at__isnull=False) | Q(kind=DeployKind.OBSERVED)
        left = self.location.deploys.filter(in_place).order_by("-number").first()
        made = self._add(at, status, kind=DeployKind.ROLLBACK, release=to.release, restores=to)
        if left.release.code_digest != made.release.code_digest:
            self.blame(left, made, lifted=lifted)
        return made

    def blame(self, left: Deploy, by: Deploy, *, lifted: bool = False) -> None:
        """Blame a deploy's code."""
        Blame.objects.create(
            code_location=self.location,
            code_digest=left.release.code_digest,
            blamed_by=by,
            created_at=by.created_at,
            lifted_at=by.finished_at if lifted else None,
        )

    def _add(
        self,
        at: datetime,
        status: str,
        *,
        placed: timedelta | None = timedelta(),
        committed: timedelta | None = None,
        code: str = "",
        release: Release | None = None,
        **fields: Any,
    ) -> Deploy:
        number = self.location.deploys.count() + 1
        lived = self.location.deploys.went_live()
        fields.setdefault("live_seq", lived.count() + 1 if status == DeployStatus.SUCCEEDED else None)
        if committed is not None:
            fields["git"] = {"committed_at": (at - committed).isoformat()}
        return Deploy.objects.create(
            code_location=self.location,
            number=number,
            status=status,
            actor_name="ci",
            actor_kind=ActorKind.SERVICE_ACCOUNT,
            release=release or self._release(code or f"code-{number}", number),
            previous=lived.first(),
            created_at=at,
            started_at=at,
            activated_at=None if placed is None else at - placed,
            finished_at=at if status not in {"HELD", "QUEUED", "RUNNING"} else None,
            **fields,
        )

    def _release(self, code: str, number: int) -> Release:
        return Release.objects.create(code_location=self.location, digest=f"{number:064x}", code_digest=code)
