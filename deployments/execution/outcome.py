"""How a deploy ends, or pauses: each in one transaction that first makes sure the row is still ours."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from deployments import blaming, events
from deployments.endings import ended as ended_row
from deployments.execution.claiming import Claim, LostClaimError
from deployments.locking import database_time_in, lock, raise_fence
from deployments.models import CodeLocation, Deploy, Hold, PlatformWatch, Release
from deployments.states import DeployStatus, DeployStep, EventLevel

DONE_WITH: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None, "next_check_at": None}


def placed(claim: Claim, *, now: datetime, name: str) -> None:
    """Write down that the target holds this deploy now. Raises LostClaimError."""
    with transaction.atomic():
        location = lock(claim.location_id)
        deploy = Deploy.objects.get(pk=claim.deploy_id)
        follow_up = DeployStep.RELOAD if deploy.platform_asked else DeployStep.VERIFY
        if location.deployment.runs_command:
            follow_up = DeployStep.COMMAND
        claim.write(activated_at=now, step=follow_up, step_started_at=now, attempts=0)
        location.placed_deploy = deploy
        location.drift = ""
        location.checked_at = now
        location.save(update_fields=["placed_deploy", "drift", "checked_at"])
        events.record_step(deploy, "ACTIVATE", f"In place as {name}.", at=now)


def park(claim: Claim, *, wait: timedelta, **fields: Any) -> None:
    """Free the worker; the deploy is looked at again after the wait, by the database's clock. Raises LostClaimError."""
    claim.write(lease_owner="", lease_expires_at=None, next_check_at=database_time_in(wait), claims=0, **fields)


def succeed(claim: Claim, *, now: datetime, verified: bool | None, verification: str, learned: str = "") -> Deploy:
    """Make the deploy live. A rollback holds the location, and what was queued behind it is held. Raises LostClaimError.

    `learned` is the definitions digest that the release is known by from now on, if it was not known before.
    """
    with transaction.atomic():
        location = lock(claim.location_id)
        deploy = Deploy.objects.select_related("release").get(pk=claim.deploy_id)
        ended = claim.still_ours().update(
            status=DeployStatus.SUCCEEDED,
            finished_at=now,
            verified=verified,
            verified_at=now if verified else None,
            verification=verification[:500],
            live_seq=location.next_live_seq,
            previous=location.live_deploy,
            step="",
            **DONE_WITH,
        )
        if not ended:
            raise LostClaimError
        location.live_deploy = deploy
        location.next_live_seq += 1
        location.save(update_fields=["live_deploy", "next_live_seq"])
        if learned and deploy.release:
            Release.objects.filter(pk=deploy.release.pk).update(definitions_digest=learned)
        words = "Live." if verified is None else "Live, and verified."
        events.record_step(deploy, "OUTCOME", f"{words} {verification}".strip(), at=now)
        ended_row(deploy, now=now)
        if verified is not None:
            _look_soon(location, now)
        if deploy.is_rollback and deploy.release:
            blaming.lift(location, deploy.release.code_digest, by_name=deploy.actor_name, now=now)
            _hold(location, deploy, now)
    return deploy


def fail(
    claim: Claim,
    *,
    now: datetime,
    status: DeployStatus,
    code: str,
    detail: str,
    verified: bool | None = None,
    **more: Any,
) -> None:
    """End the deploy as FAILED (they said no) or ERRORED (we broke on the way). Raises LostClaimError."""
    with transaction.atomic():
        location = lock(claim.location_id)
        if not claim.still_ours().exists():
            raise LostClaimError
        _end(
            Deploy.objects.get(pk=claim.deploy_id),
            location,
            now,
            status,
            {"code": code, "detail": detail, **more},
            verified,
        )


def give_up(deploy: Deploy, location: CodeLocation, *, now: datetime) -> None:
    """End a deploy whose workers died again and again. The location is locked; its fence rises, so none comes back."""
    raise_fence(location)
    step = deploy.get_step_display()
    detail = (
        f"{deploy.claims} workers stopped while they carried this out, each at or after the step “{step}”. Retry it."
    )
    _end(
        deploy,
        location,
        now,
        DeployStatus.ERRORED,
        {"code": "stalled", "detail": detail, "step": deploy.step},
    )


def _end(
    deploy: Deploy,
    location: CodeLocation,
    now: datetime,
    status: DeployStatus,
    error: dict[str, Any],
    verified: bool | None = None,
) -> None:
    error.setdefault("step", deploy.step)
    Deploy.objects.filter(pk=deploy.pk, status=DeployStatus.RUNNING).update(
        status=status,
        finished_at=now,
        error=error,
        verified=verified,
        verification=error["detail"][:500],
        **DONE_WITH,
    )
    if deploy.is_rollback and deploy.activated_at is None:
        blaming.take_back(deploy, by_name="Lastgood", now=now)
    elif deploy.is_rollback and (verified is not False or error["code"] == "not_read"):
        # In place, and nobody could say whether it works: the next push must not undo it unseen.
        _hold(location, deploy, now)
    ended_row(deploy, now=now)
    if verified is not None:
        _look_soon(location, now)
    # What we want is what is there: nothing else is on its way.
    location.wanted_deploy = location.placed_deploy
    location.save(update_fields=["wanted_deploy"])
    events.record_step(deploy, "OUTCOME", error["detail"], at=now, level=EventLevel.ERROR)


def _look_soon(location: CodeLocation, now: datetime) -> None:
    """Have a platform that has just answered looked at now, if the observer had found it silent and waits."""
    # The operator's command restarts it, perhaps: pages must not call it unreachable for minutes after that.
    PlatformWatch.objects.filter(deployment=location.deployment_id, failures__gt=0, due_at__gt=now).update(due_at=now)


def _hold(location: CodeLocation, deploy: Deploy, now: datetime) -> None:
    reason = f"Rollback #{deploy.number} restored #{deploy.restores.number if deploy.restores else '?'}: {deploy.description}"
    held = Hold.objects.filter(code_location=location, released_at=None).first()
    if held is None:
        Hold.objects.create(
            code_location=location, deploy=deploy, reason=reason, created_at=now, created_by_name=deploy.actor_name
        )
    else:
        # A hold that would have ended by itself must not end what the rollback holds.
        held.reason, held.deploy, held.until = f"{held.reason}\n{reason}", deploy, None
        held.save(update_fields=["reason", "deploy", "until"])
    for waiting in location.deploys.queued().pushes():
        if Deploy.objects.filter(pk=waiting.pk, status=DeployStatus.QUEUED).update(status=DeployStatus.HELD):
            events.record_step(waiting, "HOLD", f"Held: rollback #{deploy.number} holds {location}.", at=now)
