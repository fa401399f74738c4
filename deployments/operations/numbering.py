"""The next row of a code location's history."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from deployments.access import actor_kind, name_of
from deployments.models import CodeLocation, Deploy


def add_deploy(location: CodeLocation, *, actor: User, now: datetime, **fields: Any) -> Deploy:
    """Create the next deploy of the location, whose row must be locked: numbers are the server's, whatever clocks do."""
    deploy = Deploy.objects.create(
        code_location=location,
        number=location.next_number,
        actor=actor,
        actor_name=name_of(actor),
        actor_kind=actor_kind(actor),
        created_at=now,
        **fields,
    )
    location.next_number += 1
    location.save(update_fields=["next_number"])
    return deploy
