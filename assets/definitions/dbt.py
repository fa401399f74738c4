"""dbt manifests as snapshots: each model, seed, snapshot, source and exposure is an asset, keyed by its unique_id.

What dbt works out again on every run is left out, and so is what says nothing: each version of dbt adds fields that are
null, and the same project parsed by the next one is the same project.

`dbt parse` gives the same manifest every time. A command that compiles adds the macros that this very run called, such
as those behind `is_incremental()`, and so the code version may follow what was in the database.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from .normal import DEEPEST
from .problems import SnapshotError

Entry = dict[str, Any]

_SCHEMA = re.compile(r"(?:\A|/)manifest/v[0-9]+\.json\Z")
# The nodes name their own kinds.
_SECTIONS = {"nodes": None, "sources": "source", "exposures": "exposure"}
_WITH_CODE = frozenset({"model", "seed", "snapshot"})
_ASSETS = _WITH_CODE | {"source", "exposure"}
# From macro to macro. 1,000 macros that each reach all others, through 4 calls each, take it.
MOST_STEPS = 5_000_000
# Compiling adds it to every Python model.
_FOLLOWS_COMPILING = frozenset({"macro.dbt.py_script_postfix"})

# Shown under their own names. The second are in the config too, and there alone in some versions.
_FIELDS = ("version", "latest_version", "constraints", "loader", "external", "type", "maturity", "label")
_FIELDS_OR_CONFIG = ("access", "freshness", "loaded_at_field", "loaded_at_query", "quoting")
_NOT_CONFIG = frozenset({"tags", "meta", "group", "enabled", "docs", "contract", *_FIELDS_OR_CONFIG})
_RELATION = {
    "database": "database",
    "schema": "schema",
    "alias": "alias",
    "identifier": "identifier",
    # Says the quoting too, which dbt_project.yml sets for all.
    "relation_name": "name",
}
# dbt fills these in since some version: to say them is to say nothing.
_DEFAULTS = {
    "access": "protected",
    "config/delimiter": ",",
    "config/lookback": 1,
    "config/on_configuration_change": "apply",
    "config/on_schema_change": "ignore",
}
_NOT_COLUMN = frozenset({"config", "doc_blocks", "meta", "name", "tags"})
_TYPES = {str: "Text", bool: "Bool", int: "Int", float: "Float", type(None): "Null"}


def is_manifest(document: dict[str, Any]) -> bool:
    """Say whether this calls itself a manifest that dbt wrote."""
    metadata = document.get("metadata")
    schema = metadata.get("dbt_schema_version") if isinstance(metadata, dict) else None
    return isinstance(schema, str) and _SCHEMA.search(schema) is not None


def entries(document: dict[str, Any]) -> list[Entry]:
    """Answer an entry of a snapshot for each enabled node that is an asset. Raises SnapshotError `bad_manifest`."""
    manifest = _Said("This manifest", document)
    # Without them it would seem to define nothing.
    if document.get("nodes") is None:
        raise manifest.wrong("nodes", "an object")
    macros = _Macros(manifest)
    found = []
    for section, only in _SECTIONS.items():
        for node in manifest.objects(section):
            kind = only or node.text("resource_type")
            if not kind or node.text("unique_id") != node.name:
                raise node.wrong("unique_id", "the name that it is listed under, and resource_type its kind")
            if kind in _ASSETS and node.object("config").get("enabled") is not False:
                found.append(_entry(node, kind, macros))
    return found


class _Said:
    """An object of a manifest, and its name for whoever must mend it."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.name = name
        self.fields = fields

    def wrong(self, field: str, wanted: str) -> SnapshotError:
        """Answer the refusal of a field."""
        name = self.name if self.name.isprintable() else ascii(self.name)
        return SnapshotError("bad_manifest", f"{name[:300]}: {field} is {wanted}.")

    def text(self, field: str) -> str:
        """Answer a text, empty when there is none."""
        value = self.fields.get(field)
        if value is None or isinstance(value, str):
            return value or ""
        raise self.wrong(field, "a text or null")

    def texts(self, field: str) -> list[str]:
        """Answer a list of texts."""
        value = self.fields.get(field)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return value
        raise self.wrong(field, "a list of texts")

    def object(self, field: str) -> dict[str, Any]:
        """Answer an object, empty when there is none."""
        value = self.fields.get(field)
        if value is None or isinstance(value, dict):
            return value or {}
        raise self.wrong(field, "an object")

    def inner(self, field: str) -> _Said:
        """Answer an object with this one's name."""
        return _Said(self.name, self.object(field))

    def objects(self, field: str) -> Iterable[_Said]:
        """Answer the members of an object, each an object with a name."""
        for name, value in self.object(field).items():
            if not isinstance(value, dict):
                raise self.wrong(f"{name[:200]!a} in {field}", "an object")
            yield _Said(name, value)


