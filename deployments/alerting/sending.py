"""Sending what was written down: claimed one by one, outside any transaction, tried again until it is taken.

A channel that hangs holds up nobody else: each gets so many seconds, several are sent to at once, and one that failed
is left alone for the rest of the round.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet

from deployments.alerting import channels
from deployments.alerting.message import Message, NotDelivered
from deployments.models import AlertChannel, Notification
from deployments.states import AlertKind, NotificationStatus

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
Answers = queue.Queue[tuple[int, str]]
PATIENCE = 10.0  # seconds for one delivery, whatever it does
LEASE = timedelta(seconds=60)
AT_ONCE = 16
PER_CHANNEL = 5
WAITS = [timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2)]
MOST_ATTEMPTS = 8
CLOCKS_DIFFER = timedelta(seconds=60)
SWITCHED_OFF = "The channel was switched off, or given another address, before this was sent."


@dataclass(frozen=True)
class Claim:
    """The right to send one notification, until the lease ends."""

    notification: Notification
    lease: datetime

    def still_ours(self) -> QuerySet[Notification]:
        """Answer the row as a queryset that is empty once somebody else has it."""
        rows = Notification.objects.filter(pk=self.notification.pk, status=NotificationStatus.PENDING)
        return rows.filter(lease_expires_at=self.lease)


def send_due(*, clock: Clock, limit: int = 50) -> int:
    """Send what is due, at most so many; answer how many were taken. Never raises for what a channel does."""
    sent, tried = 0, 0
    turns: dict[int, int] = {}
    while tried < limit:
        full = [channel for channel, count in turns.items() if count >= PER_CHANNEL]
        claims = _claim(clock(), without=full, most=min(AT_ONCE, limit - tried))
        if not claims:
            break
        tried += len(claims)
        for claim, error in _deliver([(claim, message_of(claim.notification)) for claim in claims]):
            channel = claim.notification.channel_id
            turns[channel] = PER_CHANNEL if error else turns.get(channel, 0) + 1
            sent += not error
            _write_down(claim, error, clock())
    return sent


def test_channel(channel: AlertChannel, *, clock: Clock, by: str) -> Notification:
    """Send a test at once, and answer it, whatever became of it: its status and error say so."""
    now = clock()
    words = f"A test of “{channel.name}”, by {by}. It tells of: {', '.join(_labels(channel.alerts))}."
    test = Notification.objects.create(
        channel=channel,
        code_location=channel.code_location,
        subject=f"test:{now.timestamp():.6f}",
        title=f"Test from {channel.deployment}"[:200],
        body=words,
        link=f"{settings.SITE_URL.rstrip('/')}{channel.deployment.get_absolute_url()}"[:500],
        due_at=now,
        created_at=now,
        lease_expires_at=now + LEASE,
        # Whoever pressed the button sees what becomes of it, and presses again: nobody waits for a late test.
        attempts=MOST_ATTEMPTS - 1,
    )
    claim = Claim(test, now + LEASE)
    for each, error in _deliver([(claim, message_of(test))]):
        _write_down(each, error, clock())
    test.refresh_from_db()
    return test


def give_up_waiting(channel: AlertChannel) -> None:
    """Leave unsent what still waits for this channel: of old news nobody wants to hear when it works again."""
    waiting = Notification.objects.filter(channel=channel, status=NotificationStatus.PENDING)
    waiting.update(status=NotificationStatus.FAILED, error=SWITCHED_OFF, lease_expires_at=None)


def message_of(row: Notification) -> Message:
    """Answer what is sent."""
    place = row.code_location or row.channel.deployment
    about = f"incident:{row.incident_id}" if row.incident_id else f"deploy:{row.deploy_id}" if row.deploy_id else ""
    return Message(
        alert=row.alert or "test",
        place=str(place),
        title=row.title,
        body=row.body,
        link=row.link,
        at=row.created_at,
        deploy=row.deploy.number if row.deploy else None,
        key=f"{settings.SITE_URL.rstrip('/')}/{about or row.subject}",
    )


def _claim(now: datetime, *, without: list[int], most: int) -> list[Claim]:
    """Take the oldest that is due of each channel, none of channels that somebody sends to this moment."""
    # One that was written down in the future was so before the clock was set back.
    on_time = Q(due_at__lte=now) | Q(created_at__gt=now + CLOCKS_DIFFER, attempts=0)
    due = Notification.objects.filter(on_time, status=NotificationStatus.PENDING, channel__enabled=True)
    due = due.exclude(channel_id__in=without).filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))
    busy = Notification.objects.filter(status=NotificationStatus.PENDING, lease_expires_at__gt=now)
    due = due.exclude(channel_id__in=busy.values("channel_id"))
    first: dict[int, Notification] = {}
    related = ("channel__deployment__organization", "code_location__deployment__organization", "deploy")
    for row in due.select_related(*related).order_by("due_at", "pk")[: 10 * AT_ONCE]:
        first.setdefault(row.channel_id, row)
    taken = []
    for row in list(first.values())[:most]:
        # As it was read, or not at all.
        seen = Notification.objects.filter(pk=row.pk, status=NotificationStatus.PENDING, due_at=row.due_at)
        if seen.filter(lease_expires_at=row.lease_expires_at).update(lease_expires_at=now + LEASE):
            taken.append(Claim(row, now + LEASE))
    return taken


def _deliver(claimed: list[tuple[Claim, Message]]) -> Iterable[tuple[Claim, str]]:
    """Send all at once, and answer for each what went wrong; empty: nothing."""
    answers: Answers = queue.Queue()
    waiting = {claim.notification.pk: claim for claim, _ in claimed}
    for claim, message in claimed:
        _begin(claim.notification, message, answers)
    until = time.monotonic() + PATIENCE
    while waiting:
        try:
            pk, error = answers.get(timeout=max(until - time.monotonic(), 0.01))
        except queue.Empty:
            break
        yield waiting.pop(pk), error
    for claim in waiting.values():
        yield claim, f"Nothing was answered within {PATIENCE:.0f} s."


def _begin(row: Notification, message: Message, answers: Answers) -> None:
    """Send on a thread of its own, which may be left behind: no library bounds a whole delivery."""
    kind, address = row.channel.kind, row.channel.address

    def run() -> None:
        try:
            channels.deliver(kind, address, message)
            answers.put((row.pk, ""))
        except NotDelivered as refused:
            answers.put((row.pk, refused.detail))
        except Exception as broken:
            # Without its words and its traceback: the address may be in them.
            logger.error("A %s channel broke: %s", kind, type(broken).__name__)
            answers.put((row.pk, f"It could not be sent: {type(broken).__name__}."))

    threading.Thread(target=run, daemon=True, name=f"alert-{kind}").start()


def _write_down(claim: Claim, error: str, now: datetime) -> None:
    channel = AlertChannel.objects.filter(pk=claim.notification.channel_id)
    if not error:
        done = {"status": NotificationStatus.SENT, "sent_at": now, "error": "", "lease_expires_at": None}
        if claim.still_ours().update(attempts=F("attempts") + 1, **done):
            channel.update(last_sent_at=now, failing_since=None, last_error="")
        return
    attempts = claim.notification.attempts + 1
    last = attempts >= MOST_ATTEMPTS
    wait = WAITS[min(attempts, len(WAITS)) - 1]
    said = {
        "status": NotificationStatus.FAILED if last else NotificationStatus.PENDING,
        "due_at": claim.notification.due_at if last else now + wait,
        "error": error[:500],
        "lease_expires_at": None,
    }
    if claim.still_ours().update(attempts=attempts, **said):
        channel.update(last_error=error[:500])
        channel.filter(failing_since=None).update(failing_since=now)


def _labels(alerts: Iterable[str]) -> list[str]:
    return [AlertKind(alert).label.lower() for alert in alerts if alert in AlertKind.values]
