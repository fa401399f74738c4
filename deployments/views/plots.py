"""Plots as shapes: where bars, dots and lines lie. Across in percent, so that they fit any width; down in pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# From the top of a plot to its base line; below it the labels of days have room.
TOP, BASE = 10, 160
HEIGHT = 184
MOST_LABELS = 5
GAP = 0.16
MINUTE, HOUR, DAY = 60, 3600, 86_400
SPANS = [
    (1, "1 s"),
    (10, "10 s"),
    (MINUTE, "1 min"),
    (10 * MINUTE, "10 min"),
    (HOUR, "1 h"),
    (6 * HOUR, "6 h"),
    (DAY, "1 d"),
    (7 * DAY, "7 d"),
    (30 * DAY, "30 d"),
    (365 * DAY, "1 y"),
]


@dataclass(frozen=True)
class Shape:
    """A bar, a dot or a line of one step. `look` names how it is drawn."""

    look: str
    x: str
    y: float
    width: str = ""
    height: float = 0


@dataclass(frozen=True)
class Slot:
    """What is drawn of one step, and the same in words."""

    x: str
    width: str
    words: str
    bars: list[Shape] = field(default_factory=list)
    dots: list[Shape] = field(default_factory=list)
    lines: list[Shape] = field(default_factory=list)


@dataclass(frozen=True)
class Label:
    """A word below the plot."""

    x: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Plot:
    """A whole plot: marks of the axis as (pixels down, word), labels below, and what is drawn."""

    ticks: list[tuple[float, str]]
    labels: list[Label]
    slots: list[Slot]
    height: int = HEIGHT
    top: int = TOP
    base: int = BASE


Stack = Sequence[tuple[str, int]]


def stacked(steps: Sequence[Stack], names: list[str], words: list[str]) -> Plot:
    """Draw counts upon each other, step by step; each is (look, count)."""
    most = max((sum(count for _, count in stack) for stack in steps), default=0)
    marks = _round_marks(most)
    slots = []
    for at, stack in enumerate(steps):
        slot, below = _slot(at, len(steps), words[at]), 0
        for look, count in stack:
            if count:
                slot.bars.append(_bar(look, at, len(steps), below / marks[-1], (below + count) / marks[-1]))
                below += count
        slots.append(slot)
    return Plot([(_down(mark / marks[-1]), f"{mark:,}") for mark in marks], _labels(names), slots)


def shares(steps: Sequence[float | None], names: list[str], words: list[str]) -> Plot:
    """Draw shares as bars; none at all as a dot on the base line, and nothing of nothing."""
    most = max((share for share in steps if share is not None), default=0)
    top = next(each for each in (5, 10, 20, 40, 60, 80, 100) if each >= round(most * 100, 6))
    slots = []
    for at, share in enumerate(steps):
        slot = _slot(at, len(steps), words[at])
        if share:
            slot.bars.append(_bar("failed", at, len(steps), 0, share * 100 / top))
        elif share is not None:
            slot.dots.append(Shape("none", _middle(at, len(steps)), BASE))
        slots.append(slot)
    return Plot([(_down(part), f"{top * part:g}%") for part in (0, 0.5, 1)], _labels(names), slots)


def spans(steps: Sequence[tuple[float, float] | None], names: list[str], words: list[str]) -> Plot:
    """Draw durations, (median, 90th percentile) in seconds, on an axis where each mark is many times the one before."""
    known = [max(seconds, 1) for pair in steps if pair for seconds in pair]
    axis, place = _span_axis(min(known, default=1), max(known, default=1))
    slots = []
    for at, pair in enumerate(steps):
        slot = _slot(at, len(steps), words[at])
        if pair:
            x, (median, most) = _middle(at, len(steps)), map(place, pair)
            slot.lines.append(Shape("reach", x, _down(most), height=_down(median)))
            slot.dots.extend([Shape("most", x, _down(most)), Shape("median", x, _down(median))])
        slots.append(slot)
    return Plot([(_down(place(seconds)), word) for seconds, word in axis], _labels(names), slots)


def _span_axis(least: float, most: float) -> tuple[list[tuple[int, str]], Callable[[float], float]]:
    """Answer the marks around these durations, and where between them a duration lies: 0 to 1."""
    first = max((at for at, (mark, _) in enumerate(SPANS) if mark <= least), default=0)
    last = min((at for at, (mark, _) in enumerate(SPANS) if mark >= most), default=len(SPANS) - 1)
    axis = SPANS[min(first, len(SPANS) - 2) : max(last, first + 1) + 1]
    low, high = math.log(axis[0][0]), math.log(max(axis[-1][0], most))
    return axis, lambda seconds: (math.log(max(seconds, 1)) - low) / (high - low)


def _round_marks(most: int) -> list[int]:
    """Answer marks from 0 to no less than this, three or four of them, at round numbers."""
    apart = next(unit * 10**power for power in range(12) for unit in (1, 2, 5) if unit * 10**power * 4 >= max(most, 2))
    return [apart * n for n in range(math.ceil(max(most, 2) / apart) + 1)]


def _down(part: float) -> float:
    return round(BASE - part * (BASE - TOP), 1)


def _slot(at: int, count: int, words: str) -> Slot:
    return Slot(_percent(at / count), _percent(1 / count), words)


def _bar(look: str, at: int, count: int, low: float, high: float) -> Shape:
    # What is little is still seen.
    height = max(_down(low) - _down(high), 2)
    return Shape(
        look, _percent((at + GAP) / count), round(_down(low) - height, 1), _percent((1 - 2 * GAP) / count), height
    )


def _middle(at: int, count: int) -> str:
    return _percent((at + 0.5) / count)


def _labels(names: list[str]) -> list[Label]:
    """Answer as many names as fit, the first and the last among them."""
    last = len(names) - 1
    apart = max(1, math.ceil(last / (MOST_LABELS - 1)))
    chosen = [at for at in range(0, last + 1, apart) if at in (0, last) or last - at >= apart * 0.75]
    if last not in chosen:
        chosen.append(last)
    return [Label(_middle(at, len(names)), "middle", names[at]) for at in chosen]


def _percent(part: float) -> str:
    return f"{part * 100:.3f}%"
