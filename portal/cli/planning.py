"""`lastgood plan`: what a rollback would do, before it is asked for."""

from __future__ import annotations

import click

from . import show_plan
from .acting import SCOPES, parse_target
from .place import Place, place_argument, with_location
from .session import Session, with_session

HELP = """Explain a rollback of PLACE, and change nothing.

Shows what changes in files, settings and assets, what does not, what stands in the
way, and the plan's etag: `lastgood rollback … --plan ETAG` runs only if nothing moved
since.

\b
Examples:
  lastgood plan acme/prod --to last-good
  lastgood plan acme/prod --to 12 --scope settings
"""


@click.command(help=HELP, short_help="Explain a rollback of PLACE.")
@place_argument
@click.option(
    "--to",
    "target",
    metavar="N|last-good",
    callback=parse_target,
    required=True,
    help="The deploy whose release would be restored.",
)
@click.option("--scope", type=click.Choice(SCOPES), default="all", show_default=True, help="What would be restored.")
@with_session
def plan(session: Session, place: Place, target: int | str, scope: str) -> None:
    place = with_location(session.portal, place)
    found = session.portal.write(place.path("rollback-plans"), {"to": target, "scope": scope}).document
    session.answer(found, lambda document: show_plan.plan(place, document))
