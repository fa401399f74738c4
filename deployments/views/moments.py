"""Times as people read them: how long ago, with the exact time to point at."""

from datetime import UTC, datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def ago(at: datetime | None, now: datetime) -> SafeString | str:
    """Answer a `<time>` that reads "5 min ago"; after a month, the date."""
    if at is None:
        return ""
    exact = at.astimezone(UTC)
    return format_html(
        '<time data-ago datetime="{}" title="{}">{}</time>',
        f"{exact:%Y-%m-%dT%H:%M:%SZ}",
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        ago_words(exact, now),
    )


def ago_words(at: datetime, now: datetime) -> str:
    """Answer "5 min ago"; after a month, the date."""
    exact = at.astimezone(UTC)
    seconds = (now - exact).total_seconds()
    if seconds < 0:
        return f"{exact:%Y-%m-%d %H:%M}" if seconds < -5 else "just now"
    if seconds >= 30 * 86400:
        return f"{exact:%d %b %Y}"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds)} s ago" if seconds >= 5 else "just now"


def still_ago(at: datetime | None, now: datetime) -> SafeString | str:
    """Answer what `ago` does, for a moment that is renewed all the time: it does not count on while the page is open."""
    return SafeString(ago(at, now).replace(" data-ago", "", 1))


def since(at: datetime | None, now: datetime) -> SafeString | str:
    """Answer a `<time>` that reads "14:03 (UTC)"; of another day with its date."""
    if at is None:
        return ""
    exact = at.astimezone(UTC)
    pattern = "%H:%M (UTC)" if exact.date() == now.astimezone(UTC).date() else "%Y-%m-%d %H:%M (UTC)"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{exact:%Y-%m-%dT%H:%M:%SZ}",
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        exact.strftime(pattern),
    )


def clock(at: datetime | None) -> SafeString | str:
    """Answer a `<time>` that reads "14:05:09", for lines of a log."""
    if at is None:
        return ""
    exact = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="milliseconds"),
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        f"{exact:%H:%M:%S}",
    )


def lasted(start: datetime | None, end: datetime | None) -> str:
    """Answer a span as "1.4 s", "2 min 5 s" or "3 h 12 min"; nothing while an end is not known."""
    if start is None or end is None:
        return ""
    span = max(end - start, timedelta())
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def until(at: datetime | None, now: datetime) -> SafeString | str:
    """Answer a `<time>` that reads "in 5 d", or "over" once it is."""
    if at is None:
        return ""
    exact, seconds = at.astimezone(UTC), (at - now).total_seconds()
    words = next((f"in {int(seconds // length)} {unit}" for unit, length in _UNITS if seconds >= length), "in a moment")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{exact:%Y-%m-%dT%H:%M:%SZ}",
        f"{exact:%Y-%m-%d %H:%M:%S} UTC",
        words if seconds > 0 else "over",
    )
