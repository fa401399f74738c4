"""What people see: tables and summaries of the portal's documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import dates, show_changes, show_settings, words
from .api import Document
from .place import Place
from .terminal import clean, notices, output, say, text

_WRITTEN = ("Description", "State", "What")
_LEVELS = {"WARNING": "yellow", "WARN": "yellow", "ERROR": "red", "CRITICAL": "red", "DEBUG": "bright_black"}


def history(document: Document, *, live: int | None) -> None:
    """Show deploys, one a line, the live one marked."""
    rows = document["results"]
    if not rows:
        say("Nothing was deployed here yet.")
        return
    changes = [show_changes.counts(deploy.get("assets")) for deploy in rows]
    # Where nobody says what is defined, there is no column for it.
    assets = ["Assets"] if any(changes) else []
    table = listing("", "#", "Status", "When", "Who", "Type", *assets, "Description", "Commit")
    at = dates.now()
    for deploy, changed in zip(rows, changes, strict=True):
        table.add_row(
            text(words.LIVE if live is not None and deploy.get("number") == live else "", "green"),
            text(deploy.get("number"), "bold"),
            words.status(deploy),
            text(_when(deploy, at)),
            text(words.actor(deploy)),
            words.kind(deploy),
            *(text(changed) for _ in assets),
            on_one_line(deploy.get("description") or words.unspoken(deploy)),
            text(words.commit(deploy, length=8), "bright_black"),
        )
    output().print(table)


def deploy(place: Place, document: Document, changes: Document | None = None) -> None:
    """Show everything about one deploy; `changes` are the first of what it changed in the assets."""
    out = output()
    out.print(text(f"{place} #{document.get('number')}  ", "bold") + words.status(document), soft_wrap=True)
    facts(out, _deploy_facts(document, changes))
    _fault(out, document)


def outcome(out: Console, place: Place, document: Document) -> None:
    """Say in a line how a deploy stands, and if it went wrong, why."""
    line = words.status({**document, "verified": True})
    line += text(f" {place} #{document.get('number')}")
    if document.get("status") == "SUCCEEDED":
        line += text(f", {words.verification(document)}")
    if document.get("status") == "HELD":
        line += text(f": {clean(document.get('held_reason')) or 'stored, not activated'}")
    if words.duration(document):
        line += text(f", {words.duration(document)}")
    out.print(line, soft_wrap=True)
    _fault(out, document)


def progress(event: Document) -> None:
    """Show an event beside what was asked for, on stderr."""
    _event(notices(), event)


def log(event: Document) -> None:
    """Show an event as what was asked for, on stdout."""
    _event(output(), event)


def location(place: Place, row: Document) -> None:
    """Show what is wanted, placed and live in a code location, and whether it is held."""
    out = output()
    wanted, placed, live = (words.number(row.get(f"{fact}_deploy")) for fact in ("wanted", "placed", "live"))
    out.print(text(place, "bold"), soft_wrap=True)
    facts(
        out,
        [
            ("Wanted", wanted),
            ("Placed", placed),
            ("Live", live),
            ("Last good", words.last_good(row)),
            ("Hold", _hold(row.get("hold")) or "none"),
            ("Drift", row.get("drift")),
        ],
    )
    if placed not in (live, "–"):
        out.print(text(f"{placed} is in place and did not go live; {live} was the last live.", "yellow"))


def resumed(place: Place, document: Document) -> None:
    """Say that the hold is over, and what it lets go live."""
    # The answer is the newest deploy that was held, or the code location when there was none.
    number = document.get("number")
    say(
        f"{place} takes deploys again."
        if number is None
        else f"{place} takes deploys again; #{number} is activated now."
    )


def places(rows: Iterable[Document]) -> None:
    """Show every place that may be seen, and what is live there."""
    table = listing("Place", "Live", "State")
    for row in rows:
        found = row["code_location"] or {}
        table.add_row(text(row["place"], "bold"), text(words.number(found.get("live_deploy"))), _state(row))
    if table.row_count:
        output().print(table)
    else:
        say("You may see no deployment. Ask for a role in an organization.")


def listing(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        # Where the width is short, only what may wrap gives way: what people wrote, not names and numbers.
        table.add_column(heading, no_wrap=heading not in _WRITTEN)
    return table


def on_one_line(value: object) -> Text:
    """Return a text that a table may shorten, and does not wrap."""
    written = text(value)
    written.no_wrap, written.overflow = True, "ellipsis"
    return written


def _when(deploy: Document, at: Any) -> str:
    when = dates.ago(deploy.get("created_at"), at=at)
    run = deploy.get("run")
    count = run.get("count") if isinstance(run, dict) else None
    return f"{when} ×{count}" if isinstance(count, int) and count > 1 else when


def _deploy_facts(document: Document, changes: Document | None) -> Iterable[tuple[str, Any]]:
    git, release = document.get("git") or {}, document.get("release") or {}
    yield "Type", words.kind(document)
    yield "Description", document.get("description")
    yield "Who", words.actor(document)
    uncommitted = "with uncommitted changes" if git.get("dirty") else None
    yield "Commit", " ".join(filter(None, (git.get("commit"), git.get("branch"), uncommitted)))
    yield "", git.get("commit_url")
    yield "Message", git.get("message")
    yield "Image", release.get("image")
    yield "", release.get("image_digest")
    for bundle in release.get("bundles") or ():
        yield (
            "Bundle",
            f"{bundle.get('mount')}  {bundle.get('version') or bundle.get('digest')}{_from(bundle)}",
        )
    yield "Runtime", release.get("runtime_version")
    yield "Settings", show_settings.listed(release.get("settings"))
    yield "Release", release.get("digest")
    for word in ("created", "started", "activated", "verified", "finished"):
        yield word.capitalize(), dates.full(document.get(f"{word}_at"))
    yield "Took", words.duration(document)
    yield "Verification", words.verification(document) if document.get("activated_at") else None
    yield "Held", document.get("held_reason")
    yield "Acknowledged", ", ".join(document.get("acknowledged") or ())
    yield "Assets", show_changes.changed_by(document, changes)
    yield "Not applied", ", ".join(name for name, done in (document.get("applied") or {}).items() if not done)
    yield "Rollback to it", _restorable(document.get("restorable"))
    yield from (document.get("metadata") or {}).items()


def facts(out: Console, found: Iterable[tuple[str, Any]]) -> None:
    """Show names and what is known under them; what is not known is left out."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bright_black", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in found:
        if value is not None and str(value):
            grid.add_row(text(name), value if isinstance(value, Text) else text(value))
    out.print(grid)


