"""The differ's rules, case by case: those of Dagster's own differ, and the few things that ours says better."""

from typing import Any

import pytest

from assets.definitions.differ import Change, Diff, change_between, diff
from assets.definitions.normal import STUB_MARK
from assets.definitions.reading import from_document

Fields = dict[str, Any]

DAILY = {
    "type": "time_window",
    "cron_schedule": "0 0 * * *",
    "start": 1704067200.0,
    "end": None,
    "timezone": "UTC",
    "fmt": "%Y-%m-%d",
    "end_offset": 0,
}
DAYS_AND_SHOPS = [
    {"name": "day", "partitions_def": DAILY},
    {"name": "shop", "partitions_def": {"type": "static", "keys": ["a", "b"]}},
]
IDENTITY = {"class": "IdentityPartitionMapping"}
YESTERDAY = {"class": "TimeWindowPartitionMapping", "start_offset": -1}


def read(*entries: Fields) -> Any:
    return from_document({"assets": list(entries)}).assets


def between(old: list[Fields], new: list[Fields], **options: Any) -> Diff:
    return diff(read(*old), read(*new), **options)


def change(old: Fields, new: Fields, **options: Any) -> Change | None:
    """Answer how an asset with the old fields becomes one with the new fields."""
    key = {"key": ["db", "orders"]}
    return between([key | old], [key | new], **options).changed.get("db/orders")


def types(old: Fields, new: Fields, **options: Any) -> list[str]:
    found = change(old, new, **options)
    return found.change_types if found else []


def metadata(old: Any, new: Any) -> list[str]:
    """Answer what changes when one metadata value becomes another."""
    return types({"metadata": {"rows": old}}, {"metadata": {"rows": new}})


def dep(path: str, mapping: Any = None) -> Fields:
    return {"key": path.split("/"), "partition_mapping": mapping}


# NEW and REMOVED


def test_an_asset_that_the_old_set_lacks_is_added_without_details() -> None:
    found = between([], [{"key": ["a"], "code_version": "1", "tags": {"tier": "gold"}}])

    assert (list(found.added), found.removed, found.changed, found.unchanged) == (["a"], {}, {}, 0)


def test_an_asset_that_the_new_set_lacks_is_removed_without_details() -> None:
    found = between([{"key": ["a"], "code_version": "1"}, {"key": ["b"]}], [{"key": ["b"]}])

    assert (found.added, list(found.removed), found.changed, found.unchanged) == ({}, ["a"], {}, 1)


def test_an_asset_that_is_renamed_is_removed_and_added() -> None:
    found = between([{"key": ["a", "b"]}], [{"key": ["a", "c"]}])

    assert (list(found.added), list(found.removed), found.changed) == (["a/c"], ["a/b"], {})


def test_the_order_of_assets_does_not_count() -> None:
    assert not between([{"key": ["a"]}, {"key": ["b"]}], [{"key": ["b"]}, {"key": ["a"]}])


# CODE_VERSION


@pytest.mark.parametrize(("old", "new"), [(None, "x"), ("x", None), ("1", "2"), ("1", "1.0"), ("a", "A"), ("1", " 1")])
def test_a_code_version_that_is_another_text_counts(old: str | None, new: str | None) -> None:
    found = change({"code_version": old}, {"code_version": new})

    assert found
    assert found.change_types == ["CODE_VERSION"]
    assert found.as_json()["code_version"] == {"old": old, "new": new}


@pytest.mark.parametrize(("old", "new"), [("", None), (None, ""), ("3", "3")])
def test_an_empty_code_version_is_none(old: str | None, new: str | None) -> None:
    assert not change({"code_version": old}, {"code_version": new})


def test_an_absent_code_version_is_none() -> None:
    assert not change({}, {"code_version": None})
    assert not change({"code_version": ""}, {})


# DEPENDENCIES


def test_parents_that_come_and_go_are_listed() -> None:
    found = change({"deps": [dep("raw/a"), dep("raw/b")]}, {"deps": [dep("raw/b"), dep("raw/c")]})

    assert found
    assert found.change_types == ["DEPENDENCIES"]
    assert found.as_json()["dependencies"] == {"added": ["raw/c"], "removed": ["raw/a"], "changed": {}}


def test_the_order_of_parents_does_not_count() -> None:
    assert not change({"deps": [dep("raw/a"), dep("raw/b")]}, {"deps": [dep("raw/b"), dep("raw/a")]})


