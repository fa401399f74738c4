"""What differs between two sets of definitions, by the rules of Dagster's own differ.

Three things are said that it does not say: NaN equals NaN, every changed partition mapping is listed, and the old
and new values are given. Metadata is compared by value: its type does not count, and 3 equals 3.0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from . import keys
from .normal import FIELDS, Definition, kinds_of
from .prints import (
    CODE_VERSION,
    DEPENDENCIES,
    METADATA,
    NOTHING,
    OTHER,
    PARTITIONS_DEFINITION,
    TAGS,
    named,
    other_fields,
)

Definitions = Mapping[str, Definition]
T = TypeVar("T")


@dataclass(frozen=True)
class Pair:
    """A value before and after."""

    old: Any
    new: Any

    def mirrored(self) -> Pair:
        """Answer the way back."""
        return Pair(self.new, self.old)

    def as_json(self) -> dict[str, Any]:
        """Answer `{old, new}`."""
        return {"old": self.old, "new": self.new}


@dataclass(frozen=True)
class DictDiff(Generic[T]):
    """What differs between two dicts."""

    added: dict[str, T] = field(default_factory=dict)
    removed: dict[str, T] = field(default_factory=dict)
    changed: dict[str, Pair] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def mirrored(self) -> DictDiff[T]:
        """Answer the way back."""
        return DictDiff(self.removed, self.added, {name: pair.mirrored() for name, pair in self.changed.items()})

    def as_json(self, *, names_only: bool = False) -> dict[str, Any]:
        """Answer `{added, removed, changed}`; of what was added and removed only the names, if asked so."""
        return {
            "added": list(self.added) if names_only else self.added,
            "removed": list(self.removed) if names_only else self.removed,
            "changed": {name: pair.as_json() for name, pair in self.changed.items()},
        }

    def applied(self, old: Mapping[str, T]) -> dict[str, T]:
        """Answer what `old` becomes."""
        kept = {name: value for name, value in old.items() if name not in self.removed}
        return {**kept, **self.added, **{name: pair.new for name, pair in self.changed.items()}}


@dataclass(frozen=True)
class Change:
    """How one asset's definition changed. What is None or empty did not."""

    change_types: list[str]
    code_version: Pair | None = None
    dependencies: DictDiff[Any] = field(default_factory=DictDiff)
    partitions_definition: Pair | None = None
    tags: DictDiff[str] = field(default_factory=DictDiff)
    metadata: DictDiff[Definition] = field(default_factory=DictDiff)
    other: dict[str, Pair] = field(default_factory=dict)

    def mirrored(self) -> Change:
        """Answer the way back."""
        return Change(
            self.change_types,
            self.code_version.mirrored() if self.code_version else None,
            self.dependencies.mirrored(),
            self.partitions_definition.mirrored() if self.partitions_definition else None,
            self.tags.mirrored(),
            self.metadata.mirrored(),
            {name: pair.mirrored() for name, pair in self.other.items()},
        )

    def as_json(self) -> dict[str, Any]:
        """Answer the contract's form: only what changed."""
        said: dict[str, Any] = {"change_types": self.change_types}
        if self.code_version:
            said["code_version"] = self.code_version.as_json()
        if self.tags:
            said["tags"] = self.tags.as_json()
        if self.metadata:
            said["metadata"] = self.metadata.as_json()
        if self.dependencies:
            said["dependencies"] = self.dependencies.as_json(names_only=True)
        if self.partitions_definition:
            said["partitions_definition"] = self.partitions_definition.as_json()
        if self.other:
            said["other"] = {name: pair.as_json() for name, pair in self.other.items()}
        return said


@dataclass(frozen=True)
class Diff:
    """What differs between two sets: whole definitions of what came and went, and how the others changed."""

    added: dict[str, Definition]
    removed: dict[str, Definition]
    changed: dict[str, Change]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def mirrored(self) -> Diff:
        """Answer the way back."""
        changed = {key: change.mirrored() for key, change in self.changed.items()}
        return Diff(self.removed, self.added, changed, self.unchanged)

    def as_json(self) -> dict[str, Any]:
        """Answer what `lastgood diff --json` prints."""
        return {
            "added": sorted(self.added),
            "removed": sorted(self.removed),
            "unchanged": self.unchanged,
            "changed": {key: self.changed[key].as_json() for key in sorted(self.changed)},
        }


