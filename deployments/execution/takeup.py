"""What is due: the broker is never the only record of work."""

from datetime import datetime

from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Now

from deployments.models import CodeLocation, Deploy, Hold
from deployments.states import DeployKind, DeployStatus


def due_deploys(*, rollbacks: bool) -> QuerySet[Deploy]:
    """Answer what a worker should look at now: the first in each queue, the parked whose time has come, the abandoned."""
    mine = Q(kind=DeployKind.ROLLBACK) if rollbacks else ~Q(kind=DeployKind.ROLLBACK)
    first = Deploy.objects.queued().filter(mine).values("code_location").annotate(first=Min("pk")).values("first")
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
    waited = Q(next_check_at=None) | Q(next_check_at__lte=Now())
    return Deploy.objects.filter(mine).filter(
        Q(status=DeployStatus.QUEUED, pk__in=first) | (Q(status=DeployStatus.RUNNING) & free & waited)
    )


def due_targets() -> QuerySet[CodeLocation]:
    """Answer the code locations with something in place and nothing in flight: the longest unseen first."""
    busy = Deploy.objects.running().values("code_location")
    return CodeLocation.objects.filter(placed_deploy__isnull=False).exclude(pk__in=busy).order_by("checked_at", "pk")


def expired_holds(*, now: datetime) -> QuerySet[Hold]:
    """Answer the holds whose time is over."""
    return Hold.objects.filter(released_at=None, until__lte=now)
