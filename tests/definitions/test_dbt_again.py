"""The same dbt project parsed again, elsewhere, or by another version of dbt, is the same."""

from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.definitions import prints
from tests.definitions.manifests import ORDERS, REAL, Document, change, model, nothing, read


@pytest.mark.parametrize(
    "again",
    [
        {"created_at": 1.5},
        {"compiled": True, "compiled_code": "select 1", "compiled_path": "target/compiled/orders.sql"},
        {"extra_ctes": [], "extra_ctes_injected": True, "build_path": "target/run/orders.sql"},
        {"deferred": True, "defer_relation": {"schema": "prod"}},
        {"checksum": {"name": "sha256", "checksum": "the file's, with its comments"}},
        {"doc_blocks": ["doc.shop.orders"], "docs": {"show": False, "node_color": "red"}},
        {"unrendered_config": {"materialized": "{{ var('m') }}"}, "patch_path": "shop://models/other.yml"},
        {"primary_key": [], "time_spine": None, "functions": [], "refs": [], "metrics": [], "language": None},
        {"root_path": "/somewhere/else", "original_file_path": "models\\core\\orders.sql"},
        {"raw_code": "\r\n" + model()["raw_code"].replace("\n", "\r\n") + " \n"},
        {"contract": {"enforced": True, "checksum": "another dbt's"}},
        {"config": {"docs": {"show": False}, "contract": {"enforced": True}, "group": "finance", "enabled": True}},
        {"config": {"unknown": None, "newer": {}, "newest": {"a": None, "b": []}, "empty": ""}},
        {"config": {"lookback": 1, "on_schema_change": "ignore", "on_configuration_change": "apply", "delimiter": ","}},
        {"tags": ["gold", "core", "gold"]},
        {"meta": {}},
        {"tags": []},
    ],
    ids=lambda again: ",".join(again),
)
def test_what_a_run_or_another_version_of_dbt_adds_is_no_change(again: Document) -> None:
    assert change(model(), model(**again)) == nothing()


@pytest.mark.parametrize("name", ["generated_at", "invocation_id", "dbt_version", "env", "user_id", "project_id"])
def test_what_is_said_of_the_run_is_no_change(name: str) -> None:
    other_run = deepcopy(REAL)
    other_run["metadata"][name] = "2026-01-01"

    assert change(REAL, other_run) == nothing(5)


def test_the_day_of_deprecation_does_not_depend_on_where_it_was_parsed() -> None:
    here, there = (model(deprecation_date=f"2030-01-01T00:00:00{offset}") for offset in ("-05:00", "+09:00"))

    assert change(here, there) == nothing()


def reordered(value: Any, random: Random, name: str = "") -> Any:
    """Answer a manifest with everything that has no order in another one."""
    if isinstance(value, dict):
        return {each: reordered(value[each], random, each) for each in random.sample(list(value), len(value))}
    if isinstance(value, list):
        mixed = random.sample(value, len(value)) if name in ("tags", "nodes", "macros") else value
        return [reordered(each, random) for each in mixed]
    return value


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32).map(Random))
def test_the_order_of_what_has_none_is_no_change(random: Random) -> None:
    whole = deepcopy(REAL)
    whole["nodes"][ORDERS]["depends_on"] = {
        "macros": ["macro.shop.cents", "macro.shop.half", "macro.shop.unused"],
        "nodes": ["seed.shop.raw_orders", "source.shop.crm.people"],
    }

    found = read(reordered(whole, random))

    assert {key: prints.digest_of(each) for key, each in found.items()} == {
        key: prints.digest_of(each) for key, each in read(whole).items()
    }
