"""What needs somebody: rows that should have moved and did not, and what does not answer. Each cut down to what a person sees.

Each is a question that an index answers, or that is asked of few rows, however long the history is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Window

from deployments.models import AlertChannel, CodeLocation, Deploy, Deployment, GitSource, Hold, Incident, PlatformWatch
from deployments.querysets import Person
from deployments.states import ACTIVE, UNFINISHED, DeployStatus, PlatformKind

# Beat looks every three seconds: what lies for longer than this is not looked at.
LATE = timedelta(seconds=60)
# Whatever it waits for, somebody should know.
TOO_LONG = timedelta(hours=1)
RECENT = timedelta(hours=24)
# A watch that nobody takes up at its time.
UNWATCHED = timedelta(minutes=2)
OF_LOCATION = "code_location__deployment__organization"


@dataclass(frozen=True)
class Found:
    """The first few rows of a question, and how many there are."""

    rows: list[Any]
    total: int


def stalled(now: datetime) -> QuerySet[Deploy]:
    """Answer the deploys that nobody works on though somebody should, and those that run for suspiciously long."""
    here = Deploy.objects.filter(code_location=OuterRef("code_location"))
    # The turn of one came just now when the one before it ended, or when somebody resumed.
    just_ended = Exists(here.filter(finished_at__gt=now - LATE))
    just_resumed = Exists(Hold.objects.filter(code_location=OuterRef("code_location"), released_at__gt=now - LATE))
    first = ~Exists(here.running()) & ~Exists(here.queued().filter(pk__lt=OuterRef("pk")))
    waits = Q(status=DeployStatus.QUEUED, created_at__lt=now - LATE) & first & ~just_ended & ~just_resumed
    abandoned = Q(lease_expires_at__lt=now - LATE)
    overdue = Q(lease_expires_at=None, next_check_at__lt=now - LATE)
    endless = Q(started_at__lt=now - TOO_LONG)
    runs = Q(status=DeployStatus.RUNNING) & (abandoned | overdue | endless)
    return Deploy.objects.filter(waits | runs, status__in=ACTIVE).order_by("created_at", "pk")


def why_stalled(deploy: Deploy, now: datetime) -> str:
    """Say what should have happened to a stalled deploy."""
    if deploy.status == DeployStatus.QUEUED:
        return "Nobody takes it up, though it is its turn."
    if deploy.lease_expires_at is not None and deploy.lease_expires_at < now - LATE:
        return "Its worker is gone, and nobody took over."
    if deploy.lease_expires_at is None and deploy.next_check_at is not None and deploy.next_check_at < now - LATE:
        return "It waits for something else, and nobody looks at it."
    return f"It runs for more than an hour, at the step {deploy.get_step_display().lower() or '?'}."


def errored(now: datetime) -> QuerySet[Deploy]:
    """Answer the deploys of the last day on whose way we broke."""
    rows = Deploy.objects.filter(status=DeployStatus.ERRORED, finished_at__gte=now - RECENT)
    return rows.order_by("-finished_at", "-pk")


def unreachable() -> QuerySet[PlatformWatch]:
    """Answer the platforms that do not answer, the longest silent first."""
    return PlatformWatch.objects.filter(unreachable_since__isnull=False).order_by("unreachable_since", "pk")


def unwatched(now: datetime) -> QuerySet[PlatformWatch]:
    """Answer the platforms that nobody asks, though it is time."""
    late = Q(due_at__lt=now - UNWATCHED) & (Q(lease_expires_at=None) | Q(lease_expires_at__lt=now))
    connected = Deployment.objects.exclude(platform=PlatformKind.NONE).exclude(platform_url="")
    return PlatformWatch.objects.filter(late, deployment__in=connected).order_by("due_at", "pk")


def failing_channels() -> QuerySet[AlertChannel]:
    """Answer the alert channels whose newest notification did not arrive."""
    return AlertChannel.objects.filter(failing_since__isnull=False, enabled=True).order_by("failing_since", "pk")


def failing_sources() -> QuerySet[GitSource]:
    """Answer the Git sources that cannot be fetched or deployed."""
    return GitSource.objects.filter(error__isnull=False, paused=False).order_by("pk")


def not_loading() -> QuerySet[Incident]:
    """Answer the code locations that fail to load, as incidents."""
    return Incident.objects.filter(closed_at=None).order_by("opened_at", "pk")


def drifted() -> QuerySet[CodeLocation]:
    """Answer the code locations whose target holds something else than we put there."""
    return CodeLocation.objects.exclude(drift="").order_by("pk")


def in_flight(person: Person | None = None) -> dict[str, int]:
    """Count the deploys that have not ended, by status: of everybody, or of those that the person sees."""
    rows = Deploy.objects.filter(status__in=UNFINISHED)
    rows = rows if person is None else rows.visible_to(person)
    counts = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    return {status.value: counts.get(status.value, 0) for status in UNFINISHED}


def look(rows: Any, person: Person, *related: str, most: int) -> Found:
    """Answer the first rows that the person sees, and the number of all that they see, in one question."""
    counted = rows.visible_to(person).select_related(*related).annotate(found_in_all=Window(Count("pk")))
    found = list(counted[:most])
    return Found(found, found[0].found_in_all if found else 0)