def test_a_parent_said_twice_is_one_parent() -> None:
    assert not change({"deps": [dep("raw/a"), dep("raw/a")]}, {"deps": [dep("raw/a")]})
    assert not change({"deps": [dep("a", IDENTITY), dep("a")]}, {"deps": [dep("a"), dep("a", IDENTITY)]})


def test_by_which_input_a_parent_is_loaded_does_not_count() -> None:
    assert not change({"deps": [{**dep("a"), "input_name": "x"}]}, {"deps": [{"key": ["a"]}]})


def test_every_changed_mapping_is_listed_with_both_values() -> None:
    old = [dep("a", IDENTITY), dep("b", IDENTITY), dep("c", IDENTITY)]
    new = [dep("a", YESTERDAY), dep("b", IDENTITY), dep("c")]

    found = change({"deps": old}, {"deps": new})

    assert found
    assert found.change_types == ["DEPENDENCIES"]
    assert found.as_json()["dependencies"] == {
        "added": [],
        "removed": [],
        "changed": {"a": {"old": IDENTITY, "new": YESTERDAY}, "c": {"old": IDENTITY, "new": None}},
    }


def test_a_mapping_that_is_made_explicit_counts() -> None:
    assert types({"deps": [dep("a")]}, {"deps": [dep("a", IDENTITY)]}) == ["DEPENDENCIES"]
    assert types({"deps": [dep("a")]}, {"deps": [dep("a", {})]}) == ["DEPENDENCIES"]


def test_changed_mappings_are_listed_beside_parents_that_come_and_go() -> None:
    found = change({"deps": [dep("a", IDENTITY), dep("b")]}, {"deps": [dep("a"), dep("c", IDENTITY)]})

    assert found
    assert found.as_json()["dependencies"] == {
        "added": ["c"],
        "removed": ["b"],
        "changed": {"a": {"old": IDENTITY, "new": None}},
    }


def test_the_order_inside_a_mapping_counts_only_in_lists() -> None:
    one, other = {"of": {"a": ["x", "y"], "b": []}}, {"of": {"b": [], "a": ["x", "y"]}}

    assert not change({"deps": [dep("a", one)]}, {"deps": [dep("a", other)]})
    assert types({"deps": [dep("a", one)]}, {"deps": [dep("a", {"of": {"a": ["y", "x"], "b": []}})]})


# PARTITIONS_DEFINITION


