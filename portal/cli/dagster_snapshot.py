"""What a Dagster project defines, read from the objects that Dagster makes of it: exact where GraphQL has words.

Dagster is imported when it is needed, from the environment of the project; 1.9.0 to 1.13.27 were tried.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from lastgood.definitions.normal import KIND_TAG, STUB_MARK
from lastgood.definitions.reading import FORMAT

from .dagster_metadata import below, metadata_entry, plain
from .exits import Misuse, Stop

# How kinds were said before they were tags; of the two, Dagster shows this one.
COMPUTE_KIND_TAG = "dagster/compute_kind"

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_QUOTED = re.compile(r"'[^'{}]*'")
_SET_OF_TEXTS = re.compile(rf"\{{{_QUOTED.pattern}(?:, {_QUOTED.pattern})+\}}")


class Project(NamedTuple):
    """Where the definitions are: a module or a file, found and imported from a directory, all paths absolute."""

    module: str | None
    file: str | None
    directory: str
    attribute: str | None

    def __str__(self) -> str:
        return self.module or self.file or ""


class NoDagster(Stop):
    """This environment has no Dagster."""


def load(project: Project) -> Any:
    """Load the project as Dagster's servers do, and answer its repository.

    Raises NoDagster, Misuse when it is not said which of several to take, and whatever the project raises.
    """
    # Before the project's directory comes first on the path: a folder `dagster` in it is no Dagster.
    _require_dagster()
    sys.path.insert(0, project.directory)
    found = {repository.name: repository for repository in _repositories(project) if repository}
    if not found:
        raise Misuse(f"{project.attribute} in {project} is neither Definitions nor a repository.")
    if len(found) > 1:
        raise Misuse(f"{project} has several repositories ({', '.join(sorted(found))}): name one with -a.")
    repository = found.popitem()[1]
    # What servers do next: names that clash are found only now.
    repository.load_all_definitions()
    return repository


def document(repository: Any, *, roots: Sequence[str]) -> dict[str, Any]:
    """Answer the snapshot of all assets in the repository; paths below the `roots` are told relative to them."""
    graph, release = repository.asset_graph, below(roots)
    # The first of 1.9 had a property instead.
    found = graph.get_all_asset_keys() if hasattr(graph, "get_all_asset_keys") else graph.all_asset_keys
    keys = sorted(found, key=lambda key: list(key.path))
    return {"format": FORMAT, "assets": [_asset(graph, key, release) for key in keys]}


def version() -> str:
    """Answer the version of the Dagster that is installed."""
    import dagster  # type: ignore[import-not-found]

    return str(dagster.__version__)


def _require_dagster() -> None:
    try:
        import dagster  # noqa: F401
    except ModuleNotFoundError as missing:
        if missing.name != "dagster":
            raise
        raise NoDagster(
            f"Dagster is not installed for {sys.executable}: install lastgood into the environment of your project, "
            "and run it there."
        ) from None


def _repositories(project: Project) -> list[Any]:
    """Answer the repositories of all that Dagster finds to load. Raises whatever the project raises."""
    from dagster._core.definitions import definitions_load_context, reconstruct  # type: ignore[import-not-found]
    from dagster._core.types import loadable_target_origin  # type: ignore[import-not-found]

    # One context for all that is loaded, as in a code server, or each question would be answered with a new one.
    kind = definitions_load_context.DefinitionsLoadType.INITIALIZATION
    definitions_load_context.DefinitionsLoadContext.set(definitions_load_context.DefinitionsLoadContext(kind))
    origin = loadable_target_origin.LoadableTargetOrigin(
        executable_path=sys.executable,
        python_file=project.file,
        module_name=project.module,
        working_directory=project.directory,
        attribute=project.attribute,
    )
    with loadable_target_origin.enter_loadable_target_origin_load_context(origin):
        return [reconstruct.repository_def_from_target_def(target) for target in _targets(project)]


def _targets(project: Project) -> list[Any]:
    """Answer what Dagster finds to load, by its own rules."""
    from dagster._core.definitions import reconstruct
    from dagster._core.workspace import autodiscovery  # type: ignore[import-not-found]

    module, file, directory, attribute = project
    if attribute and file:
        return [reconstruct.load_def_in_python_file(file, attribute, directory)]
    if attribute:
        return [reconstruct.load_def_in_module(module, attribute, directory)]
    if file:
        found = autodiscovery.loadable_targets_from_python_file(file, directory)
    else:
        found = autodiscovery.loadable_targets_from_python_module(module, directory)
    return [each.target_definition for each in found]


def _asset(graph: Any, key: Any, release: re.Pattern[str]) -> dict[str, Any]:
    from dagster._core.definitions.metadata import normalize_metadata  # type: ignore[import-not-found]

    node = graph.get(key)
    said = normalize_metadata(node.metadata, allow_invalid=True)
    metadata = {plain(label): metadata_entry(value, release) for label, value in said.items()}
    return {
        "key": plain(list(key.path)),
        "code_version": plain(node.code_version) or None,
        "group": plain(node.group_name),
        "kinds": plain(_kinds(node)),
        "description": plain(node.description),
        "owners": sorted(set(plain(list(node.owners or [])))),
        "tags": plain(node.tags or {}),
        "metadata": {label: metadata[label] for label in sorted(metadata)},
        "deps": [
            {"key": plain(list(parent.path)), "partition_mapping": _mapping(graph, node, parent)}
            for parent in sorted(node.parent_keys, key=lambda parent: list(parent.path))
        ],
        "partitions_def": plain(_partitions(node.partitions_def)),
        "is_stub": STUB_MARK in metadata,
    }


def _kinds(node: Any) -> list[str]:
    op = node.assets_def.get_op_def_for_asset_key(node.key)
    if op is not None and COMPUTE_KIND_TAG in op.tags:
        return [op.tags[COMPUTE_KIND_TAG]]
    return sorted(tag[len(KIND_TAG) :] for tag in node.tags or {} if tag.startswith(KIND_TAG))


def _mapping(graph: Any, node: Any, parent: Any) -> Any:
    """Answer the partition mapping that was given; none between assets that have no partitions to map."""
    mapping = node.partition_mappings.get(parent)
    if mapping is None or not (node.partitions_def or graph.get(parent).partitions_def):
        return None
    value, same = _serialized(mapping)
    return plain({"class": type(mapping).__name__, "description": _steady(same.description), "value": value})


def _serialized(mapping: Any) -> tuple[Any, Any]:
    """Answer the mapping as data, and an equal one whose dicts are in order: descriptions print them as they come."""
    from dagster._serdes import deserialize_value, serialize_value  # type: ignore[import-not-found]

    try:
        value = _ordered(json.loads(serialize_value(mapping)))
        return value, deserialize_value(json.dumps(value))
    except Exception:  # Dagster can write only what is its own
        return _steady(repr(mapping)), mapping


def _ordered(data: Any) -> Any:
    """Give an order to what has none: Dagster writes a set as a list, in the order of this process's hashes."""
    if isinstance(data, list):
        return [_ordered(item) for item in data]
    if isinstance(data, dict):
        unordered = data.keys() & {"__set__", "__frozenset__"}
        return {
            name: sorted(map(_ordered, item), key=json.dumps) if name in unordered else _ordered(item)
            for name, item in sorted(data.items())
        }
    return data


