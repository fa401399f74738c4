"""A definition as a page shows it: tables of short values, long ones folded, and links only to the web."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from assets.definitions import keys, words
from assets.definitions.normal import FIELDS, Definition

# Letters and lines from which on a value is folded; letters that are shown at all.
FOLDED = 400
FOLDED_LINES = 6
MOST = 20_000
COLUMN = "column/"  # dbt's columns are entries of their own


@dataclass(frozen=True)
class Column:
    """One column of a table's schema."""

    name: str
    type: str
    description: str
    notes: str


@dataclass(frozen=True)
class Entry:
    """One labelled value. `columns` instead of a text where it is a table's schema."""

    label: str
    type: str = ""
    text: str = ""
    url: str | None = None
    columns: list[Column] = field(default_factory=list)
    left_out: int = 0

    @property
    def is_block(self) -> bool:
        """Say whether its lines are kept as they are."""
        return "\n" in self.text

    @property
    def is_long(self) -> bool:
        """Say whether it is folded."""
        return len(self.text) > FOLDED or self.text.count("\n") >= FOLDED_LINES

    @property
    def gist(self) -> str:
        """Say in short what is folded."""
        return f"{' '.join(self.text[:200].split())[:90]}… ({len(self.text) + self.left_out:,} letters)"


@dataclass(frozen=True)
class Shape:
    """All that is said of an asset."""

    definition: Definition

    @property
    def partitions(self) -> str:
        """Say how it is partitioned."""
        return words.partitions(self.definition["partitions_def"])

    @property
    def partition_fields(self) -> list[Entry]:
        """Answer the partitions definition field by field."""
        partitions = self.definition["partitions_def"]
        return list(_partition_fields(partitions, "")) if partitions else []

    @property
    def tags(self) -> list[tuple[str, str]]:
        """Answer the tags but for those that are kinds."""
        return [(tag, value) for tag, value in sorted(self.definition["tags"].items()) if tag not in self._kind_tags]

    @property
    def metadata(self) -> list[Entry]:
        """Answer the metadata; the columns of dbt as one table."""
        entries = self.definition["metadata"]
        columns = [_column(entry["value"]) for label, entry in entries.items() if _is_column(label, entry)]
        shown = [_entry(label, entry) for label, entry in sorted(entries.items()) if not _is_column(label, entry)]
        return ([Entry("columns", type="Columns", columns=columns)] if columns else []) + shown

    @property
    def further(self) -> list[Entry]:
        """Answer what the sender said beyond the fields that we know."""
        names = sorted(self.definition.keys() - FIELDS)
        return [_text(name, "", words.plain(self.definition[name])) for name in names]

    @property
    def mappings(self) -> dict[str, str]:
        """Answer the partition mapping of each parent that has one."""
        deps = self.definition["deps"]
        return {
            keys.shown(dep["key"]): words.mapping(dep["partition_mapping"]) for dep in deps if dep["partition_mapping"]
        }

    @property
    def _kind_tags(self) -> set[str]:
        return {f"dagster/kind/{kind}" for kind in self.definition["kinds"]}


def schema_text(entry: Mapping[str, Any]) -> str | None:
    """Answer a table's schema as text, a line for each column; None for whatever is no schema."""
    if entry["type"] != "TableSchema" or not (columns := _columns(entry["value"])):
        return None
    said = [(f"{each.name}: {each.type}", each.notes, " ".join(each.description.split())) for each in columns]
    return "\n".join(" – ".join(part for part in parts if part) for parts in said)


def web_url(value: Any) -> str | None:
    """Answer a text that is an address of the web as a whole; None for all others."""
    if (
        not isinstance(value, str)
        or len(value) > 2_000
        or any(letter.isspace() or ord(letter) < 33 for letter in value)
    ):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and parts.hostname else None


def _entry(label: str, entry: Mapping[str, Any]) -> Entry:
    kind, value = str(entry["type"] or ""), entry["value"]
    if kind == "TableSchema" and (columns := _columns(value)):
        return Entry(label, kind, columns=columns)
    if kind == "Timestamp" and (at := _moment(value)):
        return Entry(label, kind, at)
    if kind == "Asset" and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return Entry(label, kind, keys.shown(value))
    return _text(label, kind, words.plain(value), url=web_url(value))


def _text(label: str, kind: str, text: str, url: str | None = None) -> Entry:
    return Entry(label, kind, text[:MOST], url, left_out=max(0, len(text) - MOST))


def _columns(schema: Any) -> list[Column]:
    columns = schema.get("columns") if isinstance(schema, dict) else None
    return [_column(each) for each in columns if isinstance(each, dict)] if isinstance(columns, list) else []


def _is_column(label: str, entry: Mapping[str, Any]) -> bool:
    return label.startswith(COLUMN) and isinstance(entry["value"], dict) and "name" in entry["value"]


def _column(said: Mapping[str, Any]) -> Column:
    constraints = said.get("constraints")
    notes = []
    if isinstance(constraints, dict):
        notes += ["not null"] if constraints.get("nullable") is False else []
        notes += ["unique"] if constraints.get("unique") is True else []
        other = constraints.get("other")
        notes += [str(each) for each in other] if isinstance(other, list) else []
    elif constraints:
        notes.append(_short(constraints))
    for name in ("tags", "meta"):
        if said.get(name):
            notes.append(f"{name}: {_short(said[name])}")
    kind = said.get("type") or said.get("data_type") or ""
    return Column(str(said.get("name", "")), str(kind), str(said.get("description") or ""), ", ".join(notes))


def _short(value: Any) -> str:
    if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return ", ".join(f"{name}={each}" if each else name for name, each in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _partition_fields(partitions: Mapping[str, Any], prefix: str) -> Iterator[Entry]:
    for name, value in partitions.items():
        if name == "dimensions" and isinstance(value, list):
            for each in value:
                yield from _partition_fields(each["partitions_def"] or {}, f"{prefix}{each['name']} · ")
        elif name in {"start", "end"} and (at := _moment(value)):
            yield Entry(prefix + name, text=f"{value} ({at})")
        elif value is not None:
            yield _text(prefix + name, "", words.plain(value))


def _moment(value: Any) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return ""
