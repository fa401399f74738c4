"""The normal form of Dagster's definitions: equal for equal code, different for different code."""

import contextlib
import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.platforms.dagster_definitions import asset_form, location_form, plain
from deployments.platforms.dagster_paths import below
from portal.common.canonical import canonical_json, digest_of
from tests.platforms.dagster_answers import Node, json_texts, nodes, repositories

# Lists of GraphQL whose order comes out of sets and dictionaries on the other side.
UNORDERED = {
    "kinds", "tags", "owners", "dependencyKeys", "dependencies", "jobNames", "pools", "metadataEntries",
    "lineage", "dimensionTypes", "jobs", "schedules", "sensors",
}  # fmt: skip

unhurried = settings(deadline=None, max_examples=40)


def form_of(repositories: list[Node], assets: list[Node]) -> dict[str, Any]:
    return location_form(repositories, [asset_form(node, repository="r") for node in assets])


def shuffled(value: Any, random: Random) -> Any:
    """Answer a copy with every unordered list in another order."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    copied = {name: shuffled(item, random) for name, item in value.items()}
    for name in UNORDERED & copied.keys():
        random.shuffle(copied[name])
    return copied


def orders() -> Node:
    """Answer one asset with something in every field."""
    parent = {"path": ["raw", "orders"]}
    return {
        "assetKey": {"path": ["db", "orders"]},
        "opVersion": "1",
        "groupName": "core",
        "kinds": ["dbt"],
        "description": "Orders.",
        "isMaterializable": True,
        "isObservable": False,
        "isExecutable": True,
        "isAutoCreatedStub": False,
        "tags": [{"key": "tier", "value": "gold"}],
        "owners": [{"__typename": "TeamAssetOwner", "team": "data"}],
        "dependencyKeys": [parent],
        "dependencies": [
            {
                "asset": {"assetKey": parent},
                "partitionMapping": {"className": "Last", "description": "the last one"},
            }
        ],
        "jobNames": ["nightly", "__ASSET_JOB"],
        "pools": ["duck"],
        "partitionDefinition": {
            "name": None,
            "type": "STATIC",
            "fmt": None,
            "description": "'a', 'b'",
            "dimensionTypes": [],
        },
        "backfillPolicy": {"policyType": "MULTI_RUN", "maxPartitionsPerRun": 3},
        "automationCondition": {"label": "eager", "expandedLabel": ["x"]},
        "metadataEntries": [{"__typename": "IntMetadataEntry", "label": "rows", "intRepr": "3"}],
    }


def one_repository() -> list[Node]:
    schedule = {
        "name": "at_night",
        "cronSchedule": "0 2 * * *",
        "executionTimezone": "UTC",
        "pipelineName": "nightly",
    }
    return [
        {
            "name": "r",
            "jobs": [{"name": "nightly"}, {"name": "__ASSET_JOB"}],
            "schedules": [schedule],
            "sensors": [{"name": "watcher", "sensorType": "STANDARD"}],
        }
    ]


@unhurried
@given(repositories(), st.lists(nodes(), max_size=4), st.randoms(use_true_random=False))
def test_does_not_depend_on_any_order(repositories: list[Node], assets: list[Node], random: Random) -> None:
    others = shuffled(assets, random)
    random.shuffle(others)
    elsewhere = shuffled(repositories, random)
    random.shuffle(elsewhere)

    assert digest_of(form_of(elsewhere, others)) == digest_of(form_of(repositories, assets))


@unhurried
@given(repositories(), st.lists(nodes(), max_size=3))
def test_is_json_that_any_database_takes(repositories: list[Node], assets: list[Node]) -> None:
    form = form_of(repositories, assets)
    written = canonical_json(form).decode()

    assert json.loads(written) == form
    assert "\\u0000" not in written


@unhurried
@given(nodes())
def test_does_not_change_what_it_reads(node: Node) -> None:
    before = copy.deepcopy(node)
    asset_form(node, repository="r")

    # As text, for NaN is not equal to itself.
    assert repr(node) == repr(before)


CHANGES: dict[str, Callable[[Node], object]] = {
    "key": lambda node: node.update(assetKey={"path": ["db/orders"]}),
    "code version": lambda node: node.update(opVersion="2"),
    "no code version": lambda node: node.update(opVersion=None),
    "group": lambda node: node.update(groupName="other"),
    "kinds": lambda node: node["kinds"].append("duckdb"),
    "description": lambda node: node.update(description=None),
    "materializable": lambda node: node.update(isMaterializable=False),
    "observable": lambda node: node.update(isObservable=True),
    "executable": lambda node: node.update(isExecutable=False),
    "stub": lambda node: node.update(isAutoCreatedStub=True),
    "tag's value": lambda node: node["tags"][0].update(value="silver"),
    "another tag": lambda node: node["tags"].append({"key": "x", "value": ""}),
    "owner": lambda node: node.update(owners=[{"email": "data"}]),
    "parent": lambda node: node["dependencyKeys"].append({"path": ["raw"]}),
    "mapping": lambda node: node["dependencies"][0]["partitionMapping"].update(description="all"),
    "no mapping": lambda node: node["dependencies"][0].update(partitionMapping=None),
    "jobs": lambda node: node["jobNames"].append("hourly"),
    "pools": lambda node: node.update(pools=[]),
    "partitions": lambda node: node["partitionDefinition"].update(description="'a', 'b', 'c'"),
    "kind of partitions": lambda node: node["partitionDefinition"].update(type="DYNAMIC"),
    "no partitions": lambda node: node.update(partitionDefinition=None),
    "backfill": lambda node: node["backfillPolicy"].update(maxPartitionsPerRun=None),
    "automation": lambda node: node["automationCondition"].update(expandedLabel=["y"]),
    "metadata's value": lambda node: node["metadataEntries"][0].update(intRepr="4"),
    "metadata's label": lambda node: node["metadataEntries"][0].update(label="lines"),
    "metadata's type": lambda node: node["metadataEntries"][0].update(__typename="TextMetadataEntry", text="3"),
    "metadata gone": lambda node: node["metadataEntries"].clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_sees_a_change_of_an_asset(change: Callable[[Node], object]) -> None:
    changed = orders()
    change(changed)

    assert digest_of(form_of([], [changed])) != digest_of(form_of([], [orders()]))


REPOSITORY_CHANGES: dict[str, Callable[[Node], object]] = {
    "job": lambda repository: repository["jobs"].append({"name": "hourly"}),
    "cron": lambda repository: repository["schedules"][0].update(cronSchedule="0 3 * * *"),
    "timezone": lambda repository: repository["schedules"][0].update(executionTimezone="Europe/Zurich"),
    "schedule": lambda repository: repository["schedules"].clear(),
    "sensor": lambda repository: repository["sensors"][0].update(name="looker"),
    "kind of sensor": lambda repository: repository["sensors"][0].update(sensorType="ASSET"),
}


@pytest.mark.parametrize("change", REPOSITORY_CHANGES.values(), ids=REPOSITORY_CHANGES)
def test_sees_a_change_of_what_runs_the_assets(change: Callable[[Node], object]) -> None:
    changed = one_repository()
    change(changed[0])

    assert digest_of(form_of(changed, [])) != digest_of(form_of(one_repository(), []))


def test_does_not_name_the_jobs_that_dagster_makes_by_itself() -> None:
    form = form_of(one_repository(), [orders()])

    assert form["jobs"] == [{"name": "nightly", "repository": "r"}]
    assert form["assets"][0]["jobs"] == ["nightly"]


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"floatRepr": "nan"}, "NaN"),
        ({"floatRepr": "inf"}, "Infinity"),
        ({"floatRepr": "-inf"}, "-Infinity"),
        ({"floatRepr": "0.1"}, 0.1),
        ({"floatRepr": "None"}, None),
        ({"floatValue": 0.0}, 0.0),
        ({"floatValue": None}, "NaN"),  # older versions say null
    ],
)
def test_writes_floats_that_json_has_no_number_for_as_text(fields: Node, value: object) -> None:
    entry = {"__typename": "FloatMetadataEntry", "label": "ratio", **fields}
    form = asset_form(orders() | {"metadataEntries": [entry]}, repository="r")

    assert form["metadata"]["ratio"] == {"type": "Float", "value": value}


@unhurried
@given(json_texts())
def test_reads_embedded_json_whatever_its_spacing(text: str) -> None:
    spaced = text
    with contextlib.suppress(ValueError):
        spaced = json.dumps(json.loads(text), indent=3)
    forms = [
        asset_form(
            orders() | {"metadataEntries": [{"__typename": "JsonMetadataEntry", "label": "j", "jsonString": one}]},
            repository="r",
        )
        for one in (text, spaced)
    ]

    assert digest_of(forms[0]) == digest_of(forms[1])


@pytest.mark.parametrize("depth", [900, 5_000, 200_000])
def test_survives_json_nested_absurdly_deep(depth: int) -> None:
    entry = {"__typename": "JsonMetadataEntry", "label": "j", "jsonString": "[" * depth + "]" * depth}

    assert digest_of(asset_form(orders() | {"metadataEntries": [entry]}, repository="r"))


def test_leaves_out_where_files_happen_to_lie() -> None:
    def form(*roots: str) -> dict[str, Any]:
        entries = [
            {"__typename": "CodeReferencesMetadataEntry", "label": "dagster/code_references"},
            {"__typename": "PathMetadataEntry", "label": "here", "path": f"{roots[0]}/defs.py"},
            {"__typename": "TextMetadataEntry", "label": "data", "text": "/data/defs.py"},
        ]
        return asset_form(orders() | {"metadataEntries": entries}, repository="r", release=below(roots))

    assert form("/srv/releases/1") == form("/srv/releases/2", "/srv/releases", "/srv")
    assert form("/srv/releases/1") == form("/srv/a.b/3", "/srv/*/3", "/")
    assert form("/srv/releases/1")["metadata"] == {
        "here": {"type": "Path", "value": "{release}/defs.py"},
        "data": {"type": "Text", "value": "/data/defs.py"},
    }


@pytest.mark.parametrize(
    ("root", "path", "written"),
    [
        ("/srv/*/releases/*", "/srv/orders/releases/7-ab/defs.py", "{release}/defs.py"),
        ("/srv/releases/*", "/srv/releases/7-ab", "{release}"),
        ("/srv/app", "/srv/application/defs.py", "/srv/application/defs.py"),
        ("/srv/a.b", "/srv/acb/defs.py", "/srv/acb/defs.py"),
        ("/", "/srv/defs.py", "/srv/defs.py"),
        ("", "/srv/defs.py", "/srv/defs.py"),
    ],
)
def test_knows_where_a_release_begins(root: str, path: str, written: str) -> None:
    assert plain([path], below([root])) == [written]


def test_knows_a_stub_by_its_mark_where_the_schema_does_not_say() -> None:
    node = orders() | {
        "metadataEntries": [
            {
                "__typename": "BoolMetadataEntry",
                "label": "dagster/auto_created_stub_asset",
                "boolValue": True,
            }
        ]
    }
    del node["isAutoCreatedStub"]

    assert asset_form(node, repository="r")["is_stub"] is True


def test_makes_text_storable() -> None:
    assert plain({"a\0": ["\ud800", "é"]}) == {"a\\x00": ["\\ud800", "é"]}
