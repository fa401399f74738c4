"""Which edit of a dbt project is which change."""

from copy import deepcopy

import pytest

from tests.definitions.manifests import (
    ORDERS,
    Document,
    change,
    change_types,
    exposure,
    manifest,
    model,
    node,
    nothing,
    read,
    seed,
    source,
)

FRESH = {"warn_after": {"count": 12, "period": "hour"}}
FRESHER = {"warn_after": {"count": 0, "period": "hour"}}
EXTERNAL = {"location": "s3://bucket/people", "file_format": "parquet"}


def labels(old: Document, new: Document) -> Document:
    """Answer, of the one node that changed, each metadata label with its values."""
    (found,) = change(old, new)["changed"].values()
    assert found["change_types"] == ["METADATA"]
    said = found["metadata"]
    return (
        {name: (None, entry["value"]) for name, entry in said["added"].items()}
        | {name: (entry["value"], None) for name, entry in said["removed"].items()}
        | {name: (pair["old"]["value"], pair["new"]["value"]) for name, pair in said["changed"].items()}
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (model(), model(raw_code="select 2"), ["CODE_VERSION"]),
        (seed(), seed(checksum={"name": "sha256", "checksum": "c0ffee"}), ["CODE_VERSION"]),
        (node("snapshot", "snap"), node("snapshot", "snap", raw_code="select 2"), ["CODE_VERSION"]),
        (model(), model(tags=["core", "gold", "silver"]), ["TAGS"]),
        (model(), model(config={"tags": "nightly"}), ["TAGS"]),
        (model(), model(raw_code="{{ config(tags=['x']) }} select 1", tags=["x"]), ["CODE_VERSION", "TAGS"]),
        (model(), model(meta={"owner": "bea", "tier": 1, "pii": False}), ["METADATA"]),
        (model(), model(config={"materialized": "view"}), ["METADATA"]),
        (model(), model(description="Each order."), ["METADATA"]),
        (model(), model(group="sales"), ["OTHER"]),
        (model(), model(depends_on={"nodes": ["seed.shop.other"], "macros": ["macro.shop.cents"]}), ["DEPENDENCIES"]),
        (source(), source(tags=[], config={"tags": []}), ["TAGS"]),
        (exposure(), exposure(depends_on={"nodes": [ORDERS], "macros": []}), ["DEPENDENCIES"]),
        (exposure(), exposure(owner={"name": "Board", "email": "head@example.com"}), ["METADATA"]),
    ],
)
def test_an_edit_has_its_change_types(old: Document, new: Document, expected: list[str]) -> None:
    assert change_types(old, new) == {old["unique_id"]: expected}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (model(), model(config={"materialized": "view"}), {"config/materialized": ("table", "view")}),
        (model(), model(config={"my_own": {"a": 1}}), {"config/my_own": (None, {"a": 1})}),
        (model(), model(config={"grants": {"select": []}}), {"config/grants": (None, {"select": []})}),
        (model(), model(config={"full_refresh": False}), {"config/full_refresh": (None, False)}),
        (model(), model(config={"lookback": 3}), {"config/lookback": (None, 3)}),
        (model(), model(meta={"owner": "ada", "tier": None, "pii": False}), {"meta/tier": (1, None)}),
        (model(), model(description=""), {"description": ("All **orders**.", None)}),
        (model(), model(schema="marts"), {"relation/schema": ("main", "marts")}),
        (model(), model(alias="sales"), {"relation/alias": ("orders", "sales")}),
        (model(relation_name="a.b"), model(relation_name='"a"."b"'), {"relation/name": ("a.b", '"a"."b"')}),
        (model(), model(access="public"), {"access": (None, "public")}),
        (model(), model(config={"access": "private"}, access=None), {"access": (None, "private")}),
        (model(version=1), model(version=2), {"version": (1, 2)}),
        (model(), model(latest_version="b"), {"latest_version": (None, "b")}),
        (model(), model(contract={"enforced": False}), {"contract/enforced": (True, None)}),
        (model(), model(constraints=[{"type": "unique", "name": None}]), {"constraints": (None, [{"type": "unique"}])}),
        (model(), model(deprecation_date="2030-01-01T00:00:00-05:00"), {"deprecation_date": (None, "2030-01-01")}),
        (source(), source(identifier="people_v2"), {"relation/identifier": ("people_v1", "people_v2")}),
        (source(), source(loader="airbyte"), {"loader": ("fivetran", "airbyte")}),
        (source(), source(loaded_at_field="seen_at"), {"loaded_at_field": ("updated_at", "seen_at")}),
        (source(), source(loaded_at_query="select 1"), {"loaded_at_query": (None, "select 1")}),
        (source(), source(quoting={"identifier": False}), {"quoting": ({"identifier": True}, {"identifier": False})}),
        (source(), source(freshness=FRESHER), {"freshness": (FRESH, FRESHER)}),
        (source(), source(external={"location": "s3://a"}), {"external": (EXTERNAL, {"location": "s3://a"})}),
        (exposure(), exposure(type="notebook"), {"type": ("dashboard", "notebook")}),
        (exposure(), exposure(maturity="low"), {"maturity": ("high", "low")}),
        (exposure(), exposure(label="Weekly"), {"label": ("Weekly report", "Weekly")}),
        (exposure(), exposure(url="https://bi.example.com/2"), {"url": ("https://bi.example.com/weekly", "https://bi.example.com/2")}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) and "unique_id" not in value else "",
)  # fmt: skip
def test_what_is_said_of_a_node_is_shown_under_its_label(old: Document, new: Document, expected: Document) -> None:
    assert labels(old, new) == expected