def diff(old: Definitions, new: Definitions, *, ignored: Collection[str] = NOTHING) -> Diff:
    """Answer what differs. Keys as shown → definitions in normal form; `ignored` are metadata labels."""
    changed: dict[str, Change] = {}
    unchanged = 0
    for key, after in new.items():
        before = old.get(key)
        if before is None:
            continue
        # Almost all are equal as they are; Python's equality is Dagster's, types of metadata aside.
        change = None if before == after else change_between(before, after, ignored=ignored)
        if change is None:
            unchanged += 1
        else:
            changed[key] = change
    return Diff(
        added={key: new[key] for key in new.keys() - old.keys()},
        removed={key: old[key] for key in old.keys() - new.keys()},
        changed=changed,
        unchanged=unchanged,
    )


def change_between(old: Definition, new: Definition, *, ignored: Collection[str] = NOTHING) -> Change | None:
    """Answer how one asset's definition changed, or None."""
    code_version = _pair(old["code_version"], new["code_version"])
    dependencies = _dict_diff(_mappings(old), _mappings(new))
    partitions = _pair(old["partitions_def"], new["partitions_def"])
    tags = _dict_diff(old["tags"], new["tags"])
    metadata = _metadata_diff(old["metadata"], new["metadata"], ignored)
    other = _other(old, new, ignored)
    found = {
        CODE_VERSION: code_version,
        DEPENDENCIES: dependencies,
        PARTITIONS_DEFINITION: partitions,
        TAGS: tags,
        METADATA: metadata,
        OTHER: other,
    }
    types = [name for name, difference in found.items() if difference]
    if not types:
        return None
    return Change(named(types), code_version, dependencies, partitions, tags, metadata, other)


def apply(old: Definitions, found: Diff) -> dict[str, Definition]:
    """Answer what `old` becomes by the diff: equal to what it was compared with."""
    kept = {key: definition for key, definition in old.items() if key not in found.removed}
    kept |= found.added
    return kept | {key: _changed(old[key], change) for key, change in found.changed.items()}


def _changed(old: Definition, change: Change) -> Definition:
    new = dict(old)
    if change.code_version:
        new["code_version"] = change.code_version.new
    if change.partitions_definition:
        new["partitions_def"] = change.partitions_definition.new
    new["tags"] = change.tags.applied(old["tags"])
    new["kinds"] = kinds_of(new["tags"])
    new["metadata"] = change.metadata.applied(old["metadata"])
    mappings = change.dependencies.applied(_mappings(old))
    deps = [{"key": keys.parts(key), "partition_mapping": mapping} for key, mapping in mappings.items()]
    new["deps"] = sorted(deps, key=lambda dep: dep["key"])
    for name, pair in change.other.items():
        if pair.new is None and name not in FIELDS:
            del new[name]
        else:
            new[name] = pair.new
    return new


def _pair(old: Any, new: Any) -> Pair | None:
    return None if old == new else Pair(old, new)


def _dict_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> DictDiff[Any]:
    if old == new:
        return DictDiff()
    return DictDiff(
        added={name: new[name] for name in sorted(new.keys() - old.keys())},
        removed={name: old[name] for name in sorted(old.keys() - new.keys())},
        changed={
            name: Pair(old[name], new[name]) for name in sorted(old.keys() & new.keys()) if old[name] != new[name]
        },
    )


def _mappings(definition: Definition) -> dict[str, Any]:
    return {keys.shown(dep["key"]): dep["partition_mapping"] for dep in definition["deps"]}


def _metadata_diff(
    old: Mapping[str, Definition], new: Mapping[str, Definition], ignored: Collection[str]
) -> DictDiff[Definition]:
    if old == new:
        return DictDiff()
    found = _dict_diff(
        {label: entry for label, entry in old.items() if label not in ignored},
        {label: entry for label, entry in new.items() if label not in ignored},
    )
    by_value = {label: pair for label, pair in found.changed.items() if pair.old["value"] != pair.new["value"]}
    return DictDiff(found.added, found.removed, by_value)


def _other(old: Definition, new: Definition, ignored: Collection[str]) -> dict[str, Pair]:
    before, after = other_fields(old, ignored), other_fields(new, ignored)
    if before == after:
        return {}
    return {
        name: Pair(before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    }
