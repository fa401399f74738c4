"""The four figures in words: how much, of how many, and how that was before."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deployments.delivery import Tally, quantile
from deployments.periods import Period, Step

NINE_OF_TEN = 0.9
# A difference that says nothing.
ALIKE = 0.05
# Beyond it, people think in times as many.
MOST_PERCENT = 200


@dataclass(frozen=True)
class Change:
    """How a figure moved: a sign, words, and whether that is good."""

    sign: str
    words: str
    tone: str = ""


@dataclass(frozen=True)
class Tile:
    """One figure as a headline; `unit` follows it, `more` are sentences below."""

    name: str
    title: str
    figure: str
    unit: str
    more: list[str]
    change: Change
    meaning: str


def span(seconds: float | None) -> str:
    """Answer a duration in its two largest units: "45 s", "14 min", "3 h 12 min", "2 d 4 h"."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _two(minutes, 60, "h", "min")
    return _two(round(seconds / 3600), 24, "d", "h")


def share(part: float | None) -> str:
    """Answer a share in percent, with a decimal only where it says something."""
    return "–" if part is None else f"{part * 100:.1f}".removesuffix(".0") + "%"


def pace(count: int, days: int) -> tuple[str, str]:
    """Answer how often that is: a number, and by day or by week."""
    if not count:
        return "None", ""
    if count >= days:
        return f"{count / days:.1f}".removesuffix(".0"), "a day"
    weekly = count * 7 / days
    return f"{weekly:.1f}".removesuffix(".0") if weekly >= 0.1 else "under 0.1", "a week"


def tiles(now: Tally, before: Tally, period: Period) -> list[Tile]:
    """Answer the four figures of a period, beside those of the one before."""
    past = f"the {period.days} days before" if period.days > 1 else "the day before"
    made = [
        _frequency(now, before, period, past),
        _lead(now, before, past),
        _rate(now, before, past),
        _restore(now, before, past),
    ]
    # Where nothing can be compared the page says so once, and not in each of them.
    if all(each.change == _nothing(past) for each in made):
        return [replace(each, change=Change("", "")) for each in made]
    return made


def day_name(step: Step) -> str:
    """Answer a step as a short label: its first day."""
    return f"{step.first.day} {step.first:%b}"


def step_name(step: Step) -> str:
    """Answer a step in full: "21 Nov 2026", or "16 to 22 Nov 2026"."""
    if step.first == step.last:
        return f"{step.first.day} {step.first:%b %Y}"
    first = f"{step.first.day}" if step.first.month == step.last.month else day_name(step)
    return f"{first} to {step.last.day} {step.last:%b %Y}"


def many(count: int, one: str, more: str = "") -> str:
    """Answer a count with its word."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _frequency(now: Tally, before: Tally, period: Period, past: str) -> Tile:
    figure, unit = pace(now.live, period.days)
    more = [f"{many(now.live, 'deploy')} went live."]
    if now.observed:
        more.append(f"Of them only observed: {now.observed:,}.")
    return Tile(
        "frequency",
        "Deploy frequency",
        figure,
        unit,
        more,
        _oftener(now.live, before.live, past),
        "How often new code or new settings go live.",
    )


def _lead(now: Tally, before: Tally, past: str) -> Tile:
    more = _nine_of_ten(now.leads)
    if now.undated:
        more.append(f"Left out, for the commit's time is not known: {many(now.undated, 'deploy')}.")
    median, earlier = quantile(now.leads, 0.5), quantile(before.leads, 0.5)
    return Tile(
        "lead",
        "Lead time",
        span(median),
        "" if median is None else "median",
        more,
        _shorter(median, earlier, past),
        "How long it takes from a commit until it is live.",
    )


def _rate(now: Tally, before: Tally, past: str) -> Tile:
    more = []
    if now.changes:
        more.append(f"{now.failures:,} of {many(now.changes, 'deploy')}.")
    if now.failures:
        more.append(f"Failed in place: {now.failed:,}; rolled back from: {now.rolled_back:,}.")
    return Tile(
        "rate",
        "Change failure rate",
        share(now.failure_rate),
        "",
        more,
        _lower(now.failure_rate, before.failure_rate, past),
        "How many deploys fail in place, or are rolled back from.",
    )


def _restore(now: Tally, before: Tally, past: str) -> Tile:
    more = _nine_of_ten(now.restores)
    if now.open:
        more.append(f"Still open: {many(now.open, 'failure')}.")
    median, earlier = quantile(now.restores, 0.5), quantile(before.restores, 0.5)
    return Tile(
        "restore",
        "Time to restore",
        span(median),
        "" if median is None else "median",
        more,
        _shorter(median, earlier, past),
        "How long it takes from a failure until a deploy ends it.",
    )


def _nine_of_ten(seconds: Iterable[float]) -> list[str]:
    most = quantile(seconds, NINE_OF_TEN)
    return [] if most is None else [f"Nine of ten took at most {span(most)}."]


def _oftener(now: int, before: int, past: str) -> Change:
    if not before:
        return _nothing(past)
    percent = round((now / before - 1) * 100)
    if not percent:
        return Change("", f"As often as in {past}.")
    if percent > MOST_PERCENT:
        return Change("▲", f"{now / before:.1f} times as many as in {past}.")
    if percent > 0:
        return Change("▲", f"{percent:,}% more than in {past}.")
    return Change("▼", f"{-percent}% fewer than in {past}.")


def _shorter(now: float | None, before: float | None, past: str) -> Change:
    if before is None:
        return _nothing(past)
    if now is None:
        return Change("", f"{span(before)} in {past}.")
    if abs(now - before) <= ALIKE * max(now, before):
        return Change("", f"About as long as in {past}.")
    if now < before:
        return Change("▼", f"{span(before - now)} shorter than in {past}.", "better")
    return Change("▲", f"{span(now - before)} longer than in {past}.", "worse")


def _lower(now: float | None, before: float | None, past: str) -> Change:
    if before is None:
        return _nothing(past)
    if now is None:
        return Change("", f"{share(before)} in {past}.")
    points = round((now - before) * 100, 1)
    if not points:
        return Change("", f"The same as in {past}.")
    if points < 0:
        return Change("▼", f"{-points:g} points lower than in {past}.", "better")
    return Change("▲", f"{points:g} points higher than in {past}.", "worse")


def _nothing(past: str) -> Change:
    return Change("", f"Nothing in {past} to compare with.")


def _two(count: int, per: int, large: str, little: str) -> str:
    rest = count % per
    return f"{count // per:,} {large} {rest} {little}" if rest else f"{count // per:,} {large}"
