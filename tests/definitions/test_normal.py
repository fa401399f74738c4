"""The normal form: what is taken of a definition, as what, and what is refused with asset and field named."""

import math
from typing import Any

import pytest

from assets.definitions.normal import DEEPEST, FIELDS, MOST_DEPS, normal
from assets.definitions.problems import SnapshotError


def form(**fields: Any) -> dict[str, Any]:
    return normal({"key": ["db", "orders"], **fields}, position=7)


def refusal(code: str = "bad_field", **fields: Any) -> str:
    """Answer what is said of a definition that is not taken."""
    with pytest.raises(SnapshotError) as refused:
        form(**fields)
    assert refused.value.code == code
    refused.value.detail.encode()
    assert len(refused.value.detail) < 400
    return refused.value.detail


def value_of(entry: Any) -> Any:
    """Answer what becomes of a metadata entry."""
    return form(metadata={"x": entry})["metadata"]["x"]


def nested(levels: int, *, inside: Any = 1) -> Any:
    for level in range(levels):
        inside = [inside] if level % 2 else {"a": inside}
    return inside


# What is taken


def test_a_key_alone_is_a_definition_with_everything_left_empty() -> None:
    assert form() == {
        "key": ["db", "orders"],
        "code_version": None,
        "group": None,
        "kinds": [],
        "description": None,
        "owners": [],
        "tags": {},
        "metadata": {},
        "deps": [],
        "partitions_def": None,
        "is_stub": False,
    }


def test_null_in_every_field_is_the_same_as_nothing() -> None:
    assert form(**dict.fromkeys(FIELDS - {"key"})) == form()


def test_every_field_has_its_place() -> None:
    assert form().keys() == FIELDS


def test_what_has_no_order_is_ordered() -> None:
    definition = form(
        owners=["b", "a", "b"],
        kinds=["python", "dbt"],
        deps=[{"key": ["b"]}, {"key": ["a", "b"]}, {"key": ["a"]}],
        partitions_def={
            "type": "multi",
            "dimensions": [{"name": "b", "partitions_def": None}, {"name": "a", "partitions_def": None}],
        },
    )

    assert definition["owners"] == ["a", "b"]
    assert definition["kinds"] == ["dbt", "python"]
    assert [dep["key"] for dep in definition["deps"]] == [["a"], ["a", "b"], ["b"]]
    assert [each["name"] for each in definition["partitions_def"]["dimensions"]] == ["a", "b"]


def test_kinds_and_their_tags_are_brought_together() -> None:
    definition = form(kinds=["dbt"], tags={"dagster/kind/python": "", "tier": "gold"})

    assert definition["kinds"] == ["dbt", "python"]
    assert definition["tags"] == {"dagster/kind/dbt": "", "dagster/kind/python": "", "tier": "gold"}


def test_the_tag_of_a_kind_keeps_its_own_value() -> None:
    assert form(kinds=["dbt"], tags={"dagster/kind/dbt": "x"})["tags"] == {"dagster/kind/dbt": "x"}


def test_unknown_fields_are_kept_as_they_came_but_for_null() -> None:
    definition = form(jobs=["nightly"], freshness={"minutes": 60}, backfill=None, empty="", no=False)

    assert {name: definition[name] for name in definition.keys() - FIELDS} == {
        "jobs": ["nightly"],
        "freshness": {"minutes": 60},
        "empty": "",
        "no": False,
    }


