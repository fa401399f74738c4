"""Definitions and changes in words that people read: one line for each thing that changed, from what to what."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .differ import Change, DictDiff, Pair
from .prints import CODE_VERSION, DEPENDENCIES, METADATA, OTHER, PARTITIONS_DEFINITION, TAGS

# Letters that fit beside each other on one line; what is longer, or has lines of its own, is shown unified.
SHORT = 100
# Lines around a difference.
CONTEXT = 3
KEYS_SHOWN = 6
CRONS = {"0 * * * *": "hourly", "0 0 * * *": "daily", "0 0 * * 0": "weekly", "0 0 1 * *": "monthly"}


@dataclass(frozen=True)
class Line:
    """One thing that changed. `old` or `new` None: it was not there, or is not there any more."""

    aspect: str  # a change type
    label: str  # the tag, the metadata entry, the parent, the field; empty where the aspect says it all
    old: str | None
    new: str | None

    @property
    def kind(self) -> str:
        """Say `added`, `removed` or `changed`."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"

    @property
    def is_long(self) -> bool:
        """Say whether it reads better as unified text."""
        said = [text for text in (self.old, self.new) if text is not None]
        return any(len(text) > SHORT or "\n" in text for text in said)

    def unified(self) -> list[tuple[str, str]]:
        """Answer its lines, each with a sign: "-" gone, "+" new, " " around them, "…" left out."""
        old, new = (self.old or "").splitlines(), (self.new or "").splitlines()
        found = [
            ("…", "") if text.startswith("@@") else (text[:1], text[1:])
            for text in list(difflib.unified_diff(old, new, lineterm="", n=CONTEXT))[2:]
        ]
        return found[1:] if found and found[0][0] == "…" and _begins(old, new) else found


def lines(change: Change) -> list[Line]:
    """Answer all that changed, in the order of the change types."""
    said: list[Line] = []
    if change.code_version:
        said.append(_line(CODE_VERSION, "", change.code_version))
    said += _of_dict(DEPENDENCIES, change.dependencies, mapping, alone=_mapping_alone)
    if change.partitions_definition:
        said.append(_partitions_line(change.partitions_definition))
    said += _of_dict(TAGS, change.tags, str)
    said += _of_dict(METADATA, change.metadata, value)
    said += [_line(OTHER, name, pair) for name, pair in change.other.items()]
    return said


def value(entry: Mapping[str, Any]) -> str:
    """Answer a metadata entry's value."""
    return plain(entry["value"])


def plain(value: Any) -> str:
    """Answer a value: texts as they are, lists of texts by commas, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def partitions(definition: Mapping[str, Any] | None) -> str:
    """Answer a partitions definition: `daily from 2024-01-01`."""
    if definition is None:
        return "not partitioned"
    kind = definition.get("type")
    if kind == "time_window" and definition.get("cron_schedule"):
        return _time_window(definition)
    if kind == "static" and isinstance(definition.get("keys"), list):
        return _static([str(key) for key in definition["keys"]])
    if kind == "multi" and isinstance(definition.get("dimensions"), list):
        return " × ".join(f"{each['name']}: {partitions(each['partitions_def'])}" for each in definition["dimensions"])
    if kind == "dynamic" and definition.get("name"):
        return f"dynamic, “{definition['name']}”"
    description = definition.get("description")
    return str(description).rstrip(".") if description else str(kind)


def mapping(value: Any) -> str:
    """Answer a partition mapping."""
    if value is None:
        return "default mapping"
    if isinstance(value, dict) and isinstance(value.get("class"), str):
        description = " ".join(str(value.get("description") or "").split())
        return f"{value['class']}: {description}" if description else value["class"]
    return plain(value)


def _time_window(definition: Mapping[str, Any]) -> str:
    cron, zone = str(definition["cron_schedule"]), str(definition.get("timezone") or "UTC")
    said = CRONS.get(cron, f"by cron {cron}")
    if (start := _moment(definition.get("start"), zone)) is not None:
        said += f" from {start}"
    if (end := _moment(definition.get("end"), zone)) is not None:
        said += f" to {end}"
    if zone != "UTC":
        said += f", {zone}"
    if definition.get("end_offset"):
        said += f", end offset {definition['end_offset']}"
    if definition.get("exclusions"):
        said += f", without {plain(definition['exclusions'])}"
    return said


def _moment(value: Any, zone: str) -> str | None:
    """Answer a time in its own zone: the day alone where it begins there."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return str(value) if isinstance(value, str) else None
    try:
        at = datetime.fromtimestamp(value, _zone(zone))
    except (OverflowError, OSError, ValueError):
        return str(value)
    return at.strftime("%Y-%m-%d") if (at.hour, at.minute, at.second) == (0, 0, 0) else at.strftime("%Y-%m-%d %H:%M")


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone.utc


def _static(keys: list[str]) -> str:
    if len(keys) <= KEYS_SHOWN:
        return f"static: {', '.join(keys)}"
    return f"{len(keys)} static keys: {', '.join(keys[: KEYS_SHOWN - 1])} … {keys[-1]}"


def _partitions_line(pair: Pair) -> Line:
    old, new = partitions(pair.old), partitions(pair.new)
    if old == new:
        # What differs is not in the words: all of it, then.
        old, new = plain(pair.old), plain(pair.new)
    return Line(PARTITIONS_DEFINITION, "", old, new)


def _mapping_alone(value: Any) -> str:
    """Answer the mapping of a parent that came or went: the default one is not worth a word."""
    return "" if value is None else mapping(value)


def _of_dict(aspect: str, found: DictDiff[Any], say: Any, *, alone: Any = None) -> list[Line]:
    alone = alone or say
    said = {name: Line(aspect, name, alone(each), None) for name, each in found.removed.items()}
    said |= {name: Line(aspect, name, None, alone(each)) for name, each in found.added.items()}
    said |= {name: Line(aspect, name, *_apart(say, pair)) for name, pair in found.changed.items()}
    return [said[name] for name in sorted(said)]


def _apart(say: Any, pair: Pair) -> tuple[str, str]:
    old, new = say(pair.old), say(pair.new)
    return (old, new) if old != new else (plain(pair.old), plain(pair.new))


def _line(aspect: str, label: str, pair: Pair) -> Line:
    old, new = plain(pair.old), plain(pair.new)
    if old == new:
        old, new = json.dumps(pair.old), json.dumps(pair.new)
    return Line(aspect, label, old, new)


def _begins(old: list[str], new: list[str]) -> bool:
    return old[: CONTEXT + 1] != new[: CONTEXT + 1]
