"""Dagster's answers about definitions, as one normal form: same code, same form, whatever the order.

The form is JSON-able data that any database takes: no NaN (the strings "NaN", "Infinity" and "-Infinity"
instead), no lone surrogates, no NUL. It holds neither ids nor times of loading, nor where files lie.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from deployments.platforms.dagster_paths import NOWHERE, RELEASE
from portal.common.canonical import canonical_json

Answer = Mapping[str, Any]  # an object of a GraphQL answer
Form = dict[str, Any]

# A local path per asset, different for every place the same code is put.
CODE_REFERENCES = "dagster/code_references"
# Newer versions say isAutoCreatedStub as well.
STUB_MARK = "dagster/auto_created_stub_asset"
# Jobs that Dagster makes from assets by itself; users never wrote them.
IMPLICIT_JOBS = "__ASSET_JOB"


def location_form(repositories: Iterable[Answer], assets: Iterable[Form]) -> Form:
    """Answer the normal form of a location: its assets, as made by `asset_form`, and what runs them."""
    jobs, schedules, sensors = [], [], []
    for repository in repositories:
        where = {"repository": plain(repository["name"])}
        jobs += [{"name": name, **where} for name in _job_names(job["name"] for job in repository["jobs"])]
        schedules += [_schedule_form(schedule) | where for schedule in repository["schedules"]]
        sensors += [_sensor_form(sensor) | where for sensor in repository["sensors"]]
    return {
        "assets": _sorted(assets, by="key"),
        "jobs": _sorted(jobs, by="name"),
        "schedules": _sorted(schedules, by="name"),
        "sensors": _sorted(sensors, by="name"),
    }


def asset_form(node: Answer, *, repository: str, release: re.Pattern[str] = NOWHERE) -> Form:
    """Answer one asset's normal form. Metadata that begins with `release` (see `dagster_paths.below`) is made relative."""
    metadata = {
        plain(entry["label"]): _metadata_form(entry, release)
        for entry in node["metadataEntries"]
        if entry["label"] != CODE_REFERENCES and entry["__typename"] != "CodeReferencesMetadataEntry"
    }
    form = {
        "key": plain(node["assetKey"]["path"]),
        "repository": repository,
        "code_version": node.get("opVersion"),
        "group": node.get("groupName"),
        "description": node.get("description"),
        "kinds": sorted(node.get("kinds") or []),
        "owners": sorted(_owner(owner) for owner in node.get("owners") or []),
        "tags": {tag["key"]: tag["value"] for tag in node.get("tags") or []},
        "deps": _deps(node),
        "partitions_def": _partitions_form(node.get("partitionDefinition")),
        "is_stub": bool(node.get("isAutoCreatedStub")) or STUB_MARK in metadata,
        "is_materializable": bool(node.get("isMaterializable")),
        "is_observable": bool(node.get("isObservable")),
        "is_executable": bool(node.get("isExecutable")),
        "jobs": _job_names(node.get("jobNames") or []),
        "pools": sorted(node.get("pools") or []),
        "automation_condition": _condition_form(node.get("automationCondition")),
        "backfill_policy": _backfill_form(node.get("backfillPolicy")),
    }
    return {**_cleaned(form), "metadata": metadata}


def _cleaned(form: Form) -> Form:
    """Answer the form as data of the normal form: almost always as it is, which writing it down once tells fastest."""
    try:
        clean = b"\\u0000" not in canonical_json(form)
    except ValueError:  # a number that JSON does not have, or half a letter
        clean = False
    return form if clean else {name: plain(value) for name, value in form.items()}


def plain(value: Any, release: re.Pattern[str] = NOWHERE) -> Any:
    """Answer the value as data of the normal form. Raises RecursionError when it is nested absurdly deep."""
    # Ten thousand assets are a million of these: the plainest come first.
    kind = type(value)
    if kind is str:
        return _text(value, release)
    if kind is bool or kind is int or value is None:
        return value
    if kind is list:
        return [plain(item, release) for item in value] if value else value
    if kind is dict:
        return {_text(str(name), NOWHERE): plain(item, release) for name, item in value.items()}
    if kind is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _text(text: str, release: re.Pattern[str]) -> str:
    if release is not NOWHERE and (found := release.match(text)):
        text = RELEASE + text[found.end() :]
    if text.isascii() and "\0" not in text:
        return text
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _sorted(forms: Iterable[Form], *, by: str) -> list[Form]:
    found = sorted(forms, key=lambda form: form[by])
    if any(left[by] == right[by] for left, right in pairwise(found)):
        # The rest of a form decides only where names are the same: writing all of them down takes its time.
        found.sort(key=lambda form: (form[by], canonical_json(form)))
    return found


def _job_names(names: Iterable[str]) -> list[str]:
    return sorted(plain(name) for name in names if not name.startswith(IMPLICIT_JOBS))


def _schedule_form(schedule: Answer) -> Form:
    form: Form = plain(
        {
            "name": schedule["name"],
            "cron": schedule["cronSchedule"],
            "timezone": schedule.get("executionTimezone"),
            "job": schedule.get("pipelineName"),
        }
    )
    return form