@pytest.mark.parametrize(("number", "word"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_does_not_have_become_words_wherever_they_are(number: float, word: str) -> None:
    definition = form(
        metadata={"a": number, "b": {"type": "Float", "value": number}, "c": {"type": "Json", "value": [[number]]}},
        deps=[{"key": ["a"], "partition_mapping": {"offset": number}}],
        partitions_def={"type": "time_window", "start": number},
        more={"a": [number]},
    )

    assert [entry["value"] for entry in definition["metadata"].values()] == [word, word, [[word]]]
    assert definition["deps"][0]["partition_mapping"] == {"offset": word}
    assert definition["partitions_def"]["start"] == word
    assert definition["more"] == {"a": [word]}


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 3, 1.5, 10**300, -(10**4000), "", "x", "\x00", "a\x00b", "😀", "a" * 10_000, "e\u0301",
        [], {}, [[[]]], [1, [2, [3, None]]], {"": {"": ""}}, {"a": [{"b": None}]},
        {"type": "Int"}, {"value": 3}, {"type": "Int", "value": 3, "unit": "rows"}, {"type": 3, "value": 3},
        {"type": ["Int"], "value": 3}, nested(DEEPEST - 1),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_strange_metadata_is_kept_as_it_is(value: Any) -> None:
    assert value_of({"type": "Json", "value": value}) == {"type": "Json", "value": value}
    assert value_of(value) == {"type": None, "value": value}


@pytest.mark.parametrize("label", ["", " ", "\x00", "😀", "a" * 10_000, "type", "value", "dagster/row_count", "a\nb"])
def test_strange_labels_are_kept_as_they_are(label: str) -> None:
    assert form(metadata={label: 1}, tags={label: label}, **{"extra " + label: 1}).keys() == {*FIELDS, "extra " + label}
    assert list(form(metadata={label: 1})["metadata"]) == [label]
    assert form(tags={label: label})["tags"] == {label: label}


def test_metadata_in_normal_form_is_its_own_normal_form() -> None:
    for entry in ({"type": None, "value": 3}, {"type": "Int", "value": 3}, {"type": None, "value": {"value": 3}}):
        assert value_of(entry) == entry


def test_a_parent_said_twice_has_the_mapping_of_either() -> None:
    bare, mapped = {"key": ["a"]}, {"key": ["a"], "partition_mapping": {"class": "All"}}

    for deps in ([bare, mapped], [mapped, bare], [mapped, bare, mapped, bare]):
        assert form(deps=deps)["deps"] == [mapped]


def test_of_two_mappings_for_one_parent_the_same_is_taken_whatever_their_order() -> None:
    one, other = ({"key": ["a"], "partition_mapping": {"class": name}} for name in ("All", "Last"))

    assert form(deps=[one, other]) == form(deps=[other, one])


def test_the_order_inside_a_mapping_does_not_decide_which_is_taken() -> None:
    other = {"key": ["a"], "partition_mapping": {"a": 2, "b": 1}}

    taken = [
        form(deps=[{"key": ["a"], "partition_mapping": mapping}, other])["deps"]
        for mapping in ({"a": 1, "b": 3}, {"b": 3, "a": 1})
    ]

    assert taken[0] == taken[1]


def test_partitions_of_a_kind_nobody_knows_are_kept() -> None:
    partitions = {"type": "lunar", "moons": [1, 2], "dimensions": "none"}

    assert form(partitions_def=partitions)["partitions_def"] == partitions


def test_what_was_given_is_left_as_it_was() -> None:
    given = {
        "key": ["a"],
        "tags": {"a": "b"},
        "kinds": ["dbt"],
        "partitions_def": {
            "type": "multi",
            "dimensions": [{"name": "b", "partitions_def": {"type": "x", "n": math.inf}}],
        },
    }
    before = repr(given)

    normal(given, position=0)

    assert repr(given) == before


# What is refused


@pytest.mark.parametrize("entry", [None, [], "db/orders", 3, True, 1.5])
def test_refuses_an_asset_that_is_no_object_and_says_which(entry: Any) -> None:
    with pytest.raises(SnapshotError, match=r"^Asset 7 is no object\.$") as refused:
        normal(entry, position=7)

    assert refused.value.code == "bad_field"


def test_refuses_an_asset_without_a_key_and_says_which() -> None:
    with pytest.raises(SnapshotError, match=r"^Asset 7: key is a list") as refused:
        normal({}, position=7)

    assert refused.value.code == "bad_key"


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field in ("code_version", "group", "description") for value in (3, 1.5, True, [], {}, ["x"])]
    + [(field, value) for field in ("kinds", "owners") for value in ("dbt", 3, True, {}, [3], [None], ["a", ["b"]])]
    + [("tags", value) for value in ("x", 3, True, [], ["a"], [["a", "b"]])]
    + [("tags", {"tier": value}) for value in (3, 1.5, True, False, None, [], {}, ["gold"])]
    + [("metadata", value) for value in ("x", 3, True, [], [{"type": "Int", "value": 3}])]
    + [("deps", value) for value in ("raw/orders", 3, True, {}, ["raw/orders"], [["raw", "orders"]], [None], [3])]
    + [("partitions_def", value) for value in ("daily", 3, True, [], {}, {"type": None}, {"type": 3}, {"type": []})]
    + [("is_stub", value) for value in (0, 1, "true", "", [], {}, 0.0)],
)
def test_refuses_another_type_and_names_asset_and_field(field: str, value: Any) -> None:
    said = refusal(**{field: value})

    assert said.startswith("db/orders: ")
    assert field in said


