"""Snapshots: bytes in, definitions in normal form out, or a SnapshotError and nothing else.

What a snapshot may cost is decided before it is parsed: its bytes are counted, and the values in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import keys
from .normal import Definition, normal
from .problems import SnapshotError

FORMAT = "lastgood.assets/1"
MOST_BYTES = 64 * 1024 * 1024
# 10,000 assets with 5 tags and 5 metadata entries have about 600,000; each costs some 300 bytes once it is parsed.
MOST_VALUES = 1_500_000
MOST_ASSETS = 100_000
SOURCES = ("snapshot", "dbt")


@dataclass(frozen=True)
class Snapshot:
    """What a location was said to define. `assets`: key as shown → its definition; `source`: who could see it."""

    assets: Mapping[str, Definition]
    source: str = "snapshot"


def read(raw: bytes, *, strict: bool = True) -> Snapshot:
    """Answer a snapshot, or a dbt manifest as one. Raises SnapshotError.

    Strict is how a portal reads; a file at hand may also have the numbers that only Python's JSON knows.
    """
    return from_document(decoded(raw, strict=strict))


def decoded(raw: bytes, *, strict: bool = True) -> Any:
    """Answer the JSON of a snapshot. Raises SnapshotError `too_large`, `not_json` or `duplicate_member`."""
    if len(raw) > MOST_BYTES:
        raise SnapshotError("too_large", f"A snapshot has at most {MOST_BYTES} bytes; this one has {len(raw)}.")
    values = raw.count(b",") + raw.count(b"[") + raw.count(b"{")
    if strict and values > MOST_VALUES:
        raise SnapshotError("too_large", f"A snapshot has at most {MOST_VALUES} values; this one has about {values}.")
    try:
        text = raw.decode("utf-8-sig")
        return json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=_refuse if strict else None,
            parse_float=_finite if strict else None,
        )
    except SnapshotError:
        raise
    except RecursionError as deep:
        raise SnapshotError("too_deep", "This JSON is nested too deep.") from deep
    except ValueError as odd:
        raise SnapshotError("not_json", f"This is no JSON in UTF-8: {str(odd)[:200]}.") from odd


def from_document(document: Any) -> Snapshot:
    """Answer the snapshot in decoded JSON. Raises SnapshotError."""
    from . import dbt

    if isinstance(document, list):
        raise SnapshotError("bad_format", 'A snapshot is an object: {"format": "lastgood.assets/1", "assets": […]}.')
    if not isinstance(document, dict):
        raise SnapshotError("bad_format", "A snapshot is an object with a list of assets.")
    if dbt.is_manifest(document):
        return Snapshot(_by_key(dbt.entries(document)), "dbt")
    form = document.get("format", FORMAT)
    if form != FORMAT:
        said = repr(form[:80]) if isinstance(form, str) else "no text"
        raise SnapshotError("unknown_format", f"This snapshot says its format is {said}; {FORMAT} is known.")
    entries = document.get("assets")
    if not isinstance(entries, list):
        raise SnapshotError("bad_format", "A snapshot has a list of assets.")
    source = document.get("source", "snapshot")
    if source not in SOURCES:
        raise SnapshotError("bad_format", f"The source of a snapshot is {' or '.join(SOURCES)}, or is left out.")
    return Snapshot(_by_key(entries), source)


def _by_key(entries: list[Any]) -> dict[str, Definition]:
    if len(entries) > MOST_ASSETS:
        raise SnapshotError("too_large", f"A snapshot has at most {MOST_ASSETS} assets; this one has {len(entries)}.")
    found: dict[str, Definition] = {}
    for position, entry in enumerate(entries):
        definition = normal(entry, position=position)
        key = keys.shown(definition["key"])
        if key in found:
            raise SnapshotError("duplicate_key", f"Asset {key} is there twice: each key is said once.")
        found[key] = definition
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise SnapshotError("duplicate_member", f"An object says {twice[:80]!r} twice: which one is meant?")
    return members


def _refuse(word: str) -> Any:
    raise SnapshotError("not_json", f"{word} is no JSON: write such a number as a text.")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise SnapshotError("not_json", f"{text[:40]} is larger than any number that can be kept.")
    return value
