"""Trying again: which answers are worth it, and how long to wait before."""

from __future__ import annotations

import email.utils
import random
from datetime import datetime, timezone

import httpx

# The waits between four tries, in seconds.
BACKOFF = (0.5, 1.0, 2.0)
# A portal that asks for more patience than this gets none: the caller says so and ends.
LONGEST_WAIT = 60.0
PASSING = (502, 503, 504)


def wait_before_retry(response: httpx.Response, pause: float) -> float | None:
    """Return the seconds to wait before trying again, or None when this answer is final."""
    if response.status_code in PASSING or response.status_code == 429:
        wait = _retry_after(response)
        if wait is None:
            return jittered(pause)
        return wait if wait <= LONGEST_WAIT else None
    # The first try of this very request is still at work: its answer will be ours.
    if response.status_code == 409 and problem_code(response) == "in_progress":
        return _retry_after(response) or jittered(pause)
    return None


def jittered(pause: float) -> float:
    """Spread the clients that one outage made wait."""
    return pause * random.uniform(0.8, 1.2)


def problem_code(response: httpx.Response) -> str | None:
    """Return the stable word of a problem answer."""
    try:
        code = response.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, str) else None


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
