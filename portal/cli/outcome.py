"""How a command that made or follows a deploy ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from . import exits, show
from .api import Document
from .place import Place
from .session import Session
from .terminal import notice, output
from .waiting import ENDED, RESTING, follow

P = ParamSpec("P")
R = TypeVar("R")


def waiting_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--wait` and `--wait-time`."""
    wait = click.option("--wait", is_flag=True, help="Follow the deploy until it has ended.")
    wait_time = click.option(
        "--wait-time",
        type=click.FloatRange(min=0),
        default=600,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait at most; the deploy goes on without us.",
    )
    return wait(wait_time(command))


def conclude(
    session: Session, place: Place, deploy: Document, *, patience: float | None, held_ok: bool = False
) -> None:
    """Follow the new deploy if there is patience, print how it stands, and exit accordingly."""
    if patience is not None and deploy.get("status") not in RESTING:
        number = session.portal.field(deploy, "number")
        deploy = watch(session, place, number, show_event=show.progress, patience=patience)
    session.answer(deploy, lambda found: show.outcome(output(), place, found))
    if patience is None and deploy.get("status") not in RESTING:
        notice(f"Run `lastgood logs {place} {deploy.get('number')} --follow` to see how it goes.")
    leave(deploy, waited=patience is not None, held_ok=held_ok)


def watch(
    session: Session,
    place: Place,
    number: int,
    *,
    show_event: Callable[[Document], None],
    patience: float | None,
) -> Document:
    """Follow a deploy; Ctrl-C leaves it to itself."""
    try:
        return follow(session.portal, place, number, show=show_event, patience=patience)
    except KeyboardInterrupt:
        notice(f"#{number} goes on. Run `lastgood logs {place} {number} --follow` to see how it ends.")
        click.get_current_context().exit(exits.INTERRUPTED)


def leave(deploy: Document, *, waited: bool, held_ok: bool = False) -> None:
    """Exit with the code that the deploy's status stands for."""
    status = deploy.get("status")
    code = exits.DONE
    if status == "HELD":
        code = exits.DONE if held_ok else exits.HELD
    elif status in ENDED:
        code = exits.DONE if status == "SUCCEEDED" else exits.FAILED
    elif waited:
        notice(f"#{deploy.get('number')} has not ended in the time given. It goes on.")
        code = exits.FAILED
    click.get_current_context().exit(code)
