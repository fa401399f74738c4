"""A broken manifest is refused with the name of what is broken, and nothing else ever comes of it."""

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.definitions import prints, reading
from assets.definitions.problems import SnapshotError
from tests.definitions.manifests import ORDERS, REAL, Document, manifest, model, read, seed, source


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"nodes": []}, "nodes"),
        ({"nodes": None}, "nodes"),
        ({"nodes": {ORDERS: "select 1"}}, ORDERS),
        ({"nodes": {ORDERS: {"resource_type": "model"}}}, ORDERS),
        ({"nodes": {ORDERS: {"unique_id": ORDERS}}}, ORDERS),
        ({"nodes": {ORDERS: {"unique_id": ORDERS, "resource_type": ["model"]}}}, ORDERS),
        ({"nodes": {"model.shop.other": model()}}, "model.shop.other"),
        ({"sources": []}, "sources"),
        ({"sources": {"source.shop.a.b": None}}, "source.shop.a.b"),
        ({"exposures": {"exposure.shop.e": []}}, "exposure.shop.e"),
        ({"macros": []}, "macros"),
        ({"macros": {"macro.shop.m": "text"}}, "macro.shop.m"),
        ({"macros": {"macro.shop.m": {"macro_sql": 3}}}, "macro.shop.m"),
        ({"macros": {"macro.shop.m": {"depends_on": ["a"]}}}, "macro.shop.m"),
        ({"macros": {"macro.shop.m": {"depends_on": {"macros": [3]}}}}, "macro.shop.m"),
    ],
)
def test_a_broken_manifest_is_refused_by_name(broken: Document, named: str) -> None:
    with pytest.raises(SnapshotError) as refused:
        read({**REAL, **broken})

    assert refused.value.code == "bad_manifest"
    assert named in refused.value.detail


@pytest.mark.parametrize("name", ["model.shop.\ud800", "model.shop.\n"])
def test_a_name_that_cannot_be_shown_is_spelt_out(name: str) -> None:
    for nodes in ({name: None}, {name: {}}):
        with pytest.raises(SnapshotError) as refused:
            read({**REAL, "nodes": nodes})

        assert refused.value.detail.isprintable()


def test_a_manifest_without_nodes_is_not_one_that_defines_nothing() -> None:
    with pytest.raises(SnapshotError) as refused:
        read({"metadata": REAL["metadata"]})

    assert refused.value.code == "bad_manifest"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("depends_on", ["seed.shop.raw_orders"]),
        ("depends_on", {"nodes": "seed.shop.raw_orders"}),
        ("depends_on", {"nodes": [["seed.shop.raw_orders"]]}),
        ("depends_on", {"macros": {"macro.shop.cents": 1}}),
        ("tags", {"gold": ""}),
        ("tags", [3]),
        ("meta", ["owner"]),
        ("group", 3),
        ("config", []),
        ("columns", [{"name": "id"}]),
        ("columns", {"id": "integer"}),
        ("columns", {"id": {"tags": [3]}}),
        ("columns", {"id": {"config": "x"}}),
        ("raw_code", 3),
        ("checksum", "c0ffee"),
        ("description", {"text": "x"}),
        ("fqn", "shop.orders"),
        ("relation_name", 3),
        ("contract", True),
        ("deprecation_date", 2030),
        ("original_file_path", []),
        ("owner", "Board"),
    ],
)
def test_a_field_of_another_shape_is_refused_by_the_node_s_name(field: str, value: Any) -> None:
    said = model() if field != "checksum" else seed()
    with pytest.raises(SnapshotError) as refused:
        read(manifest({**said, field: value}))

    assert refused.value.code == "bad_manifest"
    assert said["unique_id"] in refused.value.detail


def test_a_slash_in_a_name_is_refused_as_in_every_key() -> None:
    with pytest.raises(SnapshotError) as refused:
        read(manifest(source("crm.people/old")))

    assert refused.value.code == "bad_key"


@pytest.mark.parametrize("field", ["meta", "config"])
def test_what_is_nested_too_deep_is_refused(field: str) -> None:
    deep: Any = None
    for _ in range(400):
        deep = {"a": deep}

    with pytest.raises(SnapshotError) as refused:
        read(manifest(model(**{field: {"mine": deep}})))

    assert refused.value.code == "too_deep"


places = [
    (section, name, *inner)
    for section in ("nodes", "sources", "exposures", "macros")
    for name, fields in REAL[section].items()
    for field, value in fields.items()
    for inner in [(), (field,), *([(field, each) for each in value] if isinstance(value, dict) else [])]
]
junk = st.recursive(
    st.sampled_from([None, True, 0, -1.5, "", "a/b", "\ud800", [], {}, [None], ["\n"], {"enabled": 0}, {"macros": {}}]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "nodes", "tags", ""]), inner),
    max_leaves=4,
)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(places), junk), min_size=1, max_size=2))
def test_whatever_is_in_a_manifest_is_read_or_refused(broken: list[tuple[tuple[str, ...], Any]]) -> None:
    whole = deepcopy(REAL)
    for place, value in broken:
        target: Any = whole
        for step in place[:-1]:
            target = target.get(step) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target[place[-1]] = value

    with suppress(SnapshotError):
        for definition in reading.read(json.dumps(whole).encode()).assets.values():
            prints.digest_of(definition)