def test_each_column_is_an_entry_of_its_own() -> None:
    columns = deepcopy(model()["columns"])
    columns["amount"]["data_type"] = "float"
    columns["more"] = {"name": "more"}
    del columns["id"]

    found = labels(model(), model(columns=columns))

    assert found["column/amount"] == (
        {"name": "amount", "data_type": "double"},
        {"name": "amount", "data_type": "float"},
    )
    assert found["column/more"] == (None, {"name": "more"})
    assert found["column/id"][1] is None


def test_what_a_column_says_of_itself_may_be_in_its_config_alone() -> None:
    said = {"tags": list("hgfedcba"), "meta": {"pii": True}}
    older = {"id": {"name": "id", **said}}
    newer = {"id": {"name": "id", "tags": [], "meta": {}, "doc_blocks": ["doc.shop.id"], "config": said}}

    assert change(model(columns=older), model(columns=newer)) == nothing()
    column = read(manifest(model(columns=newer)))[ORDERS]["metadata"]["column/id"]["value"]
    assert column == {"name": "id", "tags": list("abcdefgh"), "meta": {"pii": True}}


def test_a_moved_file_is_the_same_node_elsewhere() -> None:
    moved = model(
        fqn=["shop", "marts", "orders"], original_file_path="models/marts/orders.sql", path="marts/orders.sql"
    )

    assert labels(model(), moved) == {
        "fqn": ("shop.core.orders", "shop.marts.orders"),
        "path": ("models/core/orders.sql", "models/marts/orders.sql"),
    }


def test_a_renamed_node_is_a_removed_and_an_added_one() -> None:
    found = change(model("orders"), model("sales"))

    assert found == {"added": ["model.shop.sales"], "removed": [ORDERS], "changed": {}, "unchanged": 0}


def test_a_disabled_node_is_removed() -> None:
    assert change(model(), model(config={"enabled": False}))["removed"] == [ORDERS]


def test_the_two_snapshots_of_one_file_change_by_themselves() -> None:
    file = {"name": "sha256", "checksum": "of the whole file"}
    changed_file = {"name": "sha256", "checksum": "of another file"}
    here, there = node("snapshot", "here", checksum=file), node("snapshot", "there", checksum=file)
    edited = node("snapshot", "here", checksum=changed_file, raw_code="select 2")
    kept = node("snapshot", "there", checksum=changed_file)

    assert change_types(manifest(here, there), manifest(edited, kept)) == {"snapshot.shop.here": ["CODE_VERSION"]}


def test_of_a_large_seed_nobody_can_say_whether_its_rows_changed() -> None:
    large = seed(checksum={"name": "path", "checksum": "seeds/raw_orders.csv"})

    assert read(manifest(large))["seed.shop.raw_orders"]["code_version"] is None
    assert change(large, seed(checksum={"name": "path", "checksum": "seeds\\raw_orders.csv"})) == nothing()


def test_a_node_without_code_has_no_code_version() -> None:
    # A model of another project (dbt Mesh).
    foreign = model(raw_code="", checksum={"name": "none", "checksum": ""}, macros=[])

    assert read(manifest(foreign))[ORDERS]["code_version"] is None


def test_the_code_was_called_raw_sql_once() -> None:
    assert change(model(raw_code="select 1"), model(raw_code=None, raw_sql="select 1")) == nothing()


def test_half_a_letter_in_the_code_is_code() -> None:
    assert change_types(model(raw_code="select '\ud800'"), model(raw_code="select '\ud801'")) == {
        ORDERS: ["CODE_VERSION"]
    }
