"""Text that reaches a terminal."""

from __future__ import annotations

import json

import pytest
from lastgood.terminal import clean, clean_lines, print_json, text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain – text ✓ Größe 👩‍💻", "plain – text ✓ Größe 👩‍💻"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07x", "x"),
        ("\x1bcreset", "reset"),
        ("\x1b]unfinished", "unfinished"),
        ("\x1b[31", "31"),
        ("\x9b31mred\x9d0;title\x9cafter", "redafter"),
        ("over\rwritten\b\b", "over written"),
        ("tab\tand\nline\u2028end", "tab and line end"),
        ("nul\x00 bell\x07 del\x7f", "nul bell del"),
        ("\u202etxt.exe\u2066 turned\ufeff", "txt.exe turned"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        (None, ""),
        (12, "12"),
    ],
)
def test_shows_what_the_portal_says_and_does_not_obey_it(raw: object, shown: str) -> None:
    assert clean(raw) == shown


def test_does_not_hide_an_escape_within_an_escape() -> None:
    assert "\x1b" not in clean("\x1b\x1b[31m[31m\x1b\x9b\x1b")


def test_keeps_lines_apart() -> None:
    assert clean_lines("one\x1b[1m\r\ntwo") == "one\ntwo"


def test_takes_no_text_for_markup() -> None:
    assert text("[red]x[/red] :smile:").plain == "[red]x[/red] :smile:"
    assert text("[red]x[/red]").spans == []


def test_prints_json_that_no_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"description": "\x1b[31m\x9b ü \ud800"}

    print_json(document)

    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == document
