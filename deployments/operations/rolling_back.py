"""Asking for a rollback: a deploy like any other, of a release that was in place before."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from deployments import blaming, events, tasks
from deployments.access import Right, require
from deployments.last_known_good import last_known_good, obstacle_to_restoring
from deployments.locking import lock
from deployments.models import CodeLocation, Deploy, Release
from deployments.operations.numbering import add_deploy
from deployments.states import ACTIVE, DeployKind, DeployStatus
from portal.common.problems import Absent, Invalid, Refusal

LAST_GOOD = "last-good"


class RollbackRefused(Refusal):
    """A rollback that is not begun: its code says why."""


def request_rollback(
    *,
    location: CodeLocation,
    to: int | str,
    description: str,
    actor: User,
    now: datetime,
    retry_of: Deploy | None = None,
) -> Deploy:
    """Queue a rollback to a deploy number or to "last-good", blaming the code that it leaves.

    Raises NotAllowed, Invalid, Absent, RollbackRefused (`busy`, `no_last_good`, `never_placed`, `artifact_gone` …).
    """
    require(actor, Right.ROLL_BACK, location.deployment)
    if not description.strip():
        raise Invalid("Say in a few words why: the description is what the others read.", code="description_missing")
    with transaction.atomic():
        location = lock(location.pk)
        _refuse_while_another(location)
        target = _target(location, to)
        assert target.release is not None  # nothing without a release can be restored
        _ask_for(target, target.release, now)
        rollback = add_deploy(
            location,
            actor=actor,
            now=now,
            kind=DeployKind.ROLLBACK,
            status=DeployStatus.QUEUED,
            description=description,
            release=target.release,
            restores=target,
            retry_of=retry_of,
        )
        blaming.blame_what_is_left(rollback, location, target.release, now=now)
        events.record_step(rollback, "QUEUE", f"Rollback to #{target.number} accepted.", at=now)
        tasks.enqueue(rollback)
    return rollback


def _refuse_while_another(location: CodeLocation) -> None:
    """One rollback on its way is enough; one that is in place already, and still being looked at, can be overtaken."""
    other = location.deploys.rollbacks().filter(status__in=ACTIVE, activated_at=None).first()
    if other is not None:
        raise RollbackRefused(
            f"Rollback #{other.number} of {location} is on its way: follow it, or cancel it first.",
            code="busy",
        )


def _target(location: CodeLocation, to: int | str) -> Deploy:
    if to == LAST_GOOD:
        found = last_known_good(location)
        if found is None:
            raise RollbackRefused(
                f"{location} has no last known good: no other deploy was live, verified, and is neither blamed nor purged. "
                "Choose a deploy by its number.",
                code="no_last_good",
            )
        return found
    target = Deploy.objects.with_places().filter(code_location=location, number=to).first()
    if target is None:
        raise Absent(f"{location} has no deploy #{to}.", code="unknown_deploy")
    if obstacle := obstacle_to_restoring(target):
        raise RollbackRefused(obstacle.detail, code=obstacle.code)
    return target


def _ask_for(target: Deploy, release: Release, now: datetime) -> None:
    # The same row that retention's conditional update looks at: of the two, one loses cleanly.
    if not Release.objects.filter(pk=release.pk, purged_at=None).update(asked_for_at=now):
        raise RollbackRefused(f"The files of #{target.number} have just been purged.", code="artifact_gone")
