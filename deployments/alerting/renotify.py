"""Telling again, while a code location still fails to load."""

from datetime import datetime, timedelta

from django.db import transaction

from deployments.alerting import wording
from deployments.alerting.happenings import channels_of, write_down
from deployments.models import AlertChannel, Incident, Notification
from deployments.states import AlertKind, NotificationStatus

MOST = 500


def remind(now: datetime) -> int:
    """Write down who is told once more of incidents that last, each channel at its own pace; answer how many are."""
    rows = Incident.objects.filter(closed_at=None, code_location__muted=False, code_location__absent_since=None)
    rows = rows.exclude(code_location__last_load__ok=True).select_related(
        "code_location__deployment__organization",
        "code_location__last_load",
        "began_with__deploy",
        "began_with__reloaded_by",
    )
    return sum(_remind(incident, now) for incident in rows.order_by("pk")[:MOST])


@transaction.atomic
def _remind(incident: Incident, now: datetime) -> int:
    again = [
        wording.load_failed(incident, still=True).notification(
            channel, AlertKind.LOAD_FAILED, f"load_failed:{incident.pk}:{told}", now
        )
        for channel in channels_of(incident.code_location, AlertKind.LOAD_FAILED)
        if (told := _due(incident, channel, now))
    ]
    write_down(again)
    return len(again)


def _due(incident: Incident, channel: AlertChannel, now: datetime) -> int:
    """Answer how often the channel was told of it, if it is time to tell once more; 0: not yet, or never begun."""
    if channel.renotify_minutes is None:
        return 0
    told = Notification.objects.filter(channel=channel, incident=incident, alert=AlertKind.LOAD_FAILED)
    newest = told.order_by("-pk").first()
    # One that still waits to be sent will say it: more of them would all arrive at once.
    if newest is None or newest.status == NotificationStatus.PENDING:
        return 0
    return told.count() if newest.created_at <= now - timedelta(minutes=channel.renotify_minutes) else 0
