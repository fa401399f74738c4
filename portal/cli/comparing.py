"""`lastgood compare`: two deploys, or what was live at a time."""

from __future__ import annotations

import click

from . import pointing, show, show_assets
from .api import Document
from .dates import full
from .place import Place, place_argument, with_location
from .session import Session, with_session
from .terminal import say

HELP = """Show what differs between two deploys of PLACE, or what was live at a time.

FROM and TO are numbers of deploys, live, or last-good. What differs is the image, the
runtime version, the files, and the assets: + is new, - is gone, ~ changed.

\b
Examples:
  lastgood compare acme/prod 12 15
  lastgood compare acme/prod last-good live
  lastgood compare acme/prod --at 2026-01-31T18:00
"""


@click.command(help=HELP, short_help="Show what differs between two deploys of PLACE.")
@place_argument
@click.argument("old", metavar="[FROM]", required=False, callback=pointing.parse_deploy)
@click.argument("new", metavar="[TO]", required=False, callback=pointing.parse_deploy)
@click.option("--at", metavar="TIME", callback=pointing.parse_time, help="Show what was live then, instead.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="How many assets."
)
@with_session
def compare(
    session: Session, place: Place, old: int | str | None, new: int | str | None, at: str | None, limit: int
) -> None:
    if at is not None and old is None:
        _show_live(session, with_location(session.portal, place), at)
    elif at is None and old is not None and new is not None:
        _compare(session, with_location(session.portal, place), old, new, limit)
    else:
        raise click.UsageError("Name two deploys, FROM and TO; or give --at TIME without them.")


def _compare(session: Session, place: Place, old: int | str, new: int | str, limit: int) -> None:
    portal = session.portal
    first, last = pointing.resolve(portal, place, old, new)
    both = [place.path("deploys", number) for number in (first, last)]
    with pointing.naming_what_is_missing(portal, *both):
        found = portal.listed(place.path("compare"), {"from": first, "to": last}, limit=limit)
    session.answer(found, lambda document: show_assets.comparison(place, document))


def _show_live(session: Session, place: Place, at: str) -> None:
    found = session.portal.read(place.path("compare"), {"at": at})

    def show_it(document: Document) -> None:
        live, when = document.get("live"), full(document.get("at") or at)
        if isinstance(live, dict):
            say(f"Live at {when}:")
            show.deploy(place, live)
        else:
            say(f"Nothing was live in {place} at {when}.")

    session.answer(found, show_it)
