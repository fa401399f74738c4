"""Digests of definitions: two definitions have the same one exactly when the differ finds nothing between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from .normal import FIELDS, STUB_MARK, Definition
from .problems import SnapshotError

# In this order everywhere: prints, change types, pages.
CODE_VERSION = "CODE_VERSION"
DEPENDENCIES = "DEPENDENCIES"
PARTITIONS_DEFINITION = "PARTITIONS_DEFINITION"
TAGS = "TAGS"
METADATA = "METADATA"
OTHER = "OTHER"
CHANGE_TYPES = (CODE_VERSION, DEPENDENCIES, PARTITIONS_DEFINITION, TAGS, METADATA, OTHER)
# Said of an asset beside the five aspects.
_BESIDE = ("group", "description", "owners", "is_stub")
NOTHING: frozenset[str] = frozenset()
PRINT = 16  # hexadecimal digits of one aspect's print


def digest_of(definition: Definition, ignored: Collection[str] = NOTHING) -> str:
    """Answer 64 hexadecimal digits of all that is compared. `ignored` are metadata labels. Raises SnapshotError."""
    return hashlib.sha256(_canonical(_aspects(definition, ignored))).hexdigest()


def prints_of(definition: Definition, ignored: Collection[str] = NOTHING) -> str:
    """Answer one print of 16 hexadecimal digits for each aspect, in the order of CHANGE_TYPES, joined."""
    return "".join(hashlib.sha256(_canonical(aspect)).hexdigest()[:PRINT] for aspect in _aspects(definition, ignored))


def differing(old: str, new: str) -> list[str]:
    """Answer the change types between two definitions, from their joined prints."""
    types = [
        name
        for position, name in enumerate(CHANGE_TYPES)
        if old[position * PRINT : (position + 1) * PRINT] != new[position * PRINT : (position + 1) * PRINT]
    ]
    return named(types)


def named(types: list[str]) -> list[str]:
    """Leave OTHER out beside any of Dagster's five: it says that nothing of those changed."""
    return [name for name in types if name != OTHER] or types


def other_fields(definition: Definition, ignored: Collection[str] = NOTHING) -> dict[str, Any]:
    """Answer what is compared as "other"."""
    fields = {name: definition[name] for name in _BESIDE}
    if STUB_MARK in ignored:
        del fields["is_stub"]
    if len(definition) > len(FIELDS):
        fields.update((name, definition[name]) for name in definition.keys() - FIELDS)
    return fields


def _aspects(definition: Definition, ignored: Collection[str]) -> list[Any]:
    return [
        definition["code_version"],
        [[dep["key"], _comparable(dep["partition_mapping"])] for dep in definition["deps"]],
        _comparable(definition["partitions_def"]),
        definition["tags"],
        {label: _comparable(entry["value"]) for label, entry in definition["metadata"].items() if label not in ignored},
        {name: _comparable(value) for name, value in other_fields(definition, ignored).items()},
    ]


def _comparable(value: Any) -> Any:
    """Answer a value whose JSON is equal exactly when Python calls the values equal: 3, 3.0; 1, 1.0, true."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is bool or (kind is float and value.is_integer()):
        return int(value)
    if kind is list:
        return [_comparable(item) for item in value]
    if kind is dict:
        return {name: _comparable(item) for name, item in value.items()}
    return value


def _canonical(value: Any) -> bytes:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as odd:
        raise SnapshotError("bad_text", "A text has half a letter (a lone surrogate) in it.") from odd