class _Macros:
    """What each macro runs, itself and through others, followed once for each."""

    def __init__(self, manifest: _Said) -> None:
        self._own: dict[str, str] = {}
        self._calls: dict[str, list[str]] = {}
        self._known: dict[str, str] = dict.fromkeys(_FOLLOWS_COMPILING, "")
        self._steps = 0
        for macro in manifest.objects("macros"):
            self._own[macro.name] = _print(macro.text("macro_sql"))
            self._calls[macro.name] = macro.inner("depends_on").texts("macros")

    def prints_of(self, names: list[str]) -> list[str]:
        """Answer digests of the texts of every macro reached from these."""
        for name in names:
            if name not in self._known:
                # A macro that is not here says nothing: what dbt lists, it may have left out.
                own = sorted(self._own[each] for each in self._reached(name) if each in self._own)
                self._known[name] = _print("\n".join(own)) if own else ""
        return sorted({self._known[name] for name in names} - {""})

    def _reached(self, start: str) -> set[str]:
        found, left = {start}, [start]
        while left:
            calls = self._calls.get(left.pop(), [])
            self._steps += 1 + len(calls)
            new = set(calls) - found
            found |= new
            left += new
        if self._steps > MOST_STEPS:
            raise SnapshotError("bad_manifest", "This manifest: its macros call each other in too many ways.")
        return found


def _print(text: str) -> str:
    """Answer a digest of a text, whatever ends its lines."""
    # JSON can have half a letter (a lone surrogate), which has no UTF-8.
    return hashlib.sha256(text.strip().replace("\r\n", "\n").encode(errors="surrogatepass")).hexdigest()


def _entry(node: _Said, kind: str, macros: _Macros) -> Entry:
    config = node.inner("config")
    tags = [*_tags(node), *_tags(config)]
    return {
        "key": [node.name],
        "code_version": _code_version(node, macros) if kind in _WITH_CODE else None,
        # A package's models stay together.
        "group": node.text("group") or config.text("group") or node.text("package_name") or None,
        "kinds": ["dbt", kind],
        # Exposures have one.
        "owners": _owners(node.inner("owner")),
        # As Dagster's own dbt assets have them.
        "tags": dict.fromkeys(tags, ""),
        "metadata": _metadata(node, config, kind),
        "deps": [{"key": [name], "partition_mapping": None} for name in _parents(node)],
    }


def _tags(said: _Said) -> list[str]:
    """Answer the tags; one alone may be a text."""
    return [said.text("tags")] if isinstance(said.fields.get("tags"), str) else said.texts("tags")


def _parents(node: _Said) -> list[str]:
    """Answer the nodes it depends on that are assets by their name, be they in the manifest or not.

    That a parent is gone, disabled or another project's is the parent's news: the node did not change.
    """
    return [name for name in node.inner("depends_on").texts("nodes") if name.partition(".")[0] in _ASSETS]


def _code_version(node: _Said, macros: _Macros) -> str | None:
    """Answer a digest of what the node runs: its own code, and every macro that this reaches."""
    parts = [_body(node), *macros.prints_of(node.inner("depends_on").texts("macros"))]
    return _print("\n".join(parts))[:16] if any(parts) else None


