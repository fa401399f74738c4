"""Two texts, line by line: what differs, found in a time that is bounded, however alike they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate

# Lines around a change, and lines of a comparison that are shown.
CONTEXT = 3
MOST_SHOWN = 2_000
# Looks at a line of one side beside its twins on the other: a good half second.
MOST_LOOKS = 3_000_000

Opcode = tuple[str, int, int, int, int]


class TooTangled(Exception):
    """The two have so many lines alike, here and there, that comparing them would take too long."""


class BoundedMatcher(SequenceMatcher[str]):
    """Matches lines, and gives up after MOST_LOOKS. Raises TooTangled."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        super().__init__(None, old, new)
        twins = (1 + len(self.b2j.get(text, ())) for text in old)  # type: ignore[attr-defined]
        self._looks = [0, *accumulate(twins)]
        self._left = MOST_LOOKS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Do what the matcher does, counted."""
        end = len(self._looks) - 1 if ahi is None else ahi
        self._left -= self._looks[end] - self._looks[alo]
        if self._left < 0:
            raise TooTangled
        return super().find_longest_match(alo, ahi, blo, bhi)


@dataclass(frozen=True)
class DiffLine:
    """One line of a comparison. `sign`: "-", "+" or " "; the numbers are those that it has on either side, or None."""

    sign: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class Hunk:
    """Lines that differ, with those around them."""

    title: str
    lines: list[DiffLine]


@dataclass(frozen=True)
class Comparison:
    """Two texts beside each other. `tangled`: too much alike to be told apart, so all between is shown as replaced."""

    hunks: list[Hunk]
    added: int = 0
    removed: int = 0
    cut: bool = False
    tangled: bool = False


def compare(old: list[str], new: list[str]) -> Comparison:
    """Answer what differs, line by line."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    # What both begin and end with need not be compared; a little of it is shown.
    before, behind = min(head, CONTEXT), min(tail, CONTEXT)
    part_old, part_new = (side[head - before : len(side) - tail + behind] for side in (old, new))
    groups, tangled = _groups(part_old, part_new, before, behind)
    hunks: list[Hunk] = []
    added = removed = 0
    room, cut = MOST_SHOWN, False
    for group in groups:
        if all(tag == "equal" for tag, *_ in group):
            continue
        lines = list(_lines(group, part_old, part_new, head - before))
        added += sum(line.sign == "+" for line in lines)
        removed += sum(line.sign == "-" for line in lines)
        if room:
            hunks.append(Hunk(_title(group, head - before), lines[:room]))
        cut = cut or len(lines) > room
        room = max(0, room - len(lines))
    return Comparison(hunks, added, removed, cut, tangled)


def _groups(old: list[str], new: list[str], before: int, behind: int) -> tuple[list[list[Opcode]], bool]:
    """Answer what is to be done to `old`, in groups; and whether nothing better was found than to replace it all."""
    try:
        return list(BoundedMatcher(old, new).get_grouped_opcodes(CONTEXT)), False
    except TooTangled:
        end_old, end_new = len(old) - behind, len(new) - behind
        whole = [
            ("equal", 0, before, 0, before),
            ("replace", before, end_old, before, end_new),
            ("equal", end_old, len(old), end_new, len(new)),
        ]
        return [whole], True


def _lines(group: list[Opcode], old: list[str], new: list[str], skipped: int) -> Iterator[DiffLine]:
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            for number in range(old_to - old_from):
                at = old_from + number
                yield DiffLine(" ", at + skipped + 1, new_from + number + skipped + 1, old[at])
            continue
        for at in range(old_from, old_to):
            yield DiffLine("-", at + skipped + 1, None, old[at])
        for at in range(new_from, new_to):
            yield DiffLine("+", None, at + skipped + 1, new[at])


def _title(group: list[Opcode], skipped: int) -> str:
    first, last = group[0], group[-1]
    return f"@@ −{_span(first[1], last[2], skipped)} +{_span(first[3], last[4], skipped)} @@"


def _span(begin: int, end: int, skipped: int) -> str:
    # Of no line, the number of the one before is told, as everybody does it.
    return f"{begin + skipped + (1 if end > begin else 0)},{end - begin}"


def _alike(one: list[str], other: list[str]) -> int:
    """Answer how many lines the two begin with alike."""
    shorter = min(len(one), len(other))
    return next((position for position in range(shorter) if one[position] != other[position]), shorter)
