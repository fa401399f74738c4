"""What people see of a rollback plan: what counts most comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from . import dates, show_changes, words
from .api import Document
from .place import Place
from .show import facts
from .terminal import output, text

_ENV = "env"


def plan(place: Place, document: Document) -> None:
    """Show a plan: from what to what, what stands in the way, what changes, what happens, what stays."""
    out = output()
    served, target = document.get("served"), document["to"]
    scope = {"code": ", code only", "settings": ", settings only"}.get(str(document.get("scope")), "")
    said = f"{place}: {_side(served) if served else 'nothing'} → {_side(target)}{scope}"
    out.print(text(said, "bold"), soft_wrap=True)
    if document.get("restorable") is not True:
        out.print(text(f"✗ {document['restorable']['detail']}", "red"), soft_wrap=True)
    for barrier in document.get("barriers") or []:
        hard = barrier.get("level") == "hard"
        style = "red" if hard else "yellow"
        out.print(text(f"{'✗' if hard else '!'} {barrier['title']} ({barrier['name']})", style), soft_wrap=True)
        out.print(text(f"  {barrier['detail']} {barrier['advice']}"), soft_wrap=True)
    for warning in document.get("warnings") or []:
        out.print(text(f"! {warning}", "yellow"), soft_wrap=True)
    facts(out, list(_changes(document)))
    _points("What happens", document.get("happens"))
    _points("What is not rolled back", document.get("stays"))
    out.print(text(f"Etag  {document.get('etag')}", "bright_black"), soft_wrap=True)
    if document.get("acknowledge"):
        named = " ".join(f"--acknowledge {name}" for name in document["acknowledge"])
        out.print(text(f"It runs only with {named}.", "yellow"), soft_wrap=True)


def _side(side: Document) -> str:
    description = str(side.get("description") or "")
    return f"#{side.get('number')}" + (f" “{description[:60]}”" if description else "")


def _changes(document: Document) -> Iterator[tuple[str, Any]]:
    for name, label in (("image", "Image"), ("runtime_version", "Runtime")):
        if pair := document.get(name):
            yield label, f"{pair['old'] or 'none'} → {pair['new'] or 'none'}"
    if settings := document.get("settings"):
        yield "Settings", Text("\n").join(_setting(each) for each in settings)
    if document.get("files_unknown"):
        yield "Files", "what is served now was loaded by somebody else; its files are not known"
    for bundle in document.get("bundles") or []:
        said = show_changes.counts({word: bundle.get(word) for word in ("added", "removed", "changed")})
        yield bundle["mount"], "the same files" if bundle.get("same") else f"files {said}"
    if assets := document.get("assets"):
        yield "Assets", _assets(assets)
    if steps := document.get("steps_over"):
        more = " and older ones" if document.get("more_steps") else ""
        yield "Steps over", ", ".join(words.number(step.get("number")) for step in steps) + more
    if runs := document.get("runs_in_flight"):
        more = " or more" if runs.get("more") else ""
        yield "Runs", f"{runs.get('total')}{more} in flight, counted {dates.full(runs.get('at'))}"
    for agent in document.get("agents") or []:
        yield (
            "Agent",
            f"{agent['name']} at {agent['version']}" + ("" if agent.get("ready") else ": to be reverted first"),
        )
    if document.get("restorable") is True:
        yield "Artifacts", "all of it is here"
    if document.get("changes_nothing"):
        yield "Changes", "nothing: it is what is served now"


def _assets(assets: Document) -> Text:
    rows: list[show_changes.Row] = [[(show_changes.counts(assets), "")]]
    rows += [show_changes.heading_of(step) for step in assets.get("results") or []]
    if assets.get("more"):
        rows.append([(f"… and {assets['more']} more", "bright_black")])
    return show_changes.as_text(rows)


def _setting(change: Document) -> Text:
    name = change["name"] if change.get("group") == _ENV else f"{change.get('group')}.{change['name']}"
    sides = [_value(change, side) for side in ("old", "new")]
    note = "" if change.get("applied") else "  (recorded, not applied)"
    mark, style = show_changes.MARKS.get(str(change.get("word")), ("?", ""))
    said = {"added": sides[1], "removed": sides[0]}.get(str(change.get("word")), f"{sides[0]} → {sides[1]}")
    return Text.assemble((f"{mark} ", style), text(name), "  ", text(said), (note, "yellow"))


def _value(change: Document, side: str) -> str:
    value = change.get(side)
    if change.get("secret"):
        return f"secret {value}" if value else "no secret"
    return value if isinstance(value, str) else json.dumps(value)


def _points(heading: str, sentences: Any) -> None:
    if not sentences:
        return
    out = output()
    out.print(text(heading, "bold"))
    for sentence in sentences:
        out.print(text(f"  · {sentence}"), soft_wrap=True)
