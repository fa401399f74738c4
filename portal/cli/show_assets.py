"""What people see of assets: lists, one asset, its changes, and two deploys compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lastgood.definitions import words as definition_words
from rich.table import Table
from rich.text import Text

from . import dates, show, words
from .api import Document
from .place import Place
from .show_changes import Row, as_text, counts, heading_of, print_rows, rows_of_details, rows_of_steps, total
from .terminal import clean, notice, output, say, text

KIND_TAG = "dagster/kind/"
# Lines of one metadata entry; --json has all of them.
MOST_LINES = 12


def listing(place: Place, document: Document, *, chosen: bool) -> None:
    """Show assets, one a line."""
    rows = document["results"]
    if not rows:
        say("No asset is like that." if chosen else f"Nobody has said yet what {place} defines.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    # A key is copied: it may take two lines, but is never cut.
    table.add_column("Key", overflow="fold")
    table.add_column("Group")
    table.add_column("Kinds")
    for name in ("Version", "Changed"):
        table.add_column(name, no_wrap=True)
    at = dates.now()
    for row in rows:
        changed = row.get("changed") or {}
        by = f"{words.number(changed)}  {dates.ago(changed.get('finished_at'), at=at)}" if changed else ""
        kinds = ", ".join(map(clean, row.get("kinds") or ()))
        key = text(row.get("key"), "bold")
        table.add_row(
            key, show.on_one_line(row.get("group")), show.on_one_line(kinds), text(row.get("version")), text(by)
        )
    output().print(table)
    _say_more(document)


def detail(document: Document) -> None:
    """Show all that is known of one asset."""
    definition = document.get("definition") or {}
    out = output()
    version = f"  version {clean(document['version'])}" if document.get("version") is not None else ""
    out.print(text(document.get("key"), "bold") + text(version, "bright_black"), soft_wrap=True)
    if document.get("present") is False:
        out.print(text("It is not there any more. This is how it was.", "yellow"))
    show.facts(out, _asset_facts(document, definition))


def changes(key: str, document: Document) -> None:
    """Show what happened to one asset, newest first."""
    width = output().width
    rows = document["results"]
    if not rows:
        say(f"Nothing is known to have changed in {key}.")
    for position, step in enumerate(rows):
        if position:
            say("")
        print_rows([_step_heading(step)])
        print_rows(rows_of_details(step.get("details"), width=width))
        if step.get("compared") == "common" and step.get("details"):
            print_rows([[("    told by two sources: compared is what both can see", "bright_black")]])
    _say_more(document)


def comparison(place: Place, document: Document) -> None:
    """Show what differs between two deploys."""
    out = output()
    old, new = document.get("from") or {}, document.get("to") or {}
    out.print(text(f"{place}  {words.number(old)} → {words.number(new)}", "bold"), soft_wrap=True)
    show.facts(out, _compared_facts(document, old, new))
    steps = document["results"]
    if steps:
        say("")
        print_rows(rows_of_steps(steps, width=out.width))
    _say_more(document, among=total(document.get("assets")))


def sent(place: Place, number: int, document: Document) -> None:
    """Say what became of a snapshot."""
    recorded = document.get("recorded")
    if not isinstance(recorded, dict):
        say(f"Kept for {place} #{number}: recorded as soon as it is live.")
        return
    say(f"Recorded for {place} #{number}: {clean(recorded.get('assets'))} assets, {_against(recorded)}.")
    if recorded.get("note"):
        notice(str(recorded["note"]))


def _asset_facts(document: Document, definition: Document) -> Iterator[tuple[str, Any]]:
    changed = document.get("changed")
    if isinstance(changed, dict):
        yield "Changed", f"{words.number(changed)}  {dates.full(changed.get('finished_at'))}  {words.actor(changed)}"
        yield "", changed.get("description")
    yield "Code version", definition.get("code_version")
    yield "Group", definition.get("group")
    yield "Kinds", ", ".join(map(str, definition.get("kinds") or ()))
    yield "Owners", ", ".join(map(str, definition.get("owners") or ()))
    yield "Description", _lines(definition.get("description"))
    if definition:
        guess = "" if document.get("exact") else "  (as the platform tells it)"
        yield "Partitions", _partitions(definition) + guess
    tags = {name: value for name, value in (definition.get("tags") or {}).items() if not name.startswith(KIND_TAG)}
    yield "Tags", _named(tags)
    yield "Upstream", as_text(_upstream(document, definition))
    yield "Downstream", _lines("\n".join(map(str, document.get("downstream") or ())))
    yield "Metadata", _named({name: _value(entry) for name, entry in (definition.get("metadata") or {}).items()})


def _partitions(definition: Document) -> str:
    try:
        return str(definition_words.partitions(definition.get("partitions_def")))
    except (AttributeError, KeyError, TypeError, ValueError):
        return "in a way that this client cannot say; --json has it"


def _value(entry: Any) -> str:
    return str(definition_words.plain(entry["value"] if isinstance(entry, dict) and "value" in entry else entry))


def _upstream(document: Document, definition: Document) -> Iterator[Row]:
    mappings = {
        "/".join(map(str, dep.get("key") or ())): dep.get("partition_mapping") for dep in definition.get("deps") or ()
    }
    for parent in document.get("upstream") or ():
        key = str(parent.get("key"))
        mapping = mappings.get(key)
        row = [(key, "")]
        if mapping is not None:
            row.append((f"  {definition_words.mapping(mapping)}", "bright_black"))
        yield row if parent.get("known") else [*row, ("  (not defined here)", "bright_black")]


def _named(found: Mapping[str, Any]) -> Text:
    """Return names with their values, the lines of a longer one below its name."""
    rows = []
    for name, value in sorted(found.items()):
        said = str(value)
        many = "\n" in said
        row = text(name) + text(f": {said}" if said and not many else "")
        rows.append(Text("\n").join([row, *(text("  ") + line for line in _lines(said).split("\n"))]) if many else row)
    return Text("\n").join(rows)


def _lines(value: object) -> Text:
    """Return a text of some lines, which it keeps."""
    lines = str(value or "").splitlines()
    shown = [text(line) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(text(f"… {len(lines) - MOST_LINES} lines more; --json has them", "bright_black"))
    return Text("\n").join(shown)


def _step_heading(step: Mapping[str, Any]) -> Row:
    deploy = step.get("deploy") or {}
    types = " ".join(map(str, step.get("change_types") or ())) or str(step.get("kind"))
    who = "  ".join(filter(None, (words.actor(deploy), words.commit(deploy, length=8))))
    return [
        (words.number(deploy), "bold"),
        (f"  {dates.full(deploy.get('finished_at'))}  {who}  ", ""),
        (types, {"added": "green", "removed": "red"}.get(str(step.get("kind")), "cyan")),
    ]


def _compared_facts(document: Document, old: Document, new: Document) -> Iterator[tuple[str, Any]]:
    for deploy in (old, new):
        when = dates.full(deploy.get("finished_at"))
        said = (when, words.actor(deploy), words.commit(deploy, length=8), clean(deploy.get("description")))
        yield words.number(deploy), words.status(deploy) + text("  " + "  ".join(filter(None, said)))
    for name, label in (("image", "Image"), ("runtime_version", "Runtime")):
        if isinstance(pair := document.get(name), dict):
            yield label, f"{pair.get('old') or 'none'} → {pair.get('new') or 'none'}"
    label = "Files"
    for bundle in document.get("bundles") or ():
        yield label, as_text(_bundle(bundle))
        label = ""
    yield "Assets", _compared_assets(document, old, new)


def _bundle(bundle: Mapping[str, Any]) -> Iterator[Row]:
    mount = (f"{bundle.get('mount')}  ", "bold")
    if bundle.get("old") == bundle.get("new"):
        yield [mount, ("the same", "bright_black")]
        return
    came = "a new mount, " if bundle.get("old") is None else "not there any more, " if bundle.get("new") is None else ""
    yield [mount, (f"{came}{counts(bundle)}", "")]
    files = bundle.get("files") or ()
    for file in files:
        yield heading_of({"kind": file.get("change"), "key": file.get("path")})
    left = total(bundle) - len(files)
    if left > 0:
        yield [(f"… and {left:,} more", "bright_black")]


def _compared_assets(document: Document, old: Document, new: Document) -> str:
    found = document.get("assets")
    if not isinstance(found, dict):
        return "not known of both"
    said = f"{counts(found) if total(found) else 'nothing differs'}, {found.get('unchanged', 0):,} unchanged"
    recorded = [_recorded_at(found.get(f"{side}_recorded")) for side in ("from", "to")]
    if recorded == [[old.get("number")], [new.get("number")]] or not all(recorded):
        return said
    before, after = (", ".join(map(words.number, numbers)) for numbers in recorded)
    return f"{said}  (last recorded at {before} and {after})"


def _recorded_at(found: Any) -> list[Any]:
    return sorted(set(found.values())) if isinstance(found, dict) else []


def _against(recorded: Document) -> str:
    known = recorded.get("compared_with")
    return f"{counts(recorded)} against {words.number(known)}" if known is not None else "the first that are known"


def _say_more(document: Document, *, among: int | None = None) -> None:
    """Say that the list goes on."""
    shown = len(document["results"])
    if document.get("next"):
        more = f"{among - shown:,} more" if among else "more"
        notice(f"There are {more} than these {shown:,}: see --limit.")
