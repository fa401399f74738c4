"""A dbt manifest as a snapshot: what is read of it."""

from typing import Any

import pytest

from assets.definitions import dbt, reading
from assets.definitions.problems import SnapshotError
from tests.definitions.manifests import (
    ORDERS,
    REAL,
    Document,
    change,
    exposure,
    manifest,
    model,
    node,
    read,
    seed,
    source,
)


@pytest.mark.parametrize("version", ["v12", "v1", "v20"])
def test_a_manifest_is_known_by_its_schema(version: str) -> None:
    assert dbt.is_manifest(
        {"metadata": {"dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/{version}.json"}}
    )


@pytest.mark.parametrize(
    "metadata",
    [None, [], "manifest/v12.json", {}, {"dbt_schema_version": None}, {"dbt_schema_version": ["manifest/v12.json"]}]
    + [
        {"dbt_schema_version": f"https://schemas.getdbt.com/dbt/{other}"}
        for other in (
            "catalog/v1.json",
            "run-results/v6.json",
            "manifest/v12.json\n",
            "manifest/v.json",
            "nomanifest/v1.json",
        )
    ],
)
def test_nothing_else_is_a_manifest(metadata: Any) -> None:
    document = {"metadata": metadata, "nodes": {}}

    assert not dbt.is_manifest(document)
    with pytest.raises(SnapshotError) as refused:
        reading.from_document(document)
    assert refused.value.code == "bad_format"


def test_what_dbt_really_wrote_reads_like_this() -> None:
    found = read(REAL)

    assert sorted(found) == [
        "exposure.shop.weekly",
        ORDERS,
        "seed.shop.raw_orders",
        "snapshot.shop.orders_snap",
        "source.shop.crm.people",
    ]
    assert found[ORDERS] == {
        "key": [ORDERS],
        "code_version": "d8d6b02d100b8bc8",
        "group": "finance",
        "kinds": ["dbt", "model"],
        "description": None,
        "owners": [],
        "tags": {"core": "", "gold": "", "dagster/kind/dbt": "", "dagster/kind/model": ""},
        "metadata": {
            "fqn": {"type": "Text", "value": "shop.core.orders"},
            "path": {"type": "Text", "value": "models/core/orders.sql"},
            "relation/database": {"type": "Text", "value": "shop"},
            "relation/schema": {"type": "Text", "value": "main"},
            "relation/alias": {"type": "Text", "value": "orders"},
            "relation/name": {"type": "Text", "value": '"shop"."main"."orders"'},
            "config/materialized": {"type": "Text", "value": "table"},
            "contract/enforced": {"type": "Bool", "value": True},
            "description": {"type": "Markdown", "value": "All **orders**."},
            "meta/owner": {"type": "Text", "value": "ada"},
            "meta/tier": {"type": "Int", "value": 1},
            "meta/pii": {"type": "Bool", "value": False},
            "column/amount": {"type": "Json", "value": {"name": "amount", "data_type": "double"}},
            "column/id": {
                "type": "Json",
                "value": {
                    "name": "id",
                    "description": "The number.",
                    "data_type": "integer",
                    "constraints": [{"type": "not_null", "warn_unenforced": True, "warn_unsupported": True}],
                    "tags": ["keycol"],
                    "meta": {"pii": True},
                },
            },
        },
        "deps": [{"key": ["seed.shop.raw_orders"], "partition_mapping": None}],
        "partitions_def": None,
        "is_stub": False,
    }


def test_a_seed_is_where_it_lies_and_what_is_in_it() -> None:
    (found,) = read(manifest(seed())).values()

    assert found["code_version"] == "11f557040ad6de33"
    assert found["kinds"] == ["dbt", "seed"]
    assert found["metadata"].keys() == {
        "fqn", "path", "relation/database", "relation/schema", "relation/alias", "relation/name",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "Null"), (True, "Bool"), (1, "Int"), (0.5, "Float"), ("", "Text"), ([], "Json"), ({"a": None}, "Json")],
)
def test_what_a_project_says_in_meta_is_kept_as_it_is(value: Any, kind: str) -> None:
    assert read(manifest(model(meta={"mine": value})))[ORDERS]["metadata"]["meta/mine"] == {
        "type": kind,
        "value": value,
    }


