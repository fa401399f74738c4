"""The next row of history, made by somebody."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from deployments.access import actor_kind, name_of
from deployments.models import CodeLocation, Deploy
from deployments.numbering import next_deploy
from deployments.states import ActorKind

# Who pushes what the portal fetched by itself; whose code it is, the deploy's Git data says.
SYSTEM_NAME = "Git"


def add_deploy(location: CodeLocation, *, actor: User | None, now: datetime, **fields: Any) -> Deploy:
    """Create the next deploy of the location, whose row must be locked, as this actor's; None: the portal's own."""
    if actor is None:
        return next_deploy(location, now=now, actor_name=SYSTEM_NAME, actor_kind=ActorKind.SYSTEM, **fields)
    return next_deploy(
        location, now=now, actor=actor, actor_name=name_of(actor), actor_kind=actor_kind(actor), **fields
    )
