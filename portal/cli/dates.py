"""Times as the portal writes them (ISO 8601), for people to read."""

from __future__ import annotations

from datetime import datetime, timezone

_UNITS = (("s", 60), ("min", 60), ("h", 24), ("d", 31))


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(timezone.utc)


def parse(value: object) -> datetime | None:
    """Read a time of the portal; None when there is none or it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        # Python 3.10 does not know the letter Z.
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def ago(value: object, *, at: datetime) -> str:
    """Say how long before `at` it was; after a month, the day."""
    moment = parse(value)
    if moment is None:
        return ""
    amount = (at - moment).total_seconds()
    if amount < 1:
        return "just now"
    for unit, size in _UNITS:
        if amount < size:
            return f"{int(amount)} {unit} ago"
        amount /= size
    return moment.astimezone().strftime("%Y-%m-%d")


def full(value: object) -> str:
    """Say date and time in the zone of the person."""
    moment = parse(value)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %z") if moment else ""


def time_of_day(value: object) -> str:
    """Say hours, minutes and seconds in the zone of the person."""
    moment = parse(value)
    return moment.astimezone().strftime("%H:%M:%S") if moment else "--:--:--"


def seconds_between(start: object, end: object) -> float | None:
    """Return the seconds from one time of the portal to another, if both are known."""
    first, last = parse(start), parse(end)
    return (last - first).total_seconds() if first and last else None
