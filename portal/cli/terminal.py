"""What reaches a terminal: consoles that interpret nothing, and text without control characters."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import click
from rich.console import Console
from rich.text import Text

# Without a terminal there is no width to fit into; 80 columns would cut the lines of a CI log.
WIDTH_WITHOUT_TERMINAL = 200

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"
)
_BLANKS = (*range(0x09, 0x0E), 0x85, 0x2028, 0x2029)
# Controls, and the marks that turn the direction of writing and so make text read other than it is.
_UNSEEN = (*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F))
_UNSEEN += (*range(0x2066, 0x206A), 0xFEFF)
_HARMLESS: dict[int, str | None] = {
    **dict.fromkeys(_UNSEEN),
    **dict.fromkeys(_BLANKS, " "),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}


def clean(value: object) -> str:
    """Return the value as one line that a terminal shows and does not obey; nothing for None."""
    if value is None:
        return ""
    return _ESCAPE_SEQUENCE.sub("", str(value)).translate(_HARMLESS)


def clean_lines(value: object) -> str:
    """Do as `clean`, and keep the breaks between lines."""
    return "\n".join(clean(line) for line in str(value).splitlines())


def text(value: object, style: str = "") -> Text:
    """Return the value as text that rich takes as it is."""
    return Text(clean(value), style=style)


def output() -> Console:
    """Return the console for what was asked for."""
    return _console(stderr=False)


def notices() -> Console:
    """Return the console for what is said besides: progress, warnings, hints."""
    return _console(stderr=True)


def notice(message: str) -> None:
    """Say one line on stderr."""
    notices().print(text(message), soft_wrap=True)


def warn(message: str) -> None:
    """Say on stderr what the person should know and did not ask for."""
    notices().print(text(f"Warning: {message}", "yellow"), soft_wrap=True)


def say(message: str) -> None:
    """Say one line on stdout."""
    output().print(text(message), soft_wrap=True)


def print_json(document: Any, *, on_one_line: bool = False) -> None:
    """Print one JSON document; in ASCII, which no terminal and no encoding can misread."""
    click.echo(json.dumps(document, indent=None if on_one_line else 2))


def survive_any_encoding() -> None:
    """Let a terminal that cannot write a character show `?` instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    fits = stream.isatty() or "COLUMNS" in os.environ
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if fits else WIDTH_WITHOUT_TERMINAL,
    )
