"""Holding a code location, and letting go."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from deployments import composition, events, tasks
from deployments.access import Right, name_of, require
from deployments.locking import lock
from deployments.models import Bundle, CodeLocation, Deploy, Hold
from deployments.operations.deploying import supersede
from deployments.states import DeployStatus
from portal.common.problems import Invalid, Refusal


class HoldRefused(Refusal):
    """A hold or a resume that makes no sense now: its code says why."""


def hold(*, location: CodeLocation, reason: str, actor: User, now: datetime, until: datetime | None = None) -> Hold:
    """Store new pushes without activating them, until resumed or until a time. Raises NotAllowed, Invalid, HoldRefused."""
    require(actor, Right.ROLL_BACK, location.deployment)
    if not reason.strip():
        raise Invalid("Say why it is held: the reason is what everybody else reads.", code="reason_missing")
    if until is not None and until <= now:
        raise Invalid(f"{until.isoformat()} is over already: name a time to come, or none.", code="until_is_past")
    with transaction.atomic():
        location = lock(location.pk)
        if Hold.objects.filter(code_location=location, released_at=None).exists():
            raise HoldRefused(f"{location} is held already.", code="held")
        held = Hold.objects.create(
            code_location=location,
            reason=reason,
            until=until,
            created_at=now,
            created_by_name=name_of(actor),
        )
        for waiting in location.deploys.queued().pushes():
            if Deploy.objects.filter(pk=waiting.pk, status=DeployStatus.QUEUED).update(status=DeployStatus.HELD):
                events.record_step(waiting, "HOLD", f"Held: {reason}", at=now)
    return held


def resume(*, location: CodeLocation, actor: User, now: datetime) -> Deploy | None:
    """Lift the hold, and activate, part by part, the newest that was held. Answers that deploy, or None.

    Raises NotAllowed, HoldRefused `not_held`.
    """
    require(actor, Right.ROLL_BACK, location.deployment)
    with transaction.atomic():
        location = lock(location.pk)
        held = Hold.objects.filter(code_location=location, released_at=None).first()
        if held is None:
            raise HoldRefused(f"{location} is not held.", code="not_held")
        return _lift(held, location, by=name_of(actor), now=now)


def lift_expired(*, held: Hold, now: datetime) -> Deploy | None:
    """Lift a hold whose time is over, in nobody's name but ours. Answers the deploy that this activates, or None."""
    with transaction.atomic():
        location = lock(held.code_location_id)
        current = Hold.objects.filter(pk=held.pk, released_at=None, until__lte=now).first()
        return _lift(current, location, by="Lastgood", now=now) if current else None


def _lift(held: Hold, location: CodeLocation, *, by: str, now: datetime) -> Deploy | None:
    Hold.objects.filter(pk=held.pk, released_at=None).update(released_at=now, released_by_name=by)
    waiting = list(location.deploys.held().order_by("number"))
    if not waiting:
        return None
    *older, newest = waiting
    _carry(newest, older)
    for each in older:
        supersede(
            each,
            by=newest,
            now=now,
            detail=f"Resumed as #{newest.number}, which carries what this one brought.",
        )
    Deploy.objects.filter(pk=newest.pk, status=DeployStatus.HELD).update(
        status=DeployStatus.QUEUED, carried=newest.carried
    )
    newest.status = DeployStatus.QUEUED
    events.record_step(newest, "HOLD", f"Resumed by {by}.", at=now)
    tasks.enqueue(newest)
    return newest


def _carry(newest: Deploy, older: list[Deploy]) -> None:
    """Give the newest the parts of the older ones that nobody brought since: one activation, not one after another."""
    merged: dict[str, Any] = {}
    for each in older:
        merged |= composition.parts_by_name(each)
    own = composition.part_names(newest.parts)
    newest.carried = {name: part for name, part in merged.items() if name not in own} | newest.carried
    digests = {part["value"] for name, part in newest.carried.items() if name.startswith("bundle:") and part["value"]}
    organization = newest.code_location.deployment.organization
    newest.bundles.add(*Bundle.objects.filter(organization=organization, digest__in=digests))
