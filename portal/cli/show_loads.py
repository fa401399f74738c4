"""What people see of loads."""

from __future__ import annotations

from . import dates, show_changes, words
from .api import Document
from .show import listing, on_one_line
from .terminal import output, say, text


def loads(document: Document) -> None:
    """Show what the platform loaded, one entry a line."""
    rows = document["results"]
    if not rows:
        say("The platform has not loaded anything here that was seen.")
        return
    shown = listing("When", "Status", "#", "Who", "Assets", "Commit", "Image", "What")
    at = dates.now()
    for load in rows:
        count = load.get("count") or 1
        shown.add_row(
            text(dates.ago(load.get("last_at"), at=at) + (f" ×{count}" if count > 1 else "")),
            text("✓ Loaded", "green") if load.get("ok") else text("✗ Failed to load", "red"),
            text(words.number(load.get("deploy")), "bold"),
            text(words.actor(load)),
            text(show_changes.counts(load.get("assets"))),
            text(words.commit(load, length=8), "bright_black"),
            on_one_line(load.get("image")),
            on_one_line(_what(load)),
        )
    output().print(shown)


def _what(load: Document) -> str:
    if not load.get("ok"):
        chain = (load.get("error") or {}).get("chain") or [load.get("error") or {}]
        own = next((link for link in reversed(chain) if link.get("frame")), chain[-1])
        return f"{chain[-1].get('message') or ''}  {own.get('frame') or ''}".strip()
    if load.get("reloaded_by"):
        return f"loaded again by {load['reloaded_by']}"
    return "loaded again, same definitions" if load.get("again") else ""
