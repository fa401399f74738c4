"""`lastgood show`: one deploy, and what it changed in the assets."""

from __future__ import annotations

import click

from . import show
from .api import Document, Portal
from .looking import NUMBER
from .place import Place, place_argument, with_location
from .problems import Unanswered
from .session import Session, with_session

ASSETS_SHOWN = 10


@click.command(name="show")
@place_argument
@click.argument("number", type=NUMBER)
@with_session
def show_deploy(session: Session, place: Place, number: int) -> None:
    """Show everything about deploy NUMBER of PLACE.

    \b
    Example:
      lastgood show acme/prod 12
    """
    place = with_location(session.portal, place)
    found = session.portal.read(place.path("deploys", number))
    session.answer(
        found, lambda document: show.deploy(place, document, _asset_changes(session.portal, place, document))
    )


def _asset_changes(portal: Portal, place: Place, deploy: Document) -> Document | None:
    """Return the first assets that it changed, if that is known."""
    if not isinstance(deploy.get("assets"), dict):
        return None
    path = place.path("deploys", portal.field(deploy, "number"), "asset-changes")
    try:
        return portal.listed(path, limit=ASSETS_SHOWN)
    except Unanswered:
        # All else is known: a deploy is shown without them, with their number.
        return None
