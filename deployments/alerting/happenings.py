"""What people are told of. Called inside the transaction that writes what happened; it is sent afterwards."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from deployments.alerting import wording
from deployments.models import AlertChannel, CodeLocation, Deploy, Incident, Load, Notification
from deployments.states import AlertKind, DeployKind, DeployStatus

logger = logging.getLogger(__name__)
BROKEN = (DeployStatus.FAILED, DeployStatus.ERRORED)


def of_load(load: Load, *, now: datetime) -> None:
    """Open the code location's incident with a failed load, close it with a good one, and write down who is told.

    The code location is locked. Never raises: what cannot be told must not undo what happened.
    """
    _guarded(lambda: _recover(load, now) if load.ok else _break(load, now), f"load {load.pk}")


def of_deploy_begun(deploy: Deploy, *, now: datetime) -> None:
    """Write down who is told that a rollback started. Never raises."""
    if deploy.is_rollback:
        _guarded(lambda: _tell_of_deploy(deploy, AlertKind.ROLLBACK_STARTED, "started", now), f"deploy {deploy.pk}")


def of_deploy_ended(deploy: Deploy, *, now: datetime) -> None:
    """Write down who is told of a push that failed, or of how a rollback ended. Never raises."""
    if deploy.kind == DeployKind.OBSERVED:
        return
    if deploy.status in BROKEN:
        alert = AlertKind.ROLLBACK_FAILED if deploy.is_rollback else AlertKind.DEPLOY_FAILED
        _guarded(lambda: _tell_of_deploy(deploy, alert, "failed", now), f"deploy {deploy.pk}")
    elif deploy.is_rollback and deploy.status == DeployStatus.SUCCEEDED:
        alert = AlertKind.ROLLBACK_SUCCEEDED
        _guarded(lambda: _tell_of_deploy(deploy, alert, "succeeded", now), f"deploy {deploy.pk}")


def open_incident(location: CodeLocation) -> Incident | None:
    """Answer the incident that lasts."""
    return Incident.objects.filter(code_location=location, closed_at=None).first()


def channels_of(location: CodeLocation, alert: AlertKind) -> list[AlertChannel]:
    """Answer the channels that tell of this here: those of the deployment, and those of the code location.

    Locked until the transaction ends: one that is removed meanwhile would break it at its very end.
    """
    rows = AlertChannel.objects.select_for_update(no_key=True).order_by("pk")
    rows = rows.filter(deployment_id=location.deployment_id, enabled=True)
    return [row for row in rows if row.code_location_id in (None, location.pk) and alert in row.alerts]


def write_down(rows: Iterable[Notification]) -> None:
    """Store what is to be sent; what a channel was told of already is left out."""
    # Not get_or_create: a clash would break the transaction around us.
    Notification.objects.bulk_create(rows, ignore_conflicts=True)


def _guarded(tell: Callable[[], None], what: str) -> None:
    try:
        with transaction.atomic():
            tell()
    except Exception:
        logger.exception("Nobody could be told of %s.", what)


def _break(load: Load, now: datetime) -> None:
    location = load.code_location
    if location.muted or open_incident(location) is not None:
        return
    incident = Incident.objects.create(code_location=location, began_with=load, opened_at=now)
    words = wording.load_failed(incident)
    write_down(
        words.notification(channel, AlertKind.LOAD_FAILED, f"load_failed:{incident.pk}", now)
        for channel in channels_of(location, AlertKind.LOAD_FAILED)
    )


def _recover(load: Load, now: datetime) -> None:
    location = load.code_location
    incident = open_incident(location)
    if incident is None:
        return
    incident.ended_with, incident.closed_at = load, now
    incident.save(update_fields=["ended_with", "closed_at"])
    if location.muted:
        return
    told = set(incident.notifications.filter(alert=AlertKind.LOAD_FAILED).values_list("channel_id", flat=True))
    words = wording.load_recovered(incident)
    write_down(
        words.notification(channel, AlertKind.LOAD_RECOVERED, f"load_recovered:{incident.pk}", now)
        for channel in channels_of(location, AlertKind.LOAD_RECOVERED)
        # Who takes failures and was not told of this one has nothing to be relieved of.
        if channel.pk in told or AlertKind.LOAD_FAILED not in channel.alerts
    )


def _tell_of_deploy(deploy: Deploy, alert: AlertKind, how: str, now: datetime) -> None:
    location = deploy.code_location
    if location.muted and how == "failed":
        return
    words = wording.of_deploy(deploy, how)
    write_down(
        words.notification(channel, alert, f"deploy:{deploy.pk}:{how}", now)
        for channel in channels_of(location, alert)
        if not (how == "failed" and _is_told_as_load(deploy, channel))
    )


def _is_told_as_load(deploy: Deploy, channel: AlertChannel) -> bool:
    """Say whether the channel hears of this failure as one of loading: one happening is one message."""
    if (deploy.error or {}).get("code") != "load_failed" or AlertKind.LOAD_FAILED not in channel.alerts:
        return False
    incident = open_incident(deploy.code_location)
    # An incident that is older than the deploy was told of before, and says nothing about this one.
    return incident is None or incident.opened_at >= (deploy.started_at or deploy.created_at)
