"""How people point at a deploy or a time: 12, #12, live, last-good, 2026-01-31T18:00."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from .api import Portal
from .exits import Misuse
from .place import Place
from .problems import Refused

LIVE, LAST_GOOD = "live", "last-good"


class NoSuchDeploy(Misuse):
    """What is pointed at is not there."""


def number(value: str) -> int | None:
    """Read 12 or #12; None for other words."""
    digits = value.removeprefix("#")
    return int(digits) or None if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def moment(value: str) -> str | None:
    """Read a time or a day; without a zone it is meant where the person is. None for other words."""
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return found.astimezone().isoformat() if found.tzinfo is None else found.isoformat()
    except (ValueError, OverflowError):
        return None


def parse_deploy(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    """Read what points at a deploy. Raises click.BadParameter."""
    if value is None or value in (LIVE, LAST_GOOD):
        return value
    if found := number(value):
        return found
    raise click.BadParameter(f"{value!r} is no deploy: write its number, {LIVE} or {LAST_GOOD}.")


def parse_time(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read a time. Raises click.BadParameter."""
    if value is None or (found := moment(value)):
        return value and found
    raise click.BadParameter(f"{value!r} is not a time like 2026-01-31, 2026-01-31T18:00 or 2026-01-31T18:00Z.")


def parse_since(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read a deploy's number or a time. Raises click.BadParameter."""
    if value is None:
        return None
    found = number(value)
    return parse_time(context, parameter, value) if found is None else str(found)


def resolve(portal: Portal, place: Place, *pointed: int | str) -> list[int]:
    """Return the numbers of these deploys. Raises NoSuchDeploy."""
    location = portal.read(place.path()) if any(isinstance(each, str) for each in pointed) else {}
    numbers = {LIVE: location.get("live_deploy"), LAST_GOOD: location.get("last_good")}
    found = []
    for each in pointed:
        known = numbers[each] if isinstance(each, str) else each
        known = known.get("number") if isinstance(known, dict) else known
        if not isinstance(known, int):
            raise NoSuchDeploy(f"{place} has no deploy that is {each}: name one by its number.")
        found.append(known)
    return found


@contextmanager
def naming_what_is_missing(portal: Portal, *paths: str) -> Iterator[None]:
    """When the portal finds nothing, ask for these paths: the first that is missing too is named."""
    try:
        yield
    except Refused as refusal:
        if refusal.status == 404:
            for path in paths:
                portal.read(path)
        raise
