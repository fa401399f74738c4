"""What a source can see of a definition, and what two different ones can both see.

A snapshot of CI holds exact partitions and mappings; what a platform answers about itself describes them in words
(Dagster's GraphQL leaves out end dates, offsets and exclusions). Only what both can see is comparable.
"""

from __future__ import annotations

from typing import Any

from .normal import FIELDS, Definition

# GraphQL shows it as local paths of one machine, which our reader leaves out.
CODE_REFERENCES = "dagster/code_references"


def common(definition: Definition) -> Definition:
    """Answer the part of a definition that every source can see, in normal form."""
    seen = {name: definition[name] for name in FIELDS}
    seen["deps"] = [{"key": dep["key"], "partition_mapping": None} for dep in definition["deps"]]
    seen["partitions_def"] = outline(definition["partitions_def"])
    if CODE_REFERENCES in definition["metadata"]:
        seen["metadata"] = {label: entry for label, entry in definition["metadata"].items() if label != CODE_REFERENCES}
    return seen


def outline(partitions: Definition | None) -> Definition | None:
    """Answer kind, names and dimensions of a partitions definition, and nothing that only some can tell."""
    if partitions is None:
        return None
    form: dict[str, Any] = {"type": partitions["type"]}
    if partitions["type"] == "dynamic":
        form["name"] = partitions.get("name")
    if partitions["type"] == "multi":
        form["dimensions"] = [
            {"name": each["name"], "partitions_def": outline(each["partitions_def"])}
            for each in partitions["dimensions"]
        ]
    return form
