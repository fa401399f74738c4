"""Dagster's metadata values as data: the same type and value that its GraphQL tells of the same entry.

Values are read by the names of their classes, so that no Dagster is imported, and none need know all of them.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

# Stands for the directory in which the code happens to lie.
RELEASE = "{release}"
NOWHERE = re.compile(r"(?!)")


def below(directories: Collection[str]) -> re.Pattern[str]:
    """Answer the pattern of a path's beginning that is one of the directories."""
    # The longest first, for one may lie within another; and never all of the disk.
    named = sorted({path.rstrip(os.sep) for path in directories} - {""}, key=lambda path: (-len(path), path))
    return re.compile(f"(?:{'|'.join(map(re.escape, named))})(?=/|\\Z)") if named else NOWHERE


def plain(value: Any, release: re.Pattern[str] = NOWHERE) -> Any:
    """Answer the value as ordered data that JSON and every database takes; texts that begin with `release` anew."""
    if isinstance(value, str):
        return _text(value, release)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        named = {_text(str(name), NOWHERE): item for name, item in value.items()}
        return {name: plain(named[name], release) for name in sorted(named)}
    if isinstance(value, (list, tuple)):
        return [plain(item, release) for item in value]
    return value


def metadata_entry(value: Any, release: re.Pattern[str]) -> dict[str, Any]:
    """Answer `{type, value}` of one of Dagster's metadata values; of a type we do not know, only the type."""
    for each in type(value).__mro__:
        if each.__name__ in _READ:
            kind, read = _READ[each.__name__]
            return {"type": kind, "value": plain(read(value), release)}
    return {"type": type(value).__name__.removesuffix("MetadataValue"), "value": None}


def _text(text: str, release: re.Pattern[str]) -> str:
    if found := release.match(text):
        text = RELEASE + text[found.end() :]
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _through_json(value: Any) -> Any:
    """Answer what is left of the value after a journey as JSON, as all reach the pages of Dagster."""
    return json.loads(json.dumps(value))


def _int(value: Any) -> int | str:
    try:
        return int(str(value))
    except ValueError:  # None, which GraphQL tells as this text
        return str(value)


def _schema(schema: Any) -> dict[str, Any]:
    return {
        "columns": [_column(column) for column in schema.columns],
        "constraints": list(schema.constraints.other) if schema.constraints else [],
    }


def _column(column: Any) -> dict[str, Any]:
    constraints = column.constraints
    return {
        "name": column.name,
        "type": column.type,
        "description": column.description,
        "tags": dict(column.tags or {}),
        "constraints": {
            "nullable": constraints.nullable,
            "unique": constraints.unique,
            "other": list(constraints.other or []),
        },
    }


def _table(value: Any) -> dict[str, Any]:
    return {
        "schema": _schema(value.schema),
        "records": [_through_json(record.data) for record in value.records],
    }


def _lineage(value: Any) -> dict[str, Any]:
    return {
        column: [{"key": list(dep.asset_key.path), "column": dep.column_name} for dep in deps]
        for column, deps in value.value.deps_by_column.items()
    }


def _code_reference(reference: Any) -> dict[str, Any]:
    if hasattr(reference, "url"):
        return {"url": reference.url, "label": reference.label}
    return {"file": reference.file_path, "line": reference.line_number, "label": reference.label}


_READ: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "TextMetadataValue": ("Text", lambda it: it.value),
    "ObjectMetadataValue": ("Text", lambda it: it.value),  # only the name of its class leaves the process
    "UrlMetadataValue": ("Url", lambda it: it.value),
    "PathMetadataValue": ("Path", lambda it: it.value),
    "NotebookMetadataValue": ("Notebook", lambda it: it.value),
    "MarkdownMetadataValue": ("Markdown", lambda it: it.value),
    "JsonMetadataValue": ("Json", lambda it: _through_json(it.data)),
    "PythonArtifactMetadataValue": ("PythonArtifact", lambda it: f"{it.module}:{it.name}"),
    "FloatMetadataValue": ("Float", lambda it: None if it.value is None else float(it.value)),
    "IntMetadataValue": ("Int", lambda it: _int(it.value)),
    "BoolMetadataValue": ("Bool", lambda it: it.value),
    "TimestampMetadataValue": ("Timestamp", lambda it: float(it.value)),
    "DagsterRunMetadataValue": ("PipelineRun", lambda it: it.run_id),
    "DagsterAssetMetadataValue": ("Asset", lambda it: list(it.asset_key.path)),
    "DagsterJobMetadataValue": ("Job", lambda it: [it.location_name, it.repository_name, it.job_name]),
    "TableMetadataValue": ("Table", _table),
    "TableSchemaMetadataValue": ("TableSchema", lambda it: _schema(it.schema)),
    "TableColumnLineageMetadataValue": ("TableColumnLineage", _lineage),
    "NullMetadataValue": ("Null", lambda it: None),
    "PoolMetadataValue": ("Pool", lambda it: it.value),
    "CodeReferencesMetadataValue": (
        "CodeReferences",
        lambda it: [_code_reference(each) for each in it.code_references],
    ),
}
