"""Run inside Dagster's environment: what its own differ says of random pairs of small asset graphs.

Prints a list of `{dagster, old, new}` as JSON: Dagster's answer for each key that has any, and both graphs as our
snapshots. `dagster` has `types` and, of what has details, the names `added`, `removed` and `changed`.
"""

import json
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_differ import AssetGraphDiffer
from dagster._core.definitions.partitions.definition import TimeWindowPartitionsDefinition
from dagster._core.definitions.partitions.mapping import PartitionMapping
from dagster._core.definitions.partitions.snap import (
    DynamicPartitionsSnap,
    MultiPartitionsSnap,
    PartitionsSnap,
    StaticPartitionsSnap,
    TimeWindowPartitionsSnap,
)
from dagster._core.remote_representation.external import RemoteRepository
from dagster._core.remote_representation.external_data import AssetNodeSnap, RepositorySnap
from dagster._core.remote_representation.handle import RepositoryHandle
from dagster._serdes import deserialize_value, serialize_value

Recipe = dict[str, Any]  # arguments of an AssetSpec
Entry = dict[str, Any]

KEYS = [["raw", "orders"], ["raw", "users"], ["db", "orders"], ["db", "users"], ["daily"], ["été", "report 1"]]
UNDEFINED = [["elsewhere", "a"], ["elsewhere", "b"]]
STUB = "dagster/auto_created_stub_asset"

V = dg.MetadataValue
# Many of one value under several types, and of almost the same value.
VALUES: list[Callable[[], Any]] = [
    lambda: 3, lambda: 3.0, lambda: V.timestamp(3.0), lambda: 1, lambda: 1.0, lambda: True, lambda: False, lambda: 0,
    lambda: -0.0, lambda: 4.5, lambda: 2**53 + 1, lambda: float(2**53), lambda: V.float(float("nan")),
    lambda: V.float(float("inf")), lambda: "1", lambda: "", lambda: "report", lambda: V.url("report"),
    lambda: V.path("report"), lambda: V.md("report"), lambda: V.notebook("report"), lambda: V.dagster_run("report"),
    lambda: V.text("NULL"), lambda: V.null(), lambda: V.json([float("nan")]), lambda: V.json({"a": 1, "b": [1, 2]}),
    lambda: V.json({"b": [1, 2], "a": 1}), lambda: V.json({"a": True, "b": [1.0, 2]}),
    lambda: V.json({"a": 1, "b": [2, 1]}), lambda: V.json({}), lambda: V.json([]), lambda: V.json([None]),
    lambda: V.json({"a": {"deep": ["😀", "\x00"]}}), lambda: V.python_artifact(json.dumps),
    lambda: V.asset(dg.AssetKey(["raw", "orders"])), lambda: V.asset(dg.AssetKey(["raw", "users"])),
    lambda: V.job("nightly", location_name="shop"), lambda: V.job("nightly", location_name="bank"),
    lambda: V.table_schema(dg.TableSchema([dg.TableColumn("id", "int")])),
    lambda: V.table_schema(dg.TableSchema([dg.TableColumn("id", "text")])),
    lambda: V.table([dg.TableRecord({"id": 1})], dg.TableSchema([dg.TableColumn("id", "int")])),
    lambda: V.table([dg.TableRecord({"id": 2})], dg.TableSchema([dg.TableColumn("id", "int")])),
]  # fmt: skip

PARTITIONS: list[Callable[[], Any]] = [
    lambda: dg.DailyPartitionsDefinition("2024-01-01"),
    lambda: TimeWindowPartitionsDefinition(cron_schedule="0 0 * * *", start="2024-01-01", fmt="%Y-%m-%d"),
    lambda: dg.DailyPartitionsDefinition("2024-01-02"),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-06-01"),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", end_offset=1),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin"),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", hour_offset=2),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", exclusions=[datetime(2024, 3, 1, tzinfo=UTC)]),
    lambda: dg.DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 6"]),
    lambda: dg.HourlyPartitionsDefinition("2024-01-01-00:00"),
    lambda: dg.WeeklyPartitionsDefinition("2024-01-01"),
    lambda: dg.StaticPartitionsDefinition(["a", "b"]),
    lambda: dg.StaticPartitionsDefinition(["b", "a"]),
    lambda: dg.DynamicPartitionsDefinition(name="customers"),
    lambda: dg.DynamicPartitionsDefinition(name="shops"),
    lambda: multi(day=dg.DailyPartitionsDefinition("2024-01-01"), shop=dg.StaticPartitionsDefinition(["a", "b"])),
    lambda: multi(shop=dg.StaticPartitionsDefinition(["a", "b"]), day=dg.DailyPartitionsDefinition("2024-01-01")),
    lambda: multi(day=dg.DailyPartitionsDefinition("2024-01-01"), shop=dg.StaticPartitionsDefinition(["b", "a"])),
]
MAPPINGS: list[Callable[[], Any]] = [
    lambda: None,
    lambda: None,
    lambda: dg.TimeWindowPartitionMapping(),
    lambda: dg.TimeWindowPartitionMapping(start_offset=-1),
    lambda: dg.IdentityPartitionMapping(),
    lambda: dg.AllPartitionMapping(),
    lambda: dg.LastPartitionMapping(),
    lambda: dg.StaticPartitionMapping({"a": "b", "b": "a"}),
    lambda: dg.StaticPartitionMapping({"b": "a", "a": "b"}),
    lambda: dg.StaticPartitionMapping({"a": {"a", "b"}}),
    lambda: dg.SpecificPartitionsPartitionMapping(["a"]),
    lambda: dg.MultiToSingleDimensionPartitionMapping("day"),
]


