"""Long texts of before and after as unified text: short enough for a page, with what differs within a line marked."""

from dataclasses import dataclass
from itertools import groupby

from assets.definitions.words import Line

# Texts that are longer are not laid side by side: comparing them takes the square of their length.
MOST_LETTERS = 100_000
MOST_LINES = 2_000
# Lines that a page shows of one text.
SHOWN = 300
# Letters of a line that are shown, and of those around what differs in it.
LINE = 1_500
NEAR = 160
WORDS = {"-": "gone", "+": "new", " ": "same", "…": "left-out"}
SIGNS = {"-": "−", "+": "+", " ": "", "…": "…"}


@dataclass(frozen=True)
class TextLine:
    """One line of unified text; `marked` is what differs from the line that it stands against, if they are alike."""

    word: str
    sign: str
    head: str
    marked: str = ""
    tail: str = ""


def is_too_long(line: Line) -> bool:
    """Say whether the two texts are too long to be compared while somebody waits."""
    said = [text for text in (line.old, line.new) if text is not None]
    return any(len(text) > MOST_LETTERS or text.count("\n") > MOST_LINES for text in said)


def unified(line: Line) -> list[TextLine]:
    """Answer the lines that a page shows; one more than SHOWN says that there are others."""
    runs = [
        (sign, [text for _, text in run]) for sign, run in groupby(line.unified()[: SHOWN + 1], lambda each: each[0])
    ]
    shown: list[TextLine] = []
    for position, (sign, texts) in enumerate(runs):
        others = _counterpart(runs, position)
        for number, text in enumerate(texts):
            shown.append(_line(sign, text, others[number] if len(others) == len(texts) else None))
    return shown


def _counterpart(runs: list[tuple[str, list[str]]], position: int) -> list[str]:
    """Answer the new lines that stand for these old ones, or the old ones for new ones."""
    sign = runs[position][0]
    if sign == "-" and position + 1 < len(runs) and runs[position + 1][0] == "+":
        return runs[position + 1][1]
    if sign == "+" and position and runs[position - 1][0] == "-":
        return runs[position - 1][1]
    return []


def _line(sign: str, text: str, other: str | None) -> TextLine:
    word, shown = WORDS[sign], SIGNS[sign]
    if other is not None:
        before = _alike(text, other)
        rest, other_rest = text[before:], other[before:]
        after = _alike(rest[::-1], other_rest[::-1])
        # Lines that have little in common are read as a whole.
        if (before + after) * 2 > max(len(text), len(other)):
            end = len(rest) - after
            return TextLine(word, shown, _end_of(text[:before]), _cut(rest[:end]), _beginning_of(rest[end:]))
    return TextLine(word, shown, _cut(text))


def _alike(one: str, other: str) -> int:
    """Answer how many letters the two begin with alike."""
    shorter = min(len(one), len(other))
    return next((position for position in range(shorter) if one[position] != other[position]), shorter)


def _cut(text: str) -> str:
    return text if len(text) <= LINE else f"{text[:LINE]}…"


def _end_of(text: str) -> str:
    return text if len(text) <= 2 * NEAR else f"…{text[-NEAR:]}"


def _beginning_of(text: str) -> str:
    return text if len(text) <= 2 * NEAR else f"{text[:NEAR]}…"
