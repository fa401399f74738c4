"""What every command has: a portal to talk to, and `--json`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

import click

from . import config
from .api import Document, Portal
from .problems import Unanswered
from .terminal import print_json

P = ParamSpec("P")

json_option = click.option("--json", "as_json", is_flag=True, help="Print the portal's JSON, one document.")


@dataclass(frozen=True)
class Session:
    """One invocation of a command."""

    portal: Portal
    as_json: bool

    def answer(self, document: Document, show: Callable[[Document], None]) -> None:
        """Print the document as it was asked for."""
        if self.as_json:
            print_json(document)
        else:
            show(document)


def with_session(command: Callable[Concatenate[Session, P], None]) -> Callable[P, None]:
    """Give a command `--json` and, as its first argument, a session with the known portal."""

    @json_option
    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.pop("as_json"))
        url, token = config.credentials()
        with Portal(url, token) as portal, problems_as_json(as_json):
            command(Session(portal, as_json), *args, **kwargs)

    return run


@contextmanager
def problems_as_json(as_json: bool) -> Iterator[None]:
    """With --json, print the portal's own problem document too; the sentence goes to stderr anyway."""
    try:
        yield
    except Unanswered as refusal:
        if as_json and refusal.problem is not None:
            print_json(refusal.problem, on_one_line=True)
        raise