def _steady(text: str) -> str:
    """Take out of the text what differs from process to process: addresses, and the order of sets."""
    return _SET_OF_TEXTS.sub(_in_order, _ADDRESS.sub("", text))


def _in_order(found: re.Match[str]) -> str:
    return "{" + ", ".join(sorted(_QUOTED.findall(found[0]))) + "}"


def _partitions(definition: Any) -> dict[str, Any] | None:
    import dagster

    if definition is None:
        return None
    if isinstance(definition, dagster.TimeWindowPartitionsDefinition):
        return _time_window(definition)
    if isinstance(definition, dagster.StaticPartitionsDefinition):
        return {"type": "static", "keys": list(definition.get_partition_keys())}
    if isinstance(definition, dagster.MultiPartitionsDefinition):
        dimensions = [
            {"name": each.name, "partitions_def": _partitions(each.partitions_def)}
            for each in definition.partitions_defs
        ]
        return {"type": "multi", "dimensions": sorted(dimensions, key=lambda each: str(each["name"]))}
    # Those without a name ask a function of the project for their keys.
    if isinstance(definition, dagster.DynamicPartitionsDefinition) and definition.name:
        return {"type": "dynamic", "name": definition.name}
    return {"type": "other", "class": type(definition).__name__, "description": _steady(repr(definition))}


def _time_window(definition: Any) -> dict[str, Any]:
    form = {
        "type": "time_window",
        "cron_schedule": definition.cron_schedule,
        "start": float(definition.start.timestamp()),
        "end": float(definition.end.timestamp()) if definition.end else None,
        "timezone": definition.timezone,
        "fmt": definition.fmt,
        "end_offset": definition.end_offset,
    }
    if exclusions := getattr(definition, "exclusions", None):
        form["exclusions"] = [
            each if isinstance(each, str) else {"timestamp": each.timestamp, "timezone": each.timezone}
            for each in exclusions
        ]
    return form