def _sensor_form(sensor: Answer) -> Form:
    form: Form = plain({"name": sensor["name"], "type": sensor.get("sensorType")})
    return form


def _owner(owner: Answer) -> str:
    return owner["email"] if "email" in owner else f"team:{owner['team']}"


def _deps(node: Answer) -> list[Form]:
    """Answer each parent once, with its partition mapping when it has one."""
    mappings = {tuple(key["path"]): None for key in node.get("dependencyKeys") or []}
    for dependency in node.get("dependencies") or []:
        mappings[tuple(dependency["asset"]["assetKey"]["path"])] = dependency.get("partitionMapping")
    return [
        {"key": list(key), "partition_mapping": _mapping_form(mapping)}
        for key, mapping in sorted(mappings.items(), key=lambda item: item[0])
    ]


def _mapping_form(mapping: Answer | None) -> Form | None:
    if mapping is None:
        return None
    return {"class": mapping["className"], "description": mapping["description"]}


def _partitions_form(definition: Answer | None) -> Form | None:
    """Answer what GraphQL tells: no end date, no offset within the day, no exclusions."""
    if definition is None:
        return None
    form = {"type": definition["type"], "description": definition["description"]}
    form |= {name: definition[name] for name in ("name", "fmt") if definition.get(name)}
    if definition["type"] == "MULTIPARTITIONED":
        # The description lists the dimensions too, always ordered by name.
        form["dimensions"] = sorted(
            (
                {
                    "name": dimension["name"],
                    "type": dimension["type"],
                    "description": dimension["description"],
                    "primary": dimension.get("isPrimaryDimension"),
                    "dynamic_name": dimension.get("dynamicPartitionsDefinitionName"),
                }
                for dimension in definition["dimensionTypes"]
            ),
            key=lambda dimension: str(dimension["name"]),
        )
    return form


def _condition_form(condition: Answer | None) -> Form | None:
    if condition is None:
        return None
    return {"label": condition["label"], "expanded": condition["expandedLabel"]}


def _backfill_form(policy: Answer | None) -> Form | None:
    if policy is None:
        return None
    return {"type": policy["policyType"], "max_partitions_per_run": policy["maxPartitionsPerRun"]}


def _metadata_form(entry: Answer, release: re.Pattern[str]) -> Form:
    """Answer `{type, value}`; of a type we do not know, only the type."""
    kind = entry["__typename"].removesuffix("MetadataEntry")
    read = _VALUES.get(kind)
    return {"type": kind, "value": plain(read(entry), release) if read else None}


def _float(entry: Answer) -> float | None:
    """Read the exact text of newer versions; older ones say null for what JSON has no number for."""
    written = entry.get("floatRepr") or entry.get("floatValue")
    if written == "None":
        return None
    return math.nan if written is None else float(written)


def _int(entry: Answer) -> int | str:
    try:
        return int(entry["intRepr"])
    except ValueError:  # "None", or more digits than Python reads
        return str(entry["intRepr"])


def _json(text: str) -> Any:
    """Read embedded JSON, whose spacing and order do not count; what cannot be read stays the text it is."""
    try:
        return plain(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _table_schema(schema: Answer) -> Form:
    return {
        "columns": [
            {**column, "tags": {tag["key"]: tag["value"] for tag in column.get("tags") or []}}
            for column in schema["columns"]
        ],
        "constraints": (schema.get("constraints") or {}).get("other") or [],
    }


def _table(table: Answer) -> Form:
    return {
        "schema": _table_schema(table["schema"]),
        "records": [_json(record) for record in table["records"]],
    }


def _lineage(entry: Answer) -> Form:
    return {
        column["columnName"]: [
            {"key": dep["assetKey"]["path"], "column": dep["columnName"]} for dep in column["columnDeps"]
        ]
        for column in entry["lineage"]
    }


_VALUES: dict[str, Callable[[Answer], Any]] = {
    "Text": lambda entry: entry["text"],
    "Url": lambda entry: entry["url"],
    "Path": lambda entry: entry["path"],
    "Notebook": lambda entry: entry["path"],
    "Markdown": lambda entry: entry["mdStr"],
    "Json": lambda entry: _json(entry["jsonString"]),
    "PythonArtifact": lambda entry: f"{entry['module']}:{entry['name']}",
    "Float": _float,
    "Int": _int,
    "Bool": lambda entry: entry["boolValue"],
    "Timestamp": lambda entry: entry["timestamp"],
    "PipelineRun": lambda entry: entry["runId"],
    "Asset": lambda entry: entry["assetKey"]["path"],
    "Job": lambda entry: [entry["locationName"], entry["repositoryName"], entry["jobName"]],
    "Table": lambda entry: _table(entry["table"]),
    "TableSchema": lambda entry: _table_schema(entry["schema"]),
    "TableColumnLineage": _lineage,
    "Null": lambda entry: None,
    "Pool": lambda entry: entry["pool"],
}
