"""Hypothesis strategies for snapshots: documents as a sender writes them, and pairs of them that differ a little.

Names and values come from small pools, so that two documents meet: often in values that are almost the same.
"""

import unicodedata
from random import Random
from typing import Any

from hypothesis import strategies as st

from assets.definitions.normal import FIELDS, STUB_MARK

Document = dict[str, Any]

# Any letter but halves of one, of which no digest can be taken.
letters = st.characters(exclude_categories=["Cs"])
texts = st.sampled_from(["", "a", "gold", "NaN", "é", "e\u0301", "\x00", "😀", "a" * 300]) | st.text(
    letters, max_size=4
)

# For Python, and so for Dagster: 0, -0.0 and false are equal; 1, 1.0 and true; NaN is none, and is one for us.
alike = [0, -0.0, 0.0, False, 1, 1.0, True, "1", 3, 3.0, None, [], {}, [1], [True], [[]], {"a": 1}, {"a": 1.0}]
numbers = [2**53, 2**53 + 1, float(2**53), 10**30, 1e30, 0.1, float("nan"), float("inf"), -float("inf")]
leaves = st.sampled_from(alike + numbers) | st.integers() | st.floats() | texts
labels = st.sampled_from(["rows", "dagster/table_name", "a", "type", "value", ""]) | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(labels, inner, max_size=3), max_leaves=6
)


def _is_part(text: str) -> bool:
    """Say whether a key may have this part, in words of our own."""
    controls = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    seen = not any(unicodedata.category(each) in controls or (each != " " and each.isspace()) for each in text)
    return seen and text.strip() != "" and not {"/", "\\"} & set(text) and unicodedata.normalize("NFC", text) == text


parts = st.sampled_from(["a", "b", "orders", "é", "a b", "日本", ".", "..", "a:b"]) | st.text(
    st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=3
).filter(_is_part)
paths = st.lists(parts, min_size=1, max_size=3)
few_paths = st.sampled_from([["a"], ["a", "b"], ["b", "a"], ["raw", "orders"], ["été"]])

kinds = st.lists(st.sampled_from(["dbt", "python", ""]), max_size=3)
owners = st.lists(st.sampled_from(["a@example.com", "team:data", "é"]), max_size=3)
tags = st.dictionaries(st.sampled_from(["tier", "dagster/kind/dbt", "dagster/kind/"]) | texts, texts, max_size=3)
metadata = st.dictionaries(
    labels | st.just(STUB_MARK),
    st.fixed_dictionaries({"type": st.sampled_from(["Int", "Float", "Text"]), "value": values}) | values,
    max_size=3,
)
deps = st.lists(
    st.fixed_dictionaries({"key": few_paths | paths}, optional={"partition_mapping": st.none() | values}), max_size=4
)
simple_partitions = (
    st.fixed_dictionaries(
        {"type": st.just("time_window"), "start": st.sampled_from([0, 0.0, 86400, 1704067200.0])},
        optional={
            "cron_schedule": st.sampled_from(["0 0 * * *", "0 1 * * *"]),
            "end": st.none() | st.just(1e9),
            "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
            "end_offset": st.integers(-1, 1),
            "exclusions": values,
        },
    )
    | st.fixed_dictionaries({"type": st.just("static"), "keys": st.lists(texts, max_size=3)})
    | st.fixed_dictionaries({"type": st.just("dynamic"), "name": texts})
)
dimensions = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["day", "shop", "é"]), "partitions_def": st.none() | simple_partitions},
        optional={"more": values},
    ),
    max_size=3,
    unique_by=lambda each: each["name"],
)
multi_partitions = st.fixed_dictionaries({"type": st.just("multi"), "dimensions": dimensions})

