"""What happened, line by line, for the page that follows a deploy."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from deployments.models import Deploy, DeployEvent
from deployments.states import EventKind, EventLevel


def record(
    deploy: Deploy,
    message: str,
    *,
    at: datetime,
    step: str = "",
    kind: EventKind = EventKind.LOG,
    level: EventLevel = EventLevel.INFO,
) -> None:
    """Add a line to the deploy's events.

    The number comes from the deploy's own row, which stays locked until the line is committed: a reader who asks for
    what came after a number misses nothing.
    """
    with transaction.atomic():
        Deploy.objects.filter(pk=deploy.pk).update(last_event=F("last_event") + 1)
        seq = Deploy.objects.values_list("last_event", flat=True).get(pk=deploy.pk)
        DeployEvent.objects.create(deploy=deploy, seq=seq, at=at, kind=kind, step=step, level=level, message=message)


def record_step(deploy: Deploy, step: str, message: str, *, at: datetime, level: EventLevel = EventLevel.INFO) -> None:
    """Add a line that a step was taken, or did not go well."""
    record(deploy, message, at=at, step=step, kind=EventKind.STEP, level=level)
