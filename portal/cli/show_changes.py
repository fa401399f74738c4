"""Changes of assets as people read them: a line for each thing that changed, from what to what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lastgood.definitions import prints
from lastgood.definitions import words as definition_words
from lastgood.definitions.differ import Change, DictDiff, Pair
from lastgood.definitions.words import Line
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from .terminal import clean, output

# Texts with their styles, of which a line is made.
Row = list[tuple[str, str]]

MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_COUNTED = {"added": "+", "removed": "−", "changed": "~"}
WIDEST_NAME = 32
# Of a text of many lines; --json has all of it.
MOST_LINES = 40
# Of one long line: what is around the difference, and what differs.
AROUND, MOST_LETTERS = 30, 300

_ASPECTS = {
    prints.CODE_VERSION: "code version",
    prints.DEPENDENCIES: "upstream ",
    prints.PARTITIONS_DEFINITION: "partitions",
    prints.TAGS: "tag ",
    prints.METADATA: "metadata ",
}
_SIGNS = {"+": "green", "-": "red", " ": "", "…": "bright_black"}


@dataclass(frozen=True)
class _Rows:
    """Rows as rich prints them as they are: twenty times as fast as its texts, and there may be 10,000."""

    rows: Iterable[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for row in self.rows:
            for said, style in row:
                yield Segment(clean(said), Style.parse(style))
            yield Segment.line()


def print_rows(rows: Iterable[Row]) -> None:
    """Print the rows; a terminal wraps what is too long for it."""
    output().print(_Rows(rows), soft_wrap=True, end="")


def as_text(rows: Iterable[Row]) -> Text:
    """Return the rows as one text."""
    return Text("\n").join(Text.assemble(*((clean(said), style) for said, style in row)) for row in rows)


def heading(kind: str, key: str, change_types: Iterable[str] = ()) -> Row:
    """Return the line of one asset: + added, - removed, ~ changed in what."""
    mark, style = MARKS.get(kind, ("?", ""))
    types = " ".join(map(str, change_types))
    row = [(f"{mark} ", style), (key, "bold" if types else style)]
    return [*row, (f"  {types}", "cyan")] if types else row


def heading_of(step: Mapping[str, Any]) -> Row:
    """Return the line of one asset in a list of the portal."""
    return heading(str(step.get("kind")), str(step.get("key")), step.get("change_types") or ())


def rows_of_steps(steps: Iterable[Mapping[str, Any]], *, width: int) -> Iterator[Row]:
    """Return all that a list of the portal says of assets that changed."""
    for step in steps:
        yield heading_of(step)
        yield from rows_of_details(step.get("details"), width=width)


def rows_of_details(details: object, *, width: int) -> Iterable[Row]:
    """Return the lines of a change in the portal's JSON, which is that of `lastgood diff`."""
    try:
        return list(rows_of(from_json(details), width=width)) if isinstance(details, dict) else []
    except (AttributeError, KeyError, TypeError, ValueError):
        return [[("    in a way that this client cannot say; --json has it", "bright_black")]]


def rows_of(change: Change, *, width: int) -> Iterator[Row]:
    """Return a line, or some, for each thing that changed."""
    lines = definition_words.lines(change)
    lengths = [cell_len(clean(f"{_ASPECTS.get(line.aspect, '')}{line.label}")) for line in lines]
    beside = [length for line, length in zip(lines, lengths, strict=True) if _is_beside(line) and length <= WIDEST_NAME]
    column = max(beside, default=0)
    for line, length in zip(lines, lengths, strict=True):
        yield from _rows_of_line(line, column=max(column, length), padding=max(0, column - length), width=width)


def counts(found: object) -> str:
    """Say briefly how many came, went and changed; nothing when that is not known."""
    if not isinstance(found, Mapping):
        return ""
    said = [f"{sign}{found[word]}" for word, sign in _COUNTED.items() if found.get(word)]
    return " ".join(said) or "±0"


def total(found: object) -> int:
    """Return how many came, went and changed."""
    said = [found.get(word) for word in _COUNTED] if isinstance(found, Mapping) else []
    return sum(count for count in said if isinstance(count, int))


