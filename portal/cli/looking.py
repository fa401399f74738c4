"""The commands that look and change nothing: history, show, logs, status, places."""

from __future__ import annotations

from functools import partial

import click

from . import outcome, show, show_loads
from .place import Place, everywhere, place_argument, with_location
from .session import Session, with_session
from .terminal import notices, print_json
from .waiting import events

NUMBER = click.IntRange(min=1)


@click.command()
@place_argument
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many rows.")
@click.option("--no-collapse", is_flag=True, help="Show similar deploys one by one.")
@with_session
def history(session: Session, place: Place, limit: int, no_collapse: bool) -> None:
    """List the deploys of PLACE, newest first.

    Similar deploys in a row are one line with their count. ● marks the live deploy.

    \b
    Example:
      lastgood history acme/prod --limit 50
    """
    place = with_location(session.portal, place)
    query = {} if no_collapse else {"collapse": "true"}
    found = session.portal.listed(place.path("deploys"), query, limit=limit)
    live = None if session.as_json else session.portal.read(place.path()).get("live_deploy")
    session.answer(found, lambda document: show.history(document, live=live))


@click.command()
@place_argument
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many rows.")
@click.option("--no-collapse", is_flag=True, help="Show similar loads one by one.")
@with_session
def loads(session: Session, place: Place, limit: int, no_collapse: bool) -> None:
    """List what the platform loaded in PLACE, whoever caused it, newest first.

    Similar loads in a row are one line with their count.

    \b
    Example:
      lastgood loads acme/prod/shop
    """
    place = with_location(session.portal, place)
    query = {} if no_collapse else {"collapse": "true"}
    session.answer(session.portal.listed(place.path("loads"), query, limit=limit), show_loads.loads)


@click.command()
@place_argument
@click.argument("number", type=NUMBER)
@click.option("--follow", "live", is_flag=True, help="Go on until it has ended, and exit as --wait does.")
@with_session
def logs(session: Session, place: Place, number: int, live: bool) -> None:
    """Show the steps and log lines of deploy NUMBER of PLACE.

    With --json, one JSON document a line.

    \b
    Example:
      lastgood logs acme/prod 12 --follow
    """
    place = with_location(session.portal, place)

    show_event = partial(print_json, on_one_line=True) if session.as_json else show.log
    if live:
        deploy = outcome.watch(session, place, number, show_event=show_event, patience=None)
        show.outcome(notices(), place, deploy)
        outcome.leave(deploy, waited=True)
    for event in events(session.portal, place, number):
        show_event(event)


@click.command()
@place_argument
@with_session
def status(session: Session, place: Place) -> None:
    """Show what is wanted, placed and live in PLACE, and whether it is held.

    \b
    Example:
      lastgood status acme/prod
    """
    place = with_location(session.portal, place)
    found = session.portal.read(place.path())
    session.answer(found, lambda row: show.location(place, row))


@click.command()
@with_session
def places(session: Session) -> None:
    """List every place that you may see.

    \b
    Example:
      lastgood places
    """
    rows = list(everywhere(session.portal))
    session.answer({"results": rows}, lambda document: show.places(document["results"]))