def test_a_source_is_where_it_lies_and_how_fresh_it_should_be() -> None:
    (found,) = read(manifest(source())).values()

    assert found["code_version"] is None
    assert found["kinds"] == ["dbt", "source"]
    assert {label: entry["value"] for label, entry in found["metadata"].items()} == {
        "fqn": "shop.crm.people",
        "path": "models/schema.yml",
        "relation/database": "shop",
        "relation/schema": "raw",
        "relation/identifier": "people_v1",
        "relation/name": '"shop"."raw"."people_v1"',
        "freshness": {"warn_after": {"count": 12, "period": "hour"}},
        "loader": "fivetran",
        "loaded_at_field": "updated_at",
        "external": {"location": "s3://bucket/people", "file_format": "parquet"},
        "quoting": {"identifier": True},
        "description": "People.",
        "meta/region": "eu",
        "column/id": {"name": "id", "description": "Who."},
    }


def test_an_exposure_is_what_people_look_at_and_whose_it_is() -> None:
    (found,) = read(
        manifest(exposure(depends_on={"nodes": [ORDERS, "source.shop.crm.people"], "macros": ["macro.shop.cents"]}))
    ).values()

    assert found["code_version"] is None
    assert found["owners"] == ["board@example.com"]
    assert [dep["key"] for dep in found["deps"]] == [[ORDERS], ["source.shop.crm.people"]]
    assert {label: entry["value"] for label, entry in found["metadata"].items()} == {
        "fqn": "shop.weekly",
        "path": "models/schema.yml",
        "type": "dashboard",
        "label": "Weekly report",
        "maturity": "high",
        "url": "https://bi.example.com/weekly",
        "owner/name": "Board",
        "owner/email": "board@example.com",
        "description": "What the board sees.",
        "meta/cadence": "weekly",
    }
    assert found["metadata"]["url"]["type"] == "Url"


@pytest.mark.parametrize(
    ("owner", "owners"),
    [
        ({"name": "Board", "email": None}, ["team:Board"]),
        ({"name": None, "email": ["a@example.com", "b@example.com"]}, ["a@example.com", "b@example.com"]),
        ({"name": None, "email": ""}, []),
        (None, []),
    ],
)
def test_an_exposure_without_one_address_is_a_team_s_or_several_people_s(owner: Any, owners: list[str]) -> None:
    assert read(manifest(exposure(owner=owner)))["exposure.shop.weekly"]["owners"] == owners


def test_what_is_no_asset_is_left_out() -> None:
    others = [
        {"unique_id": f"{kind}.shop.a", "resource_type": kind}
        for kind in ("analysis", "operation", "rpc", "sql_operation", "unit_test", "doc", "metric")
    ]

    assert read(manifest(node("test", "unique"), model("off", config={"enabled": False}), *others)) == {}


def test_a_parent_counts_when_it_is_an_asset_by_its_name_be_it_here_or_not() -> None:
    depends = ["seed.shop.raw_orders", "model.other.gone", "snapshot.shop.s", "source.shop.crm.people"]
    no_assets = ["test.shop.t", "metric.shop.m", "function.shop.f", "macro.shop.m", "semantic_model.shop.s", "model"]

    deps = read(manifest(model(depends_on={"nodes": depends + no_assets[:5]})))[ORDERS]["deps"]

    assert [dep["key"] for dep in deps] == [[name] for name in sorted(depends)]


def test_that_a_parent_is_gone_does_not_change_its_children() -> None:
    found = change(manifest(model(), seed()), manifest(model(), seed(config={"enabled": False})))

    assert found == {"added": [], "removed": ["seed.shop.raw_orders"], "changed": {}, "unchanged": 1}


@pytest.mark.parametrize(
    ("said", "group"),
    [
        (model(group="finance"), "finance"),
        (model(group=None, config={"group": "sales"}), "sales"),
        (model(group=None, config={"group": None}), "shop"),
        (source(), "shop"),
        (exposure(package_name=None), None),
    ],
    ids=["of the node", "of the config", "the package", "a source's package", "none"],
)
def test_nodes_are_grouped_by_dbt_group_or_by_package(said: Document, group: str | None) -> None:
    assert read(manifest(said))[said["unique_id"]]["group"] == group
