"""What a Dagster says of its own assets, as definitions. See `deployments.platforms.dagster_definitions` for its words.

GraphQL describes partitions in words: no end date, no offset within the day, no exclusions.
"""

from collections.abc import Iterable
from typing import Any

from assets.definitions import keys
from assets.definitions.normal import KIND_TAG, Definition, kinds_of

PARTITION_TYPES = {
    "TIME_WINDOW": "time_window",
    "STATIC": "static",
    "DYNAMIC": "dynamic",
    "MULTIPARTITIONED": "multi",
}


def definitions_of(raw: dict[str, Any]) -> tuple[dict[str, Definition], list[str]]:
    """Answer the definitions by key as shown, and the keys that are too long to be kept."""
    chosen: dict[str, dict[str, Any]] = {}
    too_long = []
    for form in raw["assets"]:
        key = keys.shown(form["key"])
        if len(key) > keys.LONGEST:
            too_long.append(key)
        elif key not in chosen or _rank(form) < _rank(chosen[key]):
            chosen[key] = form
    return {key: _definition(form) for key, form in chosen.items()}, too_long


def _rank(form: dict[str, Any]) -> tuple[bool, bool, bool, str]:
    """Order those who define one key, as Dagster does: what can be made, what can be looked at, what is no stub."""
    return (
        not form.get("is_materializable"),
        not form.get("is_observable"),
        bool(form["is_stub"]),
        str(form.get("repository")),
    )


def _definition(form: dict[str, Any]) -> Definition:
    tags = {**{KIND_TAG + kind: "" for kind in form["kinds"]}, **form["tags"]}
    known: Definition = {
        "code_version": form["code_version"] or None,
        "kinds": kinds_of(tags),
        "tags": tags,
        "deps": sorted(form["deps"], key=lambda dep: dep["key"]),
        "partitions_def": _partitions(form["partitions_def"]),
    }
    # What is empty says nothing, as everywhere in the normal form.
    return {name: value for name, value in {**form, **known}.items() if value is not None or name in _ALWAYS}


_ALWAYS = frozenset(("code_version", "group", "description", "partitions_def"))


def _partitions(form: dict[str, Any] | None) -> Definition | None:
    if form is None:
        return None
    kind = PARTITION_TYPES.get(form["type"]) or str(form["type"]).lower()
    said: Definition = {"type": kind, "description": form["description"]}
    said |= {name: form[name] for name in ("name", "fmt") if form.get(name)}
    if kind == "multi":
        said["dimensions"] = list(_dimensions(form.get("dimensions") or []))
    return said


def _dimensions(forms: list[dict[str, Any]]) -> Iterable[Definition]:
    for form in forms:
        inner = {"type": form["type"], "description": form["description"], "name": form.get("dynamic_name")}
        yield {"name": form["name"], "partitions_def": _partitions(inner)}