@pytest.mark.parametrize(
    "dimensions",
    [None, {}, "day", 3, [None], ["day"], [{}], [{"name": "day"}], [{"name": 3, "partitions_def": None}],
     [{"partitions_def": None}], [{"name": None, "partitions_def": None}]],
)  # fmt: skip
def test_refuses_dimensions_that_are_none(dimensions: Any) -> None:
    assert "dimension" in refusal(partitions_def={"type": "multi", "dimensions": dimensions})


def test_refuses_dimensions_of_a_wrong_type_inside() -> None:
    assert "partitions_def" in refusal(
        partitions_def={"type": "multi", "dimensions": [{"name": "day", "partitions_def": "daily"}]}
    )


@pytest.mark.parametrize("path", [None, [], "raw/orders", [""], ["a/b"], ["\u202e"]])
def test_refuses_the_key_of_a_parent_as_it_does_any_other(path: Any) -> None:
    assert refusal("bad_key", deps=[{"key": path}]).startswith("A dependency of db/orders: ")


def test_refuses_more_parents_than_anybody_has() -> None:
    assert f"at most {MOST_DEPS}" in refusal(deps=[{"key": ["a"]}] * (MOST_DEPS + 1))
    assert len(form(deps=[{"key": ["a"]}] * MOST_DEPS)["deps"]) == 1


@pytest.mark.parametrize("levels", [DEEPEST + 1, 60, 500])
def test_refuses_values_that_are_nested_too_deep_wherever_they_are(levels: int) -> None:
    deep = nested(levels)

    for fields in (
        {"metadata": {"rows": {"type": "Json", "value": deep}}},
        {"metadata": {"rows": deep}},
        {"rows": deep},
        {"deps": [{"key": ["a"], "partition_mapping": deep}]},
        {"partitions_def": {"type": "static", "rows": deep}},
        {"partitions_def": {"type": "multi", "dimensions": [{"name": "a", "partitions_def": deep}]}},
    ):
        said = refusal("too_deep", **fields)
        assert said.startswith("db/orders: ")
        assert f"deeper than {DEEPEST} levels" in said


def test_refuses_partitions_inside_partitions_inside_partitions() -> None:
    partitions: Any = {"type": "static", "keys": []}
    for _ in range(4):
        partitions = {"type": "multi", "dimensions": [{"name": "a", "partitions_def": partitions}]}

    assert "partitions_def" in refusal(partitions_def=partitions)


@pytest.mark.parametrize("label", ["\ud800", "a" * 1_000_000, "a\nb\x1b[31m", "\u202e"])
def test_a_label_is_quoted_in_what_is_said_of_it(label: str) -> None:
    for fields in ({"metadata": {label: nested(60)}}, {label: nested(60)}):
        assert refusal("too_deep", **fields).isprintable()
