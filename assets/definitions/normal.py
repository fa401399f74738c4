"""The normal form of an asset's definition: same definition, same form, whatever the order of what has no order.

A definition is a plain dict with every field of the contract's "Asset snapshot, version 1", defaults filled in,
and any further field as it came. Numbers that JSON does not have are the texts "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from . import keys
from .problems import SnapshotError

Definition = dict[str, Any]

KIND_TAG = "dagster/kind/"
# Dagster marks with it what is only known because something depends on it.
STUB_MARK = "dagster/auto_created_stub_asset"
FIELDS = frozenset(
    {"key", "code_version", "group", "kinds", "description", "owners"}
    | {"tags", "metadata", "deps", "partitions_def", "is_stub"}
)
DEEPEST = 50  # levels of one value
MOST_DEPS = 10_000


def normal(entry: Any, *, position: int) -> Definition:
    """Answer the normal form of one entry of a snapshot. Raises SnapshotError `bad_key` or `bad_field`."""
    if not isinstance(entry, dict):
        raise SnapshotError("bad_field", f"Asset {position} is no object.")
    key = keys.checked(entry.get("key"), where=f"Asset {position}")
    tags = _tags(entry.get("tags"), key)
    for kind in _texts(entry.get("kinds"), key, "kinds"):
        tags.setdefault(KIND_TAG + kind, "")
    definition: Definition = {
        "key": entry["key"],
        # Dagster stores an empty code version as none.
        "code_version": _text(entry.get("code_version"), key, "code_version") or None,
        "group": _text(entry.get("group"), key, "group"),
        "kinds": kinds_of(tags),
        "description": _text(entry.get("description"), key, "description"),
        "owners": sorted(_texts(entry.get("owners"), key, "owners")),
        "tags": tags,
        "metadata": _metadata(entry.get("metadata"), key),
        "deps": _deps(entry.get("deps"), key),
        "partitions_def": _partitions(entry.get("partitions_def"), key),
        "is_stub": _flag(entry.get("is_stub"), key),
    }
    for name in entry.keys() - FIELDS:
        # Said to be nothing, and not said, are the same.
        if entry[name] is not None:
            definition[name] = plain(entry[name], key, name)
    return definition


def kinds_of(tags: Mapping[str, str]) -> list[str]:
    """Answer the kinds, which are tags of a certain beginning."""
    return sorted(tag[len(KIND_TAG) :] for tag in tags if tag.startswith(KIND_TAG))


def plain(value: Any, key: str, field: str, depth: int = 0) -> Any:
    """Answer the value without numbers that JSON does not have. Raises SnapshotError `too_deep`."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else _word(value)
    if kind is dict or kind is list:
        if depth >= DEEPEST:
            # Labels are the sender's own words: any letters, any length.
            raise SnapshotError("too_deep", f"{key}: {field[:80]!r} is nested deeper than {DEEPEST} levels.")
        if kind is list:
            return [plain(item, key, field, depth + 1) for item in value]
        return {name: plain(item, key, field, depth + 1) for name, item in value.items()}
    return value


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(value: Any, key: str, field: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise SnapshotError("bad_field", f"{key}: {field} is a text or null.")


def _texts(value: Any, key: str, field: str) -> set[str]:
    if value is None:
        return set()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SnapshotError("bad_field", f"{key}: {field} is a list of texts.")
    return set(value)


def _flag(value: Any, key: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise SnapshotError("bad_field", f"{key}: is_stub is true or false.")


def _tags(value: Any, key: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(type(each) is str for each in value.values()):
        raise SnapshotError("bad_field", f"{key}: tags are an object of texts.")
    return dict(value)


def _metadata(value: Any, key: str) -> dict[str, Definition]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SnapshotError("bad_field", f"{key}: metadata is an object.")
    return {label: _entry(entry, key, label) for label, entry in value.items()}


def _entry(entry: Any, key: str, label: str) -> Definition:
    """Answer {type, value}. What is not of this shape is a value of its own, without a type: its type is None."""
    if type(entry) is dict and len(entry) == 2 and "value" in entry and _is_type(entry.get("type", 0)):
        value = entry["value"]
        kind = type(value)
        if kind is str or kind is int:
            return entry
        return {"type": entry["type"], "value": plain(value, key, label)}
    return {"type": None, "value": plain(entry, key, label)}


def _is_type(value: Any) -> bool:
    return value is None or type(value) is str


def _deps(value: Any, key: str) -> list[Definition]:
    """Answer each parent once, ordered by key, with its partition mapping when one of its mentions has any."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_DEPS:
        raise SnapshotError("bad_field", f"{key}: deps is a list of at most {MOST_DEPS} objects.")
    found: dict[str, Definition] = {}
    for dep in value:
        if not isinstance(dep, dict):
            raise SnapshotError("bad_field", f"{key}: each of its deps is an object with a key.")
        mapping = dep.get("partition_mapping")
        name = keys.checked(dep.get("key"), where=f"A dependency of {key}")
        if mapping is not None:
            mapping = plain(mapping, key, "partition_mapping")
        known = found.get(name)
        if known is None or _order(mapping) > _order(known["partition_mapping"]):
            found[name] = {"key": dep["key"], "partition_mapping": mapping}
    return sorted(found.values(), key=lambda dep: dep["key"])


def _order(mapping: Any) -> str:
    return "" if mapping is None else json.dumps(mapping, sort_keys=True)


def _partitions(value: Any, key: str, depth: int = 0) -> Definition | None:
    """Answer the partitions definition, the dimensions of a multi one ordered by name."""
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or depth > 2:
        raise SnapshotError("bad_field", f"{key}: partitions_def is null or an object with a type.")
    dimensions = value.get("dimensions")
    form: Definition = plain(value, key, "partitions_def")
    if value["type"] != "multi":
        return form
    if not isinstance(dimensions, list) or not all(_is_dimension(each) for each in dimensions):
        raise SnapshotError(
            "bad_field", f"{key}: each dimension of a multi partitions_def has name and partitions_def."
        )
    form["dimensions"] = sorted(
        (
            {**each, "partitions_def": _partitions(each["partitions_def"], key, depth + 1)}
            for each in form["dimensions"]
        ),
        key=lambda each: str(each["name"]),
    )
    return form


def _is_dimension(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("name"), str) and "partitions_def" in value