def changed_by(deploy: Mapping[str, Any], found: Mapping[str, Any] | None) -> Text | None:
    """Return how many assets a deploy changed, and the first of them by name."""
    if not (said := counts(deploy.get("assets"))):
        return None
    said = said if total(deploy["assets"]) else "nothing changed"
    steps = (found or {}).get("results") or []
    recorded = (found or {}).get("recorded") or []
    first = any(each.get("compared_with") is None for each in recorded)
    rows: list[Row] = [[(f"{said}, the first that are known" if first else said, "")]]
    rows += [heading_of(step) for step in steps]
    left = total(deploy["assets"]) - len(steps)
    if left > 0 and steps:
        rows.append([(f"… and {left:,} more; `lastgood compare` shows all", "bright_black")])
    rows += [[(str(each["note"]), "yellow")] for each in recorded if each.get("note")]
    return as_text(rows)


def from_json(details: Mapping[str, Any]) -> Change:
    """Read a change from what `Change.as_json` wrote."""
    return Change(
        list(details.get("change_types") or ()),
        _pair(details.get("code_version")),
        _dict_diff(details.get("dependencies")),
        _pair(details.get("partitions_definition")),
        _dict_diff(details.get("tags")),
        _dict_diff(details.get("metadata")),
        {name: Pair(pair["old"], pair["new"]) for name, pair in (details.get("other") or {}).items()},
    )


def _pair(found: Mapping[str, Any] | None) -> Pair | None:
    return Pair(found["old"], found["new"]) if found else None


def _dict_diff(found: Mapping[str, Any] | None) -> DictDiff[Any]:
    if not found:
        return DictDiff()
    # Of dependencies that came and went there are only the names.
    added, removed = (dict.fromkeys(each) if isinstance(each, list) else each for each in _came_and_went(found))
    return DictDiff(added, removed, {name: Pair(pair["old"], pair["new"]) for name, pair in found["changed"].items()})


def _came_and_went(found: Mapping[str, Any]) -> tuple[Any, Any]:
    return found["added"], found["removed"]


def _is_beside(line: Line) -> bool:
    """Say whether a value stands on the line of the name: not one of many lines, and not none at all."""
    return "\n" not in (line.old or "") + (line.new or "") and bool(line.old or line.new)


def _rows_of_line(line: Line, *, column: int, padding: int, width: int) -> Iterator[Row]:
    mark, style = ("", "") if line.kind == "changed" else MARKS[line.kind]
    row = [(f"  {mark:2}", style), (_ASPECTS.get(line.aspect, ""), "bright_black"), (line.label, "")]
    gap = (" " * (padding + 2), "")
    if not _is_beside(line):
        yield row
        yield from _unified(line) if line.old or line.new else ()
    elif line.old is None or line.new is None:
        yield [*row, gap, (_cut(line.new or line.old or ""), style)]
    else:
        old, new = _told_apart(line.old, line.new)
        if cell_len(old) + cell_len(new) + column + len("      ") + len(" → ") <= width:
            yield [*row, gap, (old, "red"), (" → ", "bright_black"), (new, "green")]
        else:
            yield row
            yield [("      - ", "red"), (old, "red")]
            yield [("      + ", "green"), (new, "green")]


def _unified(line: Line) -> Iterator[Row]:
    found = line.unified()
    for sign, said in found[:MOST_LINES]:
        yield [(f"      {sign} {_cut(said)}".rstrip(), _SIGNS.get(sign, ""))]
    if len(found) > MOST_LINES:
        yield [(f"      … {len(found) - MOST_LINES} lines more; --json has them", "bright_black")]
    if not found:
        yield [("      only the ends of lines differ", "bright_black")]


def _told_apart(old: str, new: str) -> tuple[str, str]:
    """Return both as they can be told from each other by eye: no blanks at their ends, nothing that prints nothing."""
    if len(old) > MOST_LETTERS or len(new) > MOST_LETTERS:
        old, new = _where_they_differ(old, new)
    return _visible(old), _visible(new)


def _where_they_differ(old: str, new: str) -> tuple[str, str]:
    begin = max(0, _alike(old, new) - AROUND)
    old, new = old[begin:], new[begin:]
    end = max(0, _alike(old[::-1], new[::-1]) - AROUND)
    before, after = "…" * (begin > 0), "…" * (end > 0)
    return f"{before}{_cut(old[: len(old) - end])}{after}", f"{before}{_cut(new[: len(new) - end])}{after}"


def _alike(old: str, new: str) -> int:
    """Return how many letters both begin with."""
    shorter = min(len(old), len(new))
    return next((at for at in range(shorter) if old[at] != new[at]), shorter)


def _visible(said: str) -> str:
    return said if said and said == said.strip() and said == clean(said) else json.dumps(said)


def _cut(said: str) -> str:
    return said if len(said) <= MOST_LETTERS else f"{said[:MOST_LETTERS]}… ({len(said) - MOST_LETTERS:,} letters more)"
