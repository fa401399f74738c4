"""`lastgood assets` and `lastgood send-assets`: what a place defines, and saying so."""

from __future__ import annotations

from typing import Any

import click

from . import pointing, show_assets, snapshots
from .api import Document, Portal
from .looking import NUMBER
from .place import Place, place_argument, with_location
from .problems import Refused
from .session import Session, with_session

HELP = """List the assets of PLACE, or show one: what it is, or how it came to be so.

The assets are those of the newest deploy that is known. KEY is written a/b, as
listed. With --changes, every change of its definition is shown, newest first, with the
deploy that made it; also of an asset that is not there any more.

\b
Examples:
  lastgood assets acme/prod --group core --changed-since 12
  lastgood assets acme/prod db/orders
  lastgood assets acme/prod db/orders --changes
"""

SEND_HELP = """Say what assets deploy NUMBER of PLACE defines, if that is not known yet.

FILE is a snapshot, as `lastgood snapshot` writes it, or dbt's target/manifest.json; - is
standard input. It is recorded at once if the deploy went live, and otherwise as soon as
it does. `lastgood deploy --assets FILE` says the same along with the push.

\b
Example:
  lastgood send-assets acme/prod 12 assets.json
"""


@click.command(help=HELP, short_help="List the assets of PLACE, or show one and its changes.")
@place_argument
@click.argument("key", required=False)
@click.option("--changes", is_flag=True, help="Show the changes of KEY, newest first.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True, help="How many rows.")
@click.option("--group", metavar="NAME", help="Only assets of this group.")
@click.option("--kind", metavar="NAME", help="Only assets of this kind.")
@click.option(
    "--changed-since",
    metavar="N|TIME",
    callback=pointing.parse_since,
    help="Only assets that changed after this deploy, or after this time.",
)
@with_session
def assets(session: Session, /, place: Place, key: str | None, changes: bool, limit: int, **chosen: Any) -> None:
    query = {name: value for name, value in chosen.items() if value is not None}
    if key is None:
        if changes:
            raise click.UsageError("--changes shows those of one asset. Name its KEY.")
        _list(session, with_location(session.portal, place), query, limit)
    elif query:
        raise click.UsageError(
            "--group, --kind and --changed-since choose among all assets. Leave them out with a KEY."
        )
    elif changes:
        _show_changes(session, with_location(session.portal, place), key, limit)
    else:
        _show_one(session, with_location(session.portal, place), key)


@click.command(name="send-assets", help=SEND_HELP, short_help="Say what assets deploy NUMBER of PLACE defines.")
@place_argument
@click.argument("number", type=NUMBER)
@click.argument("file", type=snapshots.FILE)
@with_session
def send_assets(session: Session, place: Place, number: int, file: str) -> None:
    snapshot = snapshots.to_send(file)
    place = with_location(session.portal, place)
    answer = session.portal.write(place.path("deploys", number, "assets"), snapshot, method="PUT")
    session.answer(answer.document, lambda document: show_assets.sent(place, number, document))


def _list(session: Session, place: Place, query: dict[str, str | int], limit: int) -> None:
    found = session.portal.listed(place.path("assets"), query, limit=limit)
    session.answer(found, lambda document: show_assets.listing(place, document, chosen=bool(query)))


def _show_one(session: Session, place: Place, key: str) -> None:
    found = _read(session.portal, place, "detail", key)
    session.answer(found, show_assets.detail)


def _show_changes(session: Session, place: Place, key: str, limit: int) -> None:
    found = _read(session.portal, place, "changes", key, limit=limit)
    session.answer(found, lambda document: show_assets.changes(key, document))


def _read(portal: Portal, place: Place, what: str, key: str, *, limit: int | None = None) -> Document:
    path, query = place.path("assets", what), {"key": key}
    try:
        return portal.read(path, query) if limit is None else portal.listed(path, query, limit=limit)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        # It is the place that is missing, or the asset: the place is asked for to know which.
        portal.read(place.path())
        message = f"{place} has no asset {key}, and had none that is known. `lastgood assets {place}` lists them."
        raise Refused(message, problem=refusal.problem, status=refusal.status) from refusal
