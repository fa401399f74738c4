"""Asking for a rollback: a deploy like any other, of a release that was in place before."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from deployments import blaming, composition, events, planning, tasks
from deployments.access import Right, require
from deployments.barriers import Barrier
from deployments.last_known_good import last_known_good, obstacle_to_restoring
from deployments.locking import find, lock
from deployments.models import CodeLocation, Deploy, Release
from deployments.operations.numbering import add_deploy
from deployments.states import ACTIVE, DeployKind, DeployStatus, RollbackScope
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
    scope: str = RollbackScope.ALL,
    plan_etag: str = "",
    acknowledged: Iterable[str] = (),
    retry_of: Deploy | None = None,
) -> Deploy:
    """Queue a rollback to a deploy number or to "last-good", blaming the code that it leaves.

    `plan_etag` names the plan that was read: it runs only if nothing moved since. `acknowledged`: names of soft barriers.
    Raises NotAllowed, Invalid, Absent, RollbackRefused (`busy`, `no_last_good`, `never_placed`, `artifact_gone`,
    `plan_outdated`, `barrier`, `acknowledgement_missing` …).
    """
    require(actor, Right.ROLL_BACK, location.deployment)
    if not description.strip():
        raise Invalid("Say in a few words why: the description is what the others read.", code="description_missing")
    with transaction.atomic():
        location = lock(location.pk)
        _refuse_while_another(location)
        target = find_target(location, to)
        assert target.release is not None  # nothing without a release can be restored
        plan = planning.plan_rollback(location, target, scope)
        _refuse_outdated(plan, plan_etag)
        _refuse_obstacles(plan, set(acknowledged))
        _ask_for(target, target.release, now)
        release = composition.release_of(location, plan.composed) if plan.is_composed else target.release
        rollback = add_deploy(
            location,
            actor=actor,
            now=now,
            kind=DeployKind.ROLLBACK,
            status=DeployStatus.QUEUED,
            description=description,
            release=release,
            restores=target,
            scope=plan.scope,
            acknowledged=plan.to_acknowledge,
            retry_of=retry_of,
        )
        blaming.blame_what_is_left(rollback, location, release, now=now)
        events.record_step(rollback, "QUEUE", _accepted(rollback, target), at=now)
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


def find_target(location: CodeLocation, to: int | str) -> Deploy:
    """Answer the deploy to restore, its places loaded. Raises Absent, RollbackRefused."""
    rows = Deploy.objects.with_places()
    if to == LAST_GOOD:
        found = last_known_good(location)
        if found is None:
            raise RollbackRefused(
                f"{location} has no last known good: no other deploy was live, verified, and is neither blamed nor purged. "
                "Choose a deploy by its number.",
                code="no_last_good",
            )
        return rows.get(pk=found.pk)
    target = rows.filter(code_location=location, number=to).first()
    if target is None:
        raise Absent(f"{location} has no deploy #{to}.", code="unknown_deploy")
    if obstacle := obstacle_to_restoring(target):
        raise RollbackRefused(obstacle.detail, code=obstacle.code)
    return target


def plan_of(*, location: CodeLocation, to: int | str, scope: str, actor: User) -> planning.Plan:
    """Answer what a rollback would do now, writing nothing. Raises NotAllowed, Absent, RollbackRefused `no_last_good` …."""
    require(actor, Right.ROLL_BACK, location.deployment)
    location = find(location.pk)
    return planning.plan_rollback(location, find_target(location, to), scope)


def _accepted(rollback: Deploy, target: Deploy) -> str:
    what = {RollbackScope.CODE: ", code only,", RollbackScope.SETTINGS: ", settings only,"}
    said = f"Rollback to #{target.number}{what.get(RollbackScope(rollback.scope), '')} accepted."
    return f"{said} Acknowledged: {', '.join(rollback.acknowledged)}." if rollback.acknowledged else said


def _refuse_outdated(plan: planning.Plan, plan_etag: str) -> None:
    if plan_etag and plan_etag != plan.etag:
        link = f"{plan.location.get_absolute_url()}rollback/?to={plan.target.number}&scope={plan.scope}"
        raise RollbackRefused(
            f"Since that plan was made, {plan.location} moved, or what stands in the way did: read the new plan, then confirm "
            "again.",
            code="plan_outdated",
            errors=[{"field": "plan_etag", "detail": "This is not the plan of now any more.", "link": link}],
        )


def _refuse_obstacles(plan: planning.Plan, acknowledged: set[str]) -> None:
    """Refuse what cannot be, and what nobody acknowledged. The same rules for page, API and command line."""
    if plan.obstacle is not None:
        raise RollbackRefused(plan.obstacle.detail, code=plan.obstacle.code)
    hard = [barrier for barrier in plan.barriers if barrier.is_hard]
    if hard:
        raise RollbackRefused(_told(hard), code="barrier", errors=_each(hard))
    left = [barrier for barrier in plan.barriers if barrier.name not in acknowledged]
    if left:
        names = ", ".join(barrier.name for barrier in left)
        raise RollbackRefused(
            f"{_told(left)} If that is meant, acknowledge it by name: {names}.",
            code="acknowledgement_missing",
            errors=_each(left),
        )


def _told(found: list[Barrier]) -> str:
    return " ".join(f"{barrier.title}: {barrier.detail} {barrier.advice}" for barrier in found)


def _each(found: list[Barrier]) -> list[dict[str, str]]:
    return [{"field": "acknowledge", "code": each.name, "detail": f"{each.title}. {each.advice}"} for each in found]


def _ask_for(target: Deploy, release: Release, now: datetime) -> None:
    # The same row that retention's conditional update looks at: of the two, one loses cleanly.
    if not Release.objects.filter(pk=release.pk, purged_at=None).update(asked_for_at=now):
        raise RollbackRefused(f"The files of #{target.number} have just been purged.", code="artifact_gone")