def _body(node: _Said) -> str:
    # Before the checksum, which is the file's: one file may have several snapshots.
    code = node.text("raw_code") or node.text("raw_sql")
    if code:
        return _print(code)
    checksum = node.inner("checksum")
    # Of a seed above 1 MiB dbt notes the path alone: nobody can say whether its rows changed.
    return "" if checksum.text("name") == "path" else checksum.text("checksum")


def _owners(owner: _Said) -> list[str]:
    emails = [owner.text("email")] if isinstance(owner.fields.get("email"), str) else owner.texts("email")
    name = owner.text("name")
    return [email for email in emails if email] or ([f"team:{name}"] if name else [])


def _metadata(node: _Said, config: _Said, kind: str) -> dict[str, Entry]:
    """Answer what is said of the node, each under a label that reads well."""
    # A seed is materialized as a seed.
    defaults = {**_DEFAULTS, "config/materialized": kind}
    said = {**_placed(node), **_configured(node, config)}
    found = {
        label: _typed(value)
        for label, value in said.items()
        if not _is_empty(value) and (label not in defaults or value != defaults[label])
    }
    for name, words in (("description", "Markdown"), ("url", "Url")):
        if text := node.text(name):
            found[name] = {"type": words, "value": text}
    # The project's own words, so null and false are kept.
    for name, value in {**config.object("meta"), **node.object("meta")}.items():
        found[f"meta/{name}"] = _typed(value)
    for column in node.objects("columns"):
        found[f"column/{column.name}"] = _typed(_column(node, column))
    return found


def _placed(node: _Said) -> dict[str, Any]:
    """Answer where the node is: in the project, and in the database."""
    relation = {f"relation/{label}": node.text(name) for name, label in _RELATION.items()}
    path = node.text("original_file_path").replace("\\", "/")
    return {"fqn": ".".join(node.texts("fqn")), "path": path, **relation}


def _configured(node: _Said, config: _Said) -> dict[str, Any]:
    """Answer how the node is to be made, as far as fields and config say it."""
    said = {name: _bare(node.fields[name]) for name in _FIELDS if name in node.fields}
    for name in _FIELDS_OR_CONFIG:
        said[name] = _bare(node.fields.get(name)) or _bare(config.fields.get(name))
    for name, value in config.fields.items():
        if value is not None and name not in _NOT_CONFIG:
            # Nobody at all is a grant too: it revokes.
            said[f"config/{name}"] = value if name == "grants" else _bare(value)
    said.update((f"owner/{name}", _bare(value)) for name, value in node.object("owner").items())
    # Midnight of the machine that parsed: the day is what was written.
    said["deprecation_date"] = node.text("deprecation_date")[:10]
    # Its checksum says no more than the columns do, and dbt 1.8 has another one than 1.7 for the same contract.
    said["contract/enforced"] = node.object("contract").get("enforced") or None
    return said


def _column(node: _Said, column: _Said) -> dict[str, Any]:
    name, column = column.name, _Said(f"{node.name}, column {column.name}", column.fields)
    config = column.inner("config")
    said = {part: _bare(value) for part, value in column.fields.items() if part not in _NOT_COLUMN}
    said["tags"] = sorted({*_tags(column), *_tags(config)})
    said["meta"] = {**config.object("meta"), **column.object("meta")}
    # The name, so that a column of which nothing else is said is no empty value.
    return {"name": name, **{part: value for part, value in said.items() if not _is_empty(value)}}


def _typed(value: Any) -> Entry:
    return {"type": _TYPES.get(type(value), "Json"), "value": value}


def _is_empty(value: Any) -> bool:
    return not value and (value is None or isinstance(value, (str, list, dict)))


def _bare(value: Any, depth: int = 0) -> Any:
    """Answer the value without members that say nothing."""
    kind = type(value)
    if (kind is not dict and kind is not list) or depth > DEEPEST:  # too deep: the normal form refuses it
        return value
    if kind is list:
        return [_bare(each, depth + 1) for each in value]
    kept = {name: _bare(each, depth + 1) for name, each in value.items()}
    return {name: each for name, each in kept.items() if not _is_empty(each)}