def multi(**dimensions: Any) -> dg.MultiPartitionsDefinition:
    """Answer a partitions definition of two dimensions, in the order given."""
    return dg.MultiPartitionsDefinition(dimensions)


# Random graphs


def recipe(random: Random, path: list[str]) -> Recipe:
    """Answer what one asset is made from."""
    made: Recipe = {"key": path}
    for name in FIELDS:
        if random.random() < 0.6:
            made[name] = FIELDS[name](random, path)
    return made


def deps(random: Random, path: list[str]) -> list[tuple[list[str], int]]:
    """Answer parents, each before the asset itself in KEYS or defined nowhere, with their mappings."""
    possible = KEYS[: KEYS.index(path)] + UNDEFINED
    chosen = random.sample(possible, random.randint(0, min(3, len(possible))))
    return [(parent, random.randrange(len(MAPPINGS))) for parent in chosen]


def some(possible: list[str], most: int = 2) -> Callable[[Random, list[str]], Any]:
    """Answer a choice of a few."""
    return lambda random, _: random.sample(possible, random.randint(0, most))


FIELDS: dict[str, Callable[[Random, list[str]], Any]] = {
    "code_version": lambda random, _: random.choice([None, "", "1", "1.0", "2"]),
    "deps": deps,
    "partitions_def": lambda random, _: random.randrange(len(PARTITIONS)),
    "tags": lambda random, _: {tag: random.choice(["", "gold", "silver"]) for tag in random.sample("abc", 2)},
    "kinds": some(["dbt", "python", "snowflake"]),
    "metadata": lambda random, _: {label: random.randrange(len(VALUES)) for label in random.sample("xyzw", 3)},
    "group_name": lambda random, _: random.choice(["core", "marts"]),
    "owners": some(["a@example.com", "team:data"]),
    "description": lambda random, _: random.choice(["", "Orders.", "Users."]),
}


def changed(random: Random, old: Recipe) -> Recipe:
    """Answer the same asset after a release: mostly as it was."""
    new = dict(old)
    for name in random.sample(list(FIELDS), random.choice([0, 0, 1, 1, 1, 2, 3])):
        new[name] = FIELDS[name](random, old["key"])
    if random.random() < 0.3 and new.get("deps"):
        new["deps"] = [
            (parent, random.randrange(len(MAPPINGS)) if random.random() < 0.4 else mapping)
            for parent, mapping in reversed(new["deps"])
        ]
    if random.random() < 0.3 and new.get("metadata"):
        label = random.choice(list(new["metadata"]))
        new["metadata"] = {**new["metadata"], label: random.randrange(len(VALUES))}
    return new


def pair(seed: int) -> tuple[list[Recipe], list[Recipe]]:
    """Answer the recipes of two graphs."""
    random = Random(seed)
    old = [recipe(random, path) for path in KEYS if random.random() < 0.8]
    new = [changed(random, made) for made in old if random.random() < 0.9]
    known = [made["key"] for made in old]
    new += [recipe(random, path) for path in KEYS if path not in known and random.random() < 0.5]
    random.shuffle(new)
    return old, new


# Dagster


def repository(recipes: list[Recipe], *, sent: bool) -> RemoteRepository:
    """Answer what a webserver would hold of these assets, if they were sent to it, or what it had in its own process.

    Where they were sent, all NaN are one object, which is equal to itself.
    """
    alone = []
    for made in recipes:
        given = dict(made)
        given["deps"] = [
            dg.AssetDep(dg.AssetKey(parent), partition_mapping=MAPPINGS[mapping]())
            for parent, mapping in made.get("deps", [])
        ]
        if "partitions_def" in made:
            given["partitions_def"] = PARTITIONS[made["partitions_def"]]()
        given["metadata"] = {label: VALUES[value]() for label, value in made.get("metadata", {}).items()}
        # Of its own: assets that are defined together share the mapping of a parent.
        alone.append(dg.AssetsDefinition(specs=[dg.AssetSpec(**given)]))
    snap = RepositorySnap.from_def(dg.Definitions(assets=alone).get_repository_def())
    if sent:
        snap = deserialize_value(serialize_value(snap), RepositorySnap)
    handle = RepositoryHandle.for_test(location_name="shop", repository_name=snap.name)
    return RemoteRepository(snap, handle, auto_materialize_use_sensors=True)


