"""How a command ends: the exit codes, and the one base of everything that stops it."""

from __future__ import annotations

import click

from .terminal import clean_lines

DONE = 0
FAILED = 1
USAGE = 2
HELD = 3
REFUSED = 4
UNREACHABLE = 5
INTERRUPTED = 130  # what a shell expects after Ctrl-C


class Stop(click.ClickException):
    """The command ends here; the message says what, on which, and what to do."""

    exit_code = FAILED

    def format_message(self) -> str:
        return clean_lines(self.message)


class Misuse(Stop):
    """What was asked for cannot be done as it was asked."""

    exit_code = USAGE
