"""What is due: the broker is never the only record of work."""

from datetime import datetime

from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Now

from deployments.models import CodeLocation, Deploy, Hold
from deployments.states import DeployKind


def due_deploys(*, rollbacks: bool) -> list[Deploy]:
    """Answer what a worker should look at now: the first in each queue, the parked whose time has come, the abandoned."""
    mine = Q(kind=DeployKind.ROLLBACK) if rollbacks else ~Q(kind=DeployKind.ROLLBACK)
    firsts = Deploy.objects.queued().filter(mine).values("code_location").annotate(first=Min("pk")).values("first")
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
    waited = Q(next_check_at=None) | Q(next_check_at__lte=Now())
    # Two questions, not one with an "or": each walks along its index, and history does not count.
    first = Deploy.objects.filter(pk__in=firsts).only("pk", "kind")
    lying = Deploy.objects.running().filter(mine, free, waited).only("pk", "kind")
    return [*first, *lying]


def due_targets() -> QuerySet[CodeLocation]:
    """Answer the code locations that were ever deployed to, with nothing in flight: the longest unseen first."""
    busy = Deploy.objects.running().values("code_location")
    return (
        CodeLocation.objects.filter(fence__gt=0)
        .exclude(pk__in=busy)
        .order_by(F("checked_at").asc(nulls_first=True), "pk")
    )


def expired_holds(*, now: datetime) -> QuerySet[Hold]:
    """Answer the holds whose time is over."""
    return Hold.objects.filter(released_at=None, until__lte=now)