@pytest.mark.parametrize(
    "fields",
    [
        {"cron_schedule": "0 1 * * *"},
        {"start": 1704153600.0},
        {"end": 1735689600.0},
        {"timezone": "Europe/Berlin"},
        {"fmt": "%d.%m.%Y"},
        {"end_offset": 1},
        {"exclusions": ["0 0 * * 6"]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_each_field_of_a_time_window_counts(fields: Fields) -> None:
    found = change({"partitions_def": DAILY}, {"partitions_def": DAILY | fields})

    assert found
    assert found.change_types == ["PARTITIONS_DEFINITION"]
    assert found.as_json()["partitions_definition"] == {"old": DAILY, "new": DAILY | fields}


def test_daily_and_its_cron_schedule_are_the_same_as_both_are_written_the_same() -> None:
    in_whole_seconds = DAILY | {"start": 1704067200}

    assert not change({"partitions_def": DAILY}, {"partitions_def": in_whole_seconds})
    assert not change({"partitions_def": DAILY}, {"partitions_def": dict(reversed(DAILY.items()))})


def test_partitions_that_come_or_go_count() -> None:
    assert types({}, {"partitions_def": DAILY}) == ["PARTITIONS_DEFINITION"]
    assert types({"partitions_def": DAILY}, {"partitions_def": None}) == ["PARTITIONS_DEFINITION"]


def test_the_order_of_static_keys_counts() -> None:
    one, other = {"type": "static", "keys": ["a", "b"]}, {"type": "static", "keys": ["b", "a"]}

    assert types({"partitions_def": one}, {"partitions_def": other}) == ["PARTITIONS_DEFINITION"]


def test_the_name_of_dynamic_partitions_counts() -> None:
    one, other = {"type": "dynamic", "name": "customers"}, {"type": "dynamic", "name": "shops"}

    assert types({"partitions_def": one}, {"partitions_def": other}) == ["PARTITIONS_DEFINITION"]


def test_the_order_of_dimensions_does_not_count() -> None:
    one, other = {"type": "multi", "dimensions": DAYS_AND_SHOPS}, {"type": "multi", "dimensions": DAYS_AND_SHOPS[::-1]}

    assert not change({"partitions_def": one}, {"partitions_def": other})


def test_what_a_dimension_is_counts() -> None:
    fewer_shops = [DAYS_AND_SHOPS[0], {"name": "shop", "partitions_def": {"type": "static", "keys": ["a"]}}]
    one, other = {"type": "multi", "dimensions": DAYS_AND_SHOPS}, {"type": "multi", "dimensions": fewer_shops}

    assert types({"partitions_def": one}, {"partitions_def": other}) == ["PARTITIONS_DEFINITION"]


def test_the_name_of_a_dimension_counts() -> None:
    renamed = [{**DAYS_AND_SHOPS[0], "name": "date"}, DAYS_AND_SHOPS[1]]
    one, other = {"type": "multi", "dimensions": DAYS_AND_SHOPS}, {"type": "multi", "dimensions": renamed}

    assert types({"partitions_def": one}, {"partitions_def": other}) == ["PARTITIONS_DEFINITION"]


# TAGS


def test_tags_that_come_go_and_change_are_listed_with_their_values() -> None:
    found = change({"tags": {"tier": "gold", "old": "x"}}, {"tags": {"tier": "silver", "new": ""}})

    assert found
    assert found.change_types == ["TAGS"]
    assert found.as_json()["tags"] == {
        "added": {"new": ""},
        "removed": {"old": "x"},
        "changed": {"tier": {"old": "gold", "new": "silver"}},
    }


def test_the_order_of_tags_does_not_count() -> None:
    assert not change({"tags": {"a": "1", "b": "2"}}, {"tags": {"b": "2", "a": "1"}})


def test_kinds_are_tags() -> None:
    found = change({"kinds": ["dbt"]}, {"kinds": ["python"]})

    assert found
    assert found.change_types == ["TAGS"]
    assert found.as_json()["tags"] == {
        "added": {"dagster/kind/python": ""},
        "removed": {"dagster/kind/dbt": ""},
        "changed": {},
    }


def test_a_kind_and_its_tag_are_the_same() -> None:
    assert not change({"kinds": ["dbt"]}, {"tags": {"dagster/kind/dbt": ""}})
    assert not change({"kinds": ["dbt", "python"]}, {"kinds": ["python", "dbt", "python"]})


# METADATA


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "Text", "value": "x"}, {"type": "Url", "value": "x"}),
        ({"type": "Path", "value": "x"}, {"type": "Md", "value": "x"}),
        ({"type": "Int", "value": 3}, {"type": "Float", "value": 3.0}),
        ({"type": "Int", "value": 1}, {"type": "Bool", "value": True}),
        ({"type": "Float", "value": 0.0}, {"type": "Float", "value": -0.0}),
        ({"type": "Int", "value": 3}, 3),
        ({"type": "Json", "value": [1, {"a": 0}]}, {"type": "Json", "value": [True, {"a": False}]}),
    ],
)
def test_the_type_of_metadata_is_ignored_and_equal_numbers_are_equal(old: Any, new: Any) -> None:
    assert metadata(old, new) == []


def test_nan_is_the_same_as_nan() -> None:
    nan = float("nan")

    assert metadata({"type": "Float", "value": nan}, {"type": "Float", "value": float("nan")}) == []
    assert metadata({"type": "Json", "value": {"a": [nan]}}, {"type": "Json", "value": {"a": [-nan]}}) == []
    assert metadata({"type": "Float", "value": nan}, {"type": "Float", "value": 0.0}) == ["METADATA"]
    assert metadata(float("inf"), -float("inf")) == ["METADATA"]


def test_the_order_of_an_object_in_metadata_is_ignored() -> None:
    assert metadata({"type": "Json", "value": {"a": 1, "b": 2}}, {"type": "Json", "value": {"b": 2, "a": 1}}) == []


def test_the_order_of_a_list_in_metadata_counts() -> None:
    assert metadata({"type": "Json", "value": [1, 2]}, {"type": "Json", "value": [2, 1]}) == ["METADATA"]