def answer(old: RemoteRepository, new: RemoteRepository) -> dict[str, Entry]:
    """Answer what Dagster's differ says of each key of either."""
    differ = AssetGraphDiffer(branch_asset_graph=new.asset_graph, base_asset_graph=old.asset_graph)
    said = {}
    for key in sorted(old.asset_graph.get_all_asset_keys() | new.asset_graph.get_all_asset_keys()):
        details = differ.get_changes_for_asset_with_diff(key)
        assert details.change_types == set(differ.get_changes_for_asset(key))
        if not details.change_types:
            continue
        entry: Entry = {"types": sorted(each.value for each in details.change_types)}
        for name in ("dependencies", "tags", "metadata"):
            found = getattr(details, name)
            if found is not None:
                entry[name] = {
                    "added": sorted(map(shown, found.added_keys)),
                    "removed": sorted(map(shown, found.removed_keys)),
                    "changed": sorted(map(shown, found.changed_keys)),
                }
        if details.code_version is not None:
            entry["code_version"] = [details.code_version.old, details.code_version.new]
        said[shown(key)] = entry
    return said


def shown(key: Any) -> str:
    """Answer a key or a label as our snapshots show it."""
    return "/".join(key.path) if isinstance(key, dg.AssetKey) else key


# Our snapshots


def snapshot(found: RemoteRepository) -> Entry:
    """Answer the contract's snapshot of a repository."""
    return {"format": "lastgood.assets/1", "assets": [asset(node) for node in found.repository_snap.asset_nodes]}


def asset(node: AssetNodeSnap) -> Entry:
    """Answer one asset of a snapshot."""
    return {
        "key": list(node.asset_key.path),
        "code_version": node.code_version,
        "group": node.group_name,
        "description": node.description,
        "owners": list(node.owners or []),
        "tags": dict(node.tags or {}),
        "metadata": {label: metadata(value) for label, value in node.metadata.items()},
        "deps": [
            {"key": list(edge.parent_asset_key.path), "partition_mapping": opaque(edge.partition_mapping)}
            for edge in node.parent_edges
        ],
        "partitions_def": partitions(node.partitions) if node.partitions else None,
        "is_stub": STUB in node.metadata,
    }


def metadata(found: Any) -> Entry:
    """Answer a metadata entry: its value where it is JSON, else the whole of it as Dagster writes it."""
    value = found.value
    # Records are tuples.
    if type(value) not in (type(None), str, bool, int, float, list, dict):
        value = json.loads(serialize_value(found))
    return {"type": type(found).__name__.removesuffix("MetadataValue"), "value": value}


def opaque(mapping: PartitionMapping | None) -> Any:
    """Answer a partition mapping as Dagster writes it."""
    return None if mapping is None else json.loads(serialize_value(mapping))


def partitions(snap: PartitionsSnap) -> Entry:
    """Answer a partitions definition."""
    if isinstance(snap, StaticPartitionsSnap):
        return {"type": "static", "keys": list(snap.partition_keys)}
    if isinstance(snap, DynamicPartitionsSnap):
        return {"type": "dynamic", "name": snap.name}
    if isinstance(snap, MultiPartitionsSnap):
        dimensions = [
            {"name": each.name, "partitions_def": partitions(each.partitions)} for each in snap.partition_dimensions
        ]
        return {"type": "multi", "dimensions": dimensions}
    assert isinstance(snap, TimeWindowPartitionsSnap)
    made = snap.get_partitions_definition()
    return {
        "type": "time_window",
        "cron_schedule": made.cron_schedule,
        "start": snap.start,
        "end": snap.end,
        "timezone": made.timezone,
        "fmt": made.fmt,
        "end_offset": made.end_offset,
        "exclusions": json.loads(serialize_value(snap.exclusions)) if snap.exclusions else None,
    }


def main(first: int, last: int) -> None:
    """Print the answers for the pairs of these seeds."""
    warnings.simplefilter("ignore")
    answers = []
    for seed in range(first, last):
        old, new = (repository(recipes, sent=seed % 2 == 0) for recipes in pair(seed))
        answers.append({"dagster": answer(old, new), "old": snapshot(old), "new": snapshot(new)})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
