"""The code location's row as the lock of all that moves its pointers, and its fence.

Claims, cancels, overtakes, outcomes and purges of one code location happen one after another: on PostgreSQL by this
row's lock, on SQLite because a write transaction is alone anyway.
"""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from deployments.models import CodeLocation


def lock(location_id: int) -> CodeLocation:
    """Answer the code location, its row locked until the transaction ends."""
    # Two statements: outer joins of nullable pointers cannot be locked, and need not be.
    CodeLocation.objects.select_for_update().filter(pk=location_id).values_list("pk").get()
    return find(location_id)


def find(location_id: int) -> CodeLocation:
    """Answer the code location with what its pointers name."""
    return CodeLocation.objects.select_related(
        "deployment__organization",
        "placed_deploy__release",
        "live_deploy__release",
        "last_load__deploy__release",
    ).get(pk=location_id)


def raise_fence(location: CodeLocation) -> int:
    """Make every older claim on this location a lost one. The location must be locked."""
    location.fence += 1
    location.save(update_fields=["fence"])
    return location.fence


def database_time_in(span: timedelta) -> Any:
    """Answer the database's time after this span."""
    return ExpressionWrapper(Now() + span, output_field=DateTimeField())
