"""The next row of a code location's history."""

from datetime import datetime
from typing import Any

from deployments.models import CodeLocation, Deploy


def next_deploy(location: CodeLocation, *, now: datetime, **fields: Any) -> Deploy:
    """Create the next deploy of the location, whose row must be locked: numbers are the server's, whatever clocks do."""
    deploy = Deploy.objects.create(code_location=location, number=location.next_number, created_at=now, **fields)
    location.next_number += 1
    location.save(update_fields=["next_number"])
    return deploy
