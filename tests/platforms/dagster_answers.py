"""Hypothesis strategies for Dagster's GraphQL answers about definitions."""

import json
import math
from typing import Any

from hypothesis import strategies as st

Node = dict[str, Any]

# Surrogates and NUL included: JSON can carry them.
texts = st.text(st.characters(), max_size=6)
names = st.text("abc_é/", min_size=1, max_size=4)
paths = st.lists(names, min_size=1, max_size=3)
numbers = st.floats() | st.integers()


def json_texts() -> st.SearchStrategy[str]:
    """Answer embedded JSON as Dagster writes it, NaN included, and texts that are no JSON."""
    leaves = st.none() | st.booleans() | numbers | texts
    values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner))
    return values.map(json.dumps) | texts


def table_schemas() -> st.SearchStrategy[Node]:
    """Answer table schemas with up to two columns."""
    constraints = st.fixed_dictionaries(
        {"nullable": st.booleans(), "unique": st.booleans(), "other": st.lists(texts, max_size=2)}
    )
    column = st.fixed_dictionaries(
        {
            "name": names,
            "type": names,
            "description": st.none() | texts,
            "tags": pairs(),
            "constraints": constraints,
        }
    )
    return st.fixed_dictionaries(
        {"columns": st.lists(column, max_size=2), "constraints": st.none() | st.just({"other": ["x"]})}
    )


def pairs() -> st.SearchStrategy[list[Node]]:
    """Answer lists of key and value, each key once."""
    return st.dictionaries(names, texts, max_size=3).map(
        lambda tags: [{"key": key, "value": value} for key, value in tags.items()]
    )


def float_text(value: float) -> str:
    """Write a float as Python, and so Dagster, does."""
    return "nan" if math.isnan(value) else str(value)


def metadata_values() -> st.SearchStrategy[Node]:
    """Answer metadata entries without their labels, of types we know and of one that we do not."""
    lineage = st.lists(
        st.fixed_dictionaries(
            {
                "columnName": names,
                "columnDeps": st.lists(
                    st.fixed_dictionaries({"assetKey": st.just({"path": ["up"]}), "columnName": names}),
                    max_size=2,
                ),
            }
        ),
        max_size=2,
        unique_by=lambda entry: entry["columnName"],
    )
    table = st.fixed_dictionaries({"records": st.lists(json_texts(), max_size=2), "schema": table_schemas()})
    kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "Text": {"text": texts},
        "Path": {"path": texts},
        "Markdown": {"mdStr": texts},
        "Json": {"jsonString": json_texts()},
        "Float": {"floatRepr": st.floats().map(float_text)},
        "Int": {"intRepr": st.integers().map(str)},
        "Bool": {"boolValue": st.booleans()},
        "Timestamp": {"timestamp": st.floats()},
        "Asset": {"assetKey": paths.map(lambda path: {"path": path})},
        "Table": {"table": table},
        "TableSchema": {"schema": table_schemas()},
        "TableColumnLineage": {"lineage": lineage},
        "Null": {},
        "OfTheFuture": {},
    }
    return st.one_of(
        [
            st.fixed_dictionaries({"__typename": st.just(f"{kind}MetadataEntry"), **fields})
            for kind, fields in kinds.items()
        ]
    )


def dependencies() -> st.SearchStrategy[list[Node]]:
    """Answer dependencies, each parent once."""
    mapping = st.none() | st.fixed_dictionaries({"className": names, "description": texts})
    return st.lists(
        st.fixed_dictionaries(
            {"asset": paths.map(lambda path: {"assetKey": {"path": path}}), "partitionMapping": mapping}
        ),
        max_size=3,
        unique_by=lambda dependency: tuple(dependency["asset"]["assetKey"]["path"]),
    )


def partitions() -> st.SearchStrategy[Node]:
    """Answer partition definitions."""
    kind = st.sampled_from(["TIME_WINDOW", "STATIC", "DYNAMIC", "MULTIPARTITIONED"])
    dimension = st.fixed_dictionaries(
        {
            "name": names,
            "type": kind,
            "description": texts,
            "isPrimaryDimension": st.booleans(),
            "dynamicPartitionsDefinitionName": st.none() | names,
        }
    )
    return st.fixed_dictionaries(
        {
            "name": st.none() | names,
            "type": kind,
            "fmt": st.none() | names,
            "description": texts,
            "dimensionTypes": st.lists(dimension, max_size=2, unique_by=lambda one: one["name"]),
        }
    )


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    """Answer one asset node."""
    parents = draw(dependencies())
    metadata = draw(st.dictionaries(names, metadata_values(), max_size=3))
    owners = st.builds(lambda name: {"email": name}, names) | st.builds(lambda name: {"team": name}, names)
    return {
        "assetKey": {"path": draw(paths)},
        "opVersion": draw(st.none() | texts),
        "groupName": draw(names),
        "kinds": draw(st.lists(names, max_size=2, unique=True)),
        "description": draw(st.none() | texts),
        "isMaterializable": draw(st.booleans()),
        "isObservable": draw(st.booleans()),
        "isExecutable": draw(st.booleans()),
        "isAutoCreatedStub": draw(st.booleans()),
        "tags": draw(pairs()),
        "owners": draw(st.lists(owners, max_size=2)),
        "dependencyKeys": [dependency["asset"]["assetKey"] for dependency in parents],
        "dependencies": parents,
        "jobNames": draw(st.lists(names, max_size=2)),
        "pools": draw(st.lists(names, max_size=2)),
        "partitionDefinition": draw(st.none() | partitions()),
        "backfillPolicy": draw(st.none() | st.just({"policyType": "SINGLE_RUN", "maxPartitionsPerRun": None})),
        "automationCondition": draw(st.none() | st.just({"label": "eager", "expandedLabel": ["a", "b"]})),
        "metadataEntries": [{"label": label, **entry} for label, entry in metadata.items()],
    }


def repositories() -> st.SearchStrategy[list[Node]]:
    """Answer repositories with their jobs, schedules and sensors."""
    schedule = st.fixed_dictionaries(
        {"name": names, "cronSchedule": texts, "executionTimezone": st.none() | names, "pipelineName": names}
    )
    repository = st.fixed_dictionaries(
        {
            "name": names,
            "jobs": st.lists(names.map(lambda name: {"name": name}), max_size=3),
            "schedules": st.lists(schedule, max_size=2),
            "sensors": st.lists(st.fixed_dictionaries({"name": names, "sensorType": st.just("STANDARD")}), max_size=2),
        }
    )
    return st.lists(repository, max_size=2, unique_by=lambda one: one["name"])
