"""What happens, made the way the product makes it: loads, deploys that begin and end."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from deployments.alerting import happenings, sending
from deployments.locking import lock
from deployments.models import AlertChannel, CodeLocation, Deploy, Load, Notification
from deployments.states import AlertKind, DeployStatus
from tests.factories import noon, push

ERROR = {
    "message": "dagster._core.errors.DagsterImportError: Error loading the code",
    "class_name": "DagsterImportError",
    "chain": [
        {"message": "Error loading the code", "class_name": "DagsterImportError", "stack": []},
        {"message": "No module named 'shop_warehouse'\n", "class_name": "ModuleNotFoundError", "stack": []},
    ],
}


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = noon()

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**span)
        return self.now


def channel(location: CodeLocation, kind: str = "webhook", address: str = "http://127.0.0.1:9/", **said: Any) -> Any:
    """Make a channel of the location's deployment, for everything unless something else is said."""
    fields: dict[str, Any] = {"name": kind, "created_by_name": "root", "alerts": list(AlertKind.values)} | said
    return AlertChannel.objects.create(deployment=location.deployment, kind=kind, address=address, **fields)


def load(location: CodeLocation, now: datetime, *, ok: bool, error: Any = ERROR, **said: Any) -> Load:
    """Report a load as whoever reads the platform does: in a transaction, the location locked."""
    with transaction.atomic():
        locked = lock(location.pk)
        made = Load.objects.create(code_location=locked, ok=ok, error=None if ok else error, reported_at=now, **said)
        CodeLocation.objects.filter(pk=location.pk).update(last_load=made)
        happenings.of_load(made, now=now)
    return made


def pushed(location: CodeLocation, now: datetime, **said: Any) -> Deploy:
    """Push, and say when it started."""
    made = push(location, **said)
    Deploy.objects.filter(pk=made.pk).update(started_at=now)
    return ended(made, now, None)


def ended(deploy: Deploy, now: datetime, status: DeployStatus | None, **error: Any) -> Deploy:
    """End the deploy in this way, as the pipeline does."""
    with transaction.atomic():
        if status is not None:
            said = {"status": status, "error": error or None, "finished_at": now}
            if status == DeployStatus.SUCCEEDED:
                said["live_seq"] = 77
            Deploy.objects.filter(pk=deploy.pk).update(**said)
        found = Deploy.objects.select_related("code_location__deployment__organization", "restores").get(pk=deploy.pk)
        if status is not None:
            happenings.of_deploy_ended(found, now=now)
    return found


def told(of: AlertChannel | None = None) -> list[str]:
    """Answer the kinds of what was written down, oldest first."""
    rows = Notification.objects.order_by("pk")
    return list((rows if of is None else rows.filter(channel=of)).values_list("alert", flat=True))


def send(clock: Clock) -> int:
    """Send what is due by this clock."""
    return sending.send_due(clock=clock)