FIELD: dict[str, st.SearchStrategy[Any]] = {
    "code_version": st.none() | st.sampled_from(["", "1", "1.0", "2"]) | texts,
    "group": st.none() | texts,
    "kinds": st.none() | kinds,
    "description": st.none() | texts,
    "owners": st.none() | owners,
    "tags": st.none() | tags,
    "metadata": st.none() | metadata,
    "deps": st.none() | deps,
    "partitions_def": st.none() | simple_partitions | multi_partitions,
    "is_stub": st.none() | st.booleans(),
}
extras = st.dictionaries(
    st.sampled_from(["automation", "jobs", ""]) | texts.filter(lambda name: name not in FIELDS), values, max_size=2
)
# Where numbers may be.
NUMBERED = {"metadata", "deps", "partitions_def", "automation", "jobs"}
bodies = st.builds(lambda known, more: {**more, **known}, st.fixed_dictionaries({}, optional=FIELD), extras)
ignored = st.sets(labels | st.sampled_from([STUB_MARK, "rows"]), max_size=2)


def document(entries: list[Document]) -> Document:
    """Answer a snapshot of these assets."""
    return {"format": "lastgood.assets/1", "assets": entries}


@st.composite
def entry_pairs(draw: st.DrawFn) -> tuple[Document, Document]:
    """Answer two definitions of one asset, the second mostly as the first."""
    body = draw(bodies)
    old = {"key": draw(few_paths | paths), **body}
    new = dict(old)
    for name in draw(st.lists(st.sampled_from([*FIELD, "automation"]), max_size=3)):
        new[name] = draw(FIELD.get(name, values))
    if draw(st.booleans()):
        new.pop(draw(st.sampled_from(sorted(old.keys() - {"key"}) or ["none"])), None)
    for name in draw(st.sets(st.sampled_from(sorted(NUMBERED & new.keys())))) if NUMBERED & new.keys() else ():
        new[name] = in_other_words(new[name])
    return old, new


def in_other_words(value: Any) -> Any:
    """Answer a value that Python calls equal, with other types of numbers in it."""
    if isinstance(value, list):
        return [in_other_words(item) for item in value]
    if isinstance(value, dict):
        return {name: in_other_words(item) for name, item in value.items()}
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return float(value) if abs(value) <= 2**53 else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


documents = st.lists(
    st.builds(lambda path, body: {"key": path, **body}, few_paths | paths, bodies),
    max_size=4,
    unique_by=lambda entry: tuple(entry["key"]),
).map(document)


@st.composite
def document_pairs(draw: st.DrawFn) -> tuple[Document, Document]:
    """Answer two snapshots with assets in both and in either."""
    both = draw(st.lists(entry_pairs(), max_size=4, unique_by=lambda pair: tuple(pair[0]["key"])))
    where = [draw(st.sampled_from(["both", "both", "old", "new"])) for _ in both]
    old = [pair[0] for pair, place in zip(both, where, strict=True) if place != "new"]
    new = [pair[1] for pair, place in zip(both, where, strict=True) if place != "old"]
    return document(old), document(draw(st.permutations(new)))


def reordered(said: Document, random: Random) -> Document:
    """Answer the same snapshot with everything that has no order in another one."""
    return {**_members(said, random), "assets": _shuffled([_asset(entry, random) for entry in said["assets"]], random)}


def _asset(entry: Document, random: Random) -> Document:
    again = _members(entry, random)
    for name in ("kinds", "owners", "deps"):
        if again.get(name):
            again[name] = _shuffled(again[name], random)
    partitions = again.get("partitions_def")
    if partitions and partitions["type"] == "multi":
        again["partitions_def"] = {**partitions, "dimensions": _shuffled(partitions["dimensions"], random)}
    return again


def _members(value: Any, random: Random) -> Any:
    if isinstance(value, list):
        return [_members(item, random) for item in value]
    if isinstance(value, dict):
        return {name: _members(value[name], random) for name in _shuffled(list(value), random)}
    return value


def _shuffled(items: list[Any], random: Random) -> list[Any]:
    return random.sample(items, len(items))
