"""The lines in which a change is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lastgood import show_changes
from lastgood.definitions.differ import change_between
from lastgood.definitions.normal import normal
from lastgood.terminal import output

Lines = Callable[..., list[str]]
DAILY = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}


def asset(**said: Any) -> dict[str, Any]:
    return {"key": ["db", "orders"], **said}


def tagged(**tags: str) -> dict[str, Any]:
    return asset(tags=tags)


def noted(label: str, value: Any) -> dict[str, Any]:
    return asset(metadata={label: {"type": "Text", "value": value}})


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return what is printed of one asset, before and after."""

    def said(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        change = change_between(normal(old, position=0), normal(new, position=0))
        show_changes.print_rows(show_changes.rows_of(change, width=output().width))
        return capsys.readouterr().out.splitlines()

    return said


def test_says_partitions_and_parents_in_words(lines: Lines) -> None:
    mapping = {"class": "TimeWindowPartitionMapping", "description": "the day before"}
    old = asset(partitions_def=DAILY, deps=[{"key": ["raw"]}, {"key": ["gone"]}])
    new = asset(
        partitions_def={**DAILY, "cron_schedule": "0 * * * *"},
        deps=[{"key": ["raw"], "partition_mapping": mapping}, {"key": ["new"]}],
    )

    assert lines(old, new) == [
        "  - upstream gone",
        "  + upstream new",
        "    upstream raw  default mapping → TimeWindowPartitionMapping: the day before",
        "    partitions    daily from 2024-01-01 → hourly from 2024-01-01",
    ]


def test_shows_texts_of_many_lines_by_the_lines_that_changed(lines: Lines) -> None:
    old = asset(description="One.\nTwo.\nThree.")
    new = asset(description="One.\nTwo!\nThree.")

    assert lines(old, new) == [
        "    description",
        "        One.",
        "      - Two.",
        "      + Two!",
        "        Three.",
    ]


def test_shortens_texts_of_very_many_lines(lines: Lines) -> None:
    said = lines(asset(), asset(description="line\n" * 100))

    assert said[-1] == "      … 61 lines more; --json has them"
    assert len(said) < 50


def test_says_that_only_the_end_of_a_line_differs(lines: Lines) -> None:
    assert "only the ends of lines differ" in lines(asset(description="x"), asset(description="x\n"))[1]


def test_shows_of_one_long_line_what_is_around_the_difference(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    query = "select " + ", ".join(f"column_{each}" for each in range(200))
    said = lines(noted("query", query), noted("query", query.replace("column_77,", "column_seven,")))

    assert said[0] == "    metadata query"
    old, new = said[1:3]
    assert old.startswith("      - …")
    assert "column_77," in old
    assert new.startswith("      + …")
    assert "column_seven," in new
    assert max(map(len, said)) < 120


def test_shows_of_a_very_long_line_its_beginning(lines: Lines) -> None:
    said = lines(asset(), noted("query", "x" * 5_000))

    assert said[0].endswith("xx… (4,700 letters more)")


def test_puts_values_below_each_other_where_the_width_is_short(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    assert lines(tagged(why="o" * 30), tagged(why="n" * 30))[:3] == [
        "    tag why",
        f"      - {'o' * 30}",
        f"      + {'n' * 30}",
    ]


def test_quotes_what_cannot_be_told_apart_by_eye(lines: Lines) -> None:
    assert lines(tagged(k=""), tagged(k="x"))[0] == '    tag k  "" → x'
    assert lines(tagged(k="x"), tagged(k="x "))[0] == '    tag k  x → "x "'
    assert lines(tagged(k="x"), tagged(k="x\u200e"))[0] == '    tag k  x → "x\\u200e"'
