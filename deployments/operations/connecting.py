"""Connecting a platform, and what comes back from targets that answer later."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from deployments import callbacks, drivers, events, tasks
from deployments.access import Right, require
from deployments.alerting import happenings
from deployments.locking import database_time_in, lock
from deployments.models import CodeLocation, Deploy, Deployment
from deployments.platforms.base import Connection, PlatformRefused, PlatformUnreachable
from deployments.states import DeployStatus, DeployStep
from portal.common.problems import Absent, Invalid, Refusal

NOW = timedelta(0)
MOST_HEADERS, LONGEST_HEADER, LONGEST_MESSAGE = 20, 4000, 500
# These are the connection's own.
OUR_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "accept-encoding"}


class ConnectionRefused(Refusal):
    """A platform that could not be asked: its code says why."""


def test_connection(*, deployment: Deployment, actor: User) -> Connection:
    """Ask the platform what it is and what we may do there, changing nothing. Raises NotAllowed, ConnectionRefused."""
    require(actor, Right.CONFIGURE, deployment)
    if not deployment.has_platform:
        raise ConnectionRefused(f"{deployment} has no platform: set its kind and address first.", code="no_platform")
    try:
        platform = drivers.platform_of(deployment)
        assert platform is not None
        return platform.connection()
    except (PlatformRefused, PlatformUnreachable) as silent:
        raise ConnectionRefused(str(silent), code=silent.code) from silent


def change_code_location(*, location: CodeLocation, actor: User, muted: bool) -> CodeLocation:
    """Say that a code location is offline on purpose, so that nobody is told, or that it is not. Raises NotAllowed."""
    require(actor, Right.CONFIGURE, location.deployment)
    with transaction.atomic():
        locked = lock(location.pk)
        CodeLocation.objects.filter(pk=location.pk).update(muted=muted)
        locked.muted = location.muted = muted
        if not muted and locked.last_load is not None and not locked.last_load.ok:
            # It fails still, and nobody was told.
            locked.last_load.code_location = locked
            happenings.of_load(locked.last_load, now=timezone.now())
    return location


def answer_order(*, token: str, outcome: str, message: str, now: datetime) -> None:
    """Take the answer to an order, once. Raises Absent for a token of nobody's, Refusal `already_finished`."""
    deploy_id = callbacks.deploy_id_of(token)
    found = Deploy.objects.filter(pk=deploy_id).first() if deploy_id is not None else None
    if found is None:
        raise Absent("There is no order with this address.")
    said = {"outcome": outcome, "message": one_line(message), "at": now.isoformat()}
    with transaction.atomic():
        lock(found.code_location_id)
        # The answer may be quicker than our own note that the order was taken.
        waiting = Deploy.objects.filter(
            pk=found.pk,
            status=DeployStatus.RUNNING,
            step__in=[DeployStep.ACTIVATE, DeployStep.AWAIT],
            called_back__isnull=True,
        )
        if not waiting.update(called_back=said):
            raise Refusal(
                f"#{found.number} of {found.code_location.name} does not wait for an answer (any more).",
                code="already_finished",
            )
        # Only one that is parked: whoever works on it looks by itself.
        Deploy.objects.filter(pk=found.pk, lease_owner="").update(next_check_at=database_time_in(NOW))
        events.record_step(found, "AWAIT", f"The receiver answered: {outcome}.", at=now)
        tasks.enqueue(found)


def checked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Answer the headers, if they can be sent. Raises Invalid, repeating no value."""
    if len(headers) > MOST_HEADERS:
        raise Invalid(f"Use at most {MOST_HEADERS} headers.", code="bad_headers")
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", str(name)) or str(name).lower() in OUR_HEADERS:
            raise Invalid(f"{str(name)[:100]!r} is no header that could be set.", code="bad_headers")
        if not isinstance(value, str) or not re.fullmatch(rf"[\x21-\x7e]([\x20-\x7e]{{0,{LONGEST_HEADER}}})", value):
            raise Invalid(
                f"The value of {name} is empty, too long, or has letters that no header has.", code="bad_headers"
            )
    return {str(name): value for name, value in headers.items()}


def one_line(text: str) -> str:
    """Answer somebody else's text as one line without control characters, not too long."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * LONGEST_MESSAGE])
    return " ".join(plain.split())[:LONGEST_MESSAGE]
