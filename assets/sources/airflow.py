"""What an Airflow says of its DAGs and assets, as definitions. See `deployments.platforms.airflow_reading` for its words.

A DAG is an asset `dag/<its id>`, whose code version is the beginning of its file's sha256; an Airflow asset is
`asset/<its name>`. What makes an Airflow asset, and what waits for one, depends on it here as it does there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from assets.definitions import keys
from assets.definitions.normal import KIND_TAG, Definition, kinds_of

CODE_VERSION = 12  # digits of the source's sha256
Form = Mapping[str, Any]


def definitions_of(raw: dict[str, Any]) -> tuple[dict[str, Definition], list[str]]:
    """Answer the definitions by key as shown, and the keys that are too long to be kept."""
    found: dict[str, Definition] = {}
    too_long = []
    for definition in _definitions(raw):
        key = keys.shown(definition["key"])
        if len(key) > keys.LONGEST:
            too_long.append(key)
        else:
            # Two assets of one name have their addresses in order: the first is the one of before, too.
            found.setdefault(key, definition)
    return found, too_long


def _definitions(raw: Form) -> Iterator[Definition]:
    waited_for: dict[str, list[str]] = {}
    for asset in raw["assets"]:
        for dag_id in asset["scheduled_dags"]:
            waited_for.setdefault(dag_id, []).append(asset["name"])
    for dag in raw["dags"]:
        yield _dag(dag, waited_for.get(dag["dag_id"], []))
    for asset in raw["assets"]:
        yield _asset(asset)


def _dag(form: Form, waited_for: list[str]) -> Definition:
    said = {"file": form["file"], "schedule": _schedule(form["schedule"])}
    said |= {f"task/{task['task_id']}": _task(task) for task in form["tasks"] or []}
    return _definition(
        ["dag", form["dag_id"]],
        kinds=("airflow", "dag"),
        code_version=(form["sha256"] or "")[:CODE_VERSION] or None,
        description=form["description"],
        owners=list(form["owners"]),
        tags=dict.fromkeys(form["tags"], ""),
        metadata=said,
        deps=[["asset", name] for name in waited_for],
    )


def _asset(form: Form) -> Definition:
    makers = {f"{task['dag_id']}.{task['task_id']}" for task in form["producing_tasks"]}
    readers = {f"{task['dag_id']}.{task['task_id']}" for task in form["consuming_tasks"]}
    said = {"uri": form["uri"], "made by": ", ".join(sorted(makers)), "read by": ", ".join(sorted(readers))}
    return _definition(
        ["asset", form["name"]],
        kinds=("airflow", "asset"),
        group=form["group"] or None,
        metadata=said,
        deps=[["dag", task["dag_id"]] for task in form["producing_tasks"]],
    )


def _definition(
    key: list[str],
    *,
    kinds: tuple[str, ...],
    metadata: Mapping[str, str],
    deps: list[list[str]],
    code_version: str | None = None,
    group: str | None = None,
    description: str | None = None,
    owners: list[str] | None = None,
    tags: dict[str, str] | None = None,
) -> Definition:
    """Answer the normal form; text metadata that is empty says nothing."""
    all_tags = {**{KIND_TAG + kind: "" for kind in kinds}, **(tags or {})}
    return {
        "key": key,
        "code_version": code_version,
        "group": group,
        "kinds": kinds_of(all_tags),
        "description": description or None,
        "owners": sorted(owners or []),
        "tags": all_tags,
        "metadata": {label: {"type": "Text", "value": text} for label, text in metadata.items() if text},
        "deps": [{"key": list(dep), "partition_mapping": None} for dep in sorted({tuple(dep) for dep in deps})],
        "partitions_def": None,
        "is_stub": False,
    }


def _schedule(form: Form) -> str:
    summary, description = form["summary"] or "", form["description"] or ""
    return f"{summary} ({description})" if summary and description else summary or description


def _task(form: Form) -> str:
    """Answer a task as a line: what it is, and what comes after it."""
    after = ", ".join(form["downstream"])
    return f"{form['operator'] or 'task'}" + (f", then {after}" if after else "")