def test_a_metadata_value_of_null_is_not_an_absent_one() -> None:
    nothing = {"metadata": {"rows": {"type": "Null", "value": None}}}

    found = change(nothing, {"metadata": {}})

    assert found
    assert found.change_types == ["METADATA"]
    assert found.as_json()["metadata"]["removed"] == nothing["metadata"]
    assert types({"metadata": {"rows": None}}, {}) == ["METADATA"]
    assert metadata({"type": "Json", "value": {"a": None}}, {"type": "Json", "value": {}}) == ["METADATA"]


@pytest.mark.parametrize(
    ("old", "new"),
    [(3, "3"), (None, ""), (None, "null"), (None, False), (0, ""), ([], {}), (1, [1]), (2**53, 2**53 + 1), ("a", "A")],
)
def test_metadata_of_another_value_counts(old: Any, new: Any) -> None:
    assert metadata(old, new) == ["METADATA"]


def test_metadata_that_comes_goes_and_changes_is_listed_with_type_and_value() -> None:
    one, two, url = {"type": "Int", "value": 1}, {"type": "Int", "value": 2}, {"type": "Url", "value": "http://x"}

    found = change({"metadata": {"rows": one, "old": url}}, {"metadata": {"rows": two, "new": url}})

    assert found
    assert found.change_types == ["METADATA"]
    assert found.as_json()["metadata"] == {
        "added": {"new": url},
        "removed": {"old": url},
        "changed": {"rows": {"old": one, "new": two}},
    }


# Stubs

STUB = {"key": ["s3", "raw"], "metadata": {STUB_MARK: {"type": "Bool", "value": True}}, "is_stub": True}
REAL = {"key": ["s3", "raw"]}


def test_a_stub_is_added_and_removed_as_any_asset_is() -> None:
    assert list(between([], [STUB]).added) == ["s3/raw"]
    assert list(between([STUB], []).removed) == ["s3/raw"]


def test_a_stub_that_becomes_a_real_asset_loses_its_mark_in_the_metadata() -> None:
    found = between([STUB], [REAL]).changed["s3/raw"]

    assert found.change_types == ["METADATA"]
    assert list(found.metadata.removed) == [STUB_MARK]
    assert found.as_json()["other"] == {"is_stub": {"old": True, "new": False}}


# What Dagster does not track


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("group", "core", "marts"),
        ("group", None, "default"),
        ("owners", ["a@example.com"], ["team:data"]),
        ("description", None, "Orders."),
        ("description", "", None),
        ("is_stub", False, True),
        ("automation_condition", "eager", "on_cron"),
        ("freshness_policy", {"minutes": 60}, {"minutes": 30}),
        ("backfill_policy", None, {"max": 1}),
        ("op_tags", {"a": "b"}, None),
        ("jobs", ["nightly"], ["nightly", "hourly"]),
        ("checks", [], ["not_null"]),
    ],
)
def test_what_dagster_does_not_track_is_other(field: str, old: Any, new: Any) -> None:
    found = change({field: old}, {field: new})

    assert found
    assert found.as_json() == {"change_types": ["OTHER"], "other": {field: {"old": old, "new": new}}}


def test_an_unknown_field_that_is_null_is_an_absent_one() -> None:
    assert not change({"automation_condition": None}, {})


def test_the_order_of_owners_does_not_count() -> None:
    assert not change({"owners": ["a", "b"]}, {"owners": ["b", "a", "b"]})


def test_equal_values_of_an_unknown_field_do_not_count() -> None:
    assert not change({"retries": {"most": 3, "wait": 1}}, {"retries": {"wait": 1.0, "most": 3.0}})


def test_other_is_not_said_beside_any_of_the_five_but_its_fields_are() -> None:
    found = change({"code_version": "1", "group": "core"}, {"code_version": "2", "group": "marts"})

    assert found
    assert found.change_types == ["CODE_VERSION"]
    assert found.as_json()["other"] == {"group": {"old": "core", "new": "marts"}}


# Ignored labels


@pytest.mark.parametrize("label", ["dagster/table_name", "dagster/code_references"])
def test_a_label_that_is_ignored_does_not_count(label: str) -> None:
    production, branch = {"metadata": {label: "prod.orders"}}, {"metadata": {label: "branch_7.orders"}}

    assert not change(production, branch, ignored={label})
    assert not change(production, {}, ignored={label})
    assert types(production, branch) == ["METADATA"]
    assert types(production, branch, ignored={"rows"}) == ["METADATA"]


