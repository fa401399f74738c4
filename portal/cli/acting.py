"""The commands that change what runs: rollback, cancel, retry, hold, resume."""

from __future__ import annotations

from datetime import datetime

import click

from . import show
from .api import Document
from .dates import full, parse
from .looking import NUMBER
from .outcome import conclude, waiting_options
from .place import Place, place_argument, with_location
from .session import Session, with_session
from .terminal import output, say

LAST_GOOD = "last-good"
SCOPES = ("all", "code", "settings")


def parse_target(context: click.Context, parameter: click.Parameter, value: str) -> int | str:
    """Read a deploy's number or last-good. Raises click.BadParameter."""
    if value == LAST_GOOD or (value.isascii() and value.isdigit() and int(value) > 0):
        return value if value == LAST_GOOD else int(value)
    raise click.BadParameter(f"{value!r} is neither a deploy's number nor {LAST_GOOD}.")


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Read a time; without a zone it is meant where the person is."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a time like 2026-01-31T18:00 or 2026-01-31T18:00Z.") from error
    return moment.astimezone().isoformat() if moment.tzinfo is None else moment.isoformat()


@click.command()
@place_argument
@click.option(
    "--to",
    "target",
    metavar="N|last-good",
    callback=parse_target,
    required=True,
    help="The deploy whose release is restored.",
)
@click.option("--description", required=True, metavar="TEXT", help="Why; it stands in the history.")
@click.option("--scope", type=click.Choice(SCOPES), help="What is restored.")
@click.option("--plan", "plan_etag", metavar="ETAG", help="The plan that was read: refused if anything moved since.")
@click.option(
    "--acknowledge",
    "acknowledged",
    multiple=True,
    metavar="NAME",
    help="A warning of the plan that was read, by its name.",
)
@waiting_options
@with_session
def rollback(
    session: Session,
    place: Place,
    target: int | str,
    description: str,
    scope: str | None,
    plan_etag: str | None,
    acknowledged: tuple[str, ...],
    wait: bool,
    wait_time: float,
) -> None:
    """Bring an earlier release of PLACE back, as a new deploy.

    Later pushes are held until `lastgood resume`. `lastgood plan` says beforehand what
    happens.

    \b
    Examples:
      lastgood rollback acme/prod --to last-good --description "Orders are empty" --wait
      lastgood rollback acme/prod --to 12 --scope code --description "Back to 12"
      lastgood rollback acme/prod --to 12 --acknowledge runtime_downgrade --description "13.6"
    """
    place = with_location(session.portal, place)
    said = {"scope": scope, "plan_etag": plan_etag, "acknowledge": list(acknowledged)}
    body: Document = {
        "to": target,
        "description": description,
        **{name: value for name, value in said.items() if value},
    }
    answer = session.portal.write(place.path("rollbacks"), body)
    conclude(session, place, answer.document, patience=wait_time if wait else None)


@click.command()
@place_argument
@click.argument("number", type=NUMBER)
@with_session
def cancel(session: Session, place: Place, number: int) -> None:
    """Cancel deploy NUMBER of PLACE, as long as it is not in place.

    \b
    Example:
      lastgood cancel acme/prod 12
    """
    place = with_location(session.portal, place)
    answer = session.portal.write(place.path("deploys", number, "cancel"), {})
    session.answer(answer.document, lambda deploy: show.outcome(output(), place, {"number": number, **deploy}))


@click.command()
@place_argument
@click.argument("number", type=NUMBER)
@waiting_options
@with_session
def retry(session: Session, place: Place, number: int, wait: bool, wait_time: float) -> None:
    """Do deploy NUMBER of PLACE once more, as a new deploy.

    \b
    Example:
      lastgood retry acme/prod 12 --wait
    """
    place = with_location(session.portal, place)
    answer = session.portal.write(place.path("deploys", number, "retry"), {})
    conclude(session, place, answer.document, patience=wait_time if wait else None)


@click.command()
@place_argument
@click.option("--reason", required=True, metavar="TEXT", help="Why; whoever deploys is told.")
@click.option("--until", metavar="ISO", callback=_moment, help="When the hold ends by itself.")
@with_session
def hold(session: Session, place: Place, reason: str, until: str | None) -> None:
    """Hold PLACE: new pushes are stored, but not activated.

    \b
    Example:
      lastgood hold acme/prod --reason "Month-end closing" --until 2026-02-01T08:00
    """
    place = with_location(session.portal, place)
    body: Document = {"reason": reason, **({"until": until} if until else {})}
    answer = session.portal.write(place.path("hold"), body)
    end = f" until {full(until)}" if parse(until) else ""
    session.answer(answer.document, lambda _: say(f"{place} is held{end}: {reason}"))


@click.command()
@place_argument
@with_session
def resume(session: Session, place: Place) -> None:
    """End the hold of PLACE.

    \b
    Example:
      lastgood resume acme/prod
    """
    place = with_location(session.portal, place)
    answer = session.portal.write(place.path("resume"), {})
    session.answer(answer.document, lambda found: show.resumed(place, found))