def _fault(out: Console, document: Document) -> None:
    for line in words.fault(document.get("error")):
        out.print(text(f"  {clean(line)}", "red"), soft_wrap=True)


def _event(out: Console, event: Document) -> None:
    style = _LEVELS.get(str(event.get("level") or "").upper(), "")
    step = clean(event.get("step")).lower()
    mark = f"▸ {step}  " if event.get("kind") == "STEP" else "  "
    for line in str(event.get("message") or "").splitlines() or [""]:
        said = text(f"{dates.time_of_day(event.get('at'))}  ", "bright_black")
        out.print(said + text(mark, "bold") + text(line, style), soft_wrap=True)
        mark = "  "


def _hold(hold: Any) -> str:
    if not isinstance(hold, dict):
        return clean(hold)
    until = dates.full(hold.get("until"))
    who = words.actor(hold) or clean(hold.get("created_by"))
    said = [clean(hold.get("reason")) or "held", f"by {who}" if who else ""]
    return ", ".join(filter(None, (*said, f"until {until}" if until else "")))


def _state(row: Document) -> Text:
    found = row["code_location"]
    if found is None:
        return text("no code location", "bright_black")
    if found.get("hold"):
        return text(f"held: {_hold(found['hold'])}", "yellow")
    placed = found.get("placed_deploy")
    if placed is not None and placed != found.get("live_deploy"):
        return text(f"{words.number(placed)} in place, not live", "yellow")
    return text("")


def _from(bundle: Document) -> str:
    return f"  from #{bundle['from_deploy']}" if bundle.get("from_deploy") is not None else ""


def _restorable(found: Any) -> str | None:
    if isinstance(found, dict):
        return f"not possible: {found.get('detail') or found.get('code')}"
    return "possible" if found is True else None