def test_a_label_that_is_ignored_is_not_listed_beside_others() -> None:
    found = change({"metadata": {"a": 1, "b": 1}}, {"metadata": {"a": 2, "b": 2}}, ignored={"a"})

    assert found
    assert list(found.metadata.changed) == ["b"]


def test_ignoring_the_mark_of_a_stub_ignores_that_it_is_one() -> None:
    assert not between([STUB], [REAL], ignored={STUB_MARK})
    assert between([STUB], [{**REAL, "group": "core"}], ignored={STUB_MARK}).changed["s3/raw"].as_json() == {
        "change_types": ["OTHER"],
        "other": {"group": {"old": None, "new": "core"}},
    }


def test_ignored_labels_leave_tags_and_unknown_fields_of_the_same_name() -> None:
    old, new = {"tags": {"x": "1"}, "x": 1}, {"tags": {"x": "2"}, "x": 2}

    found = change(old, new, ignored={"x"})

    assert found
    assert found.change_types == ["TAGS"]
    assert list(found.other) == ["x"]


# The whole answer


def test_all_that_changed_is_said_in_the_order_of_the_contract() -> None:
    old = {"code_version": "1", "tags": {"a": ""}, "metadata": {"x": 1}, "deps": [dep("a")], "group": "core"}
    new = {"code_version": "2", "partitions_def": DAILY}

    found = change(old, new)

    assert found
    assert found.change_types == ["CODE_VERSION", "DEPENDENCIES", "PARTITIONS_DEFINITION", "TAGS", "METADATA"]


def test_prints_exactly_the_contracts_json() -> None:
    before = {"code_version": "2", "tags": {"tier": "gold"}, "group": "core", "deps": [dep("raw/orders")]}
    after = {"code_version": "3", "tags": {"tier": "silver", "k": "v"}, "group": "marts"}
    mapped = {"deps": [dep("raw/orders", IDENTITY)], "partitions_def": DAILY, "metadata": {"rows": 3}}
    old = [{"key": ["db", "orders"], **before}, {"key": ["z"]}, {"key": ["same"]}, {"key": ["gone"]}]
    new = [{"key": ["z"], "description": "Last."}, {"key": ["db", "orders"], **after, **mapped}, {"key": ["same"]}]

    said = between(old, [*new, {"key": ["b"]}, {"key": ["a", "b"]}]).as_json()

    assert said == {
        "added": ["a/b", "b"],
        "removed": ["gone"],
        "unchanged": 1,
        "changed": {
            "db/orders": {
                "change_types": ["CODE_VERSION", "DEPENDENCIES", "PARTITIONS_DEFINITION", "TAGS", "METADATA"],
                "code_version": {"old": "2", "new": "3"},
                "tags": {
                    "added": {"k": "v"},
                    "removed": {},
                    "changed": {"tier": {"old": "gold", "new": "silver"}},
                },
                "metadata": {"added": {"rows": {"type": None, "value": 3}}, "removed": {}, "changed": {}},
                "dependencies": {
                    "added": [],
                    "removed": [],
                    "changed": {"raw/orders": {"old": None, "new": IDENTITY}},
                },
                "partitions_definition": {"old": None, "new": DAILY},
                "other": {"group": {"old": "core", "new": "marts"}},
            },
            "z": {"change_types": ["OTHER"], "other": {"description": {"old": None, "new": "Last."}}},
        },
    }
    assert list(said["changed"]) == ["db/orders", "z"]


def test_keys_are_listed_in_their_order() -> None:
    some = [{"key": [letter]} for letter in "hcagbfed"]
    owned = [{**entry, "group": "core"} for entry in some]

    assert between([], some).as_json()["added"] == list("abcdefgh")
    assert between(some, []).as_json()["removed"] == list("abcdefgh")
    assert list(between(some, owned).as_json()["changed"]) == list("abcdefgh")


def test_says_nothing_of_two_equal_definitions() -> None:
    (definition,) = read({"key": ["a"], "metadata": {"x": 3}}).values()
    (equal,) = read({"key": ["a"], "metadata": {"x": 3.0}}).values()

    assert change_between(definition, equal) is None
    assert between([], []).as_json() == {"added": [], "removed": [], "unchanged": 0, "changed": {}}
