"""Digests and prints: one for each definition, the same on every machine, and never of half a letter."""

import json
from typing import Any

import pytest

from assets.definitions import prints
from assets.definitions.normal import STUB_MARK, normal
from assets.definitions.problems import SnapshotError
from assets.definitions.reading import read

EVERYTHING = {
    "key": ["db", "orders"],
    "code_version": "3",
    "group": "core",
    "kinds": ["dbt"],
    "description": "Orders — été 😀",
    "owners": ["team:data", "a@example.com"],
    "tags": {"tier": "gold"},
    "metadata": {"rows": {"type": "Int", "value": 3}, "share": 0.1, "of": {"b": [1, None], "a": True}},
    "deps": [{"key": ["raw", "orders"], "partition_mapping": {"class": "Identity"}}, {"key": ["a"]}],
    "partitions_def": {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "end": None},
    "is_stub": False,
    "automation": "eager",
}

# One change for each change type.
CHANGED = {
    "code_version": ("4", "CODE_VERSION"),
    "deps": ([], "DEPENDENCIES"),
    "partitions_def": (None, "PARTITIONS_DEFINITION"),
    "tags": ({}, "TAGS"),
    "metadata": ({}, "METADATA"),
    "group": ("marts", "OTHER"),
    "description": ("", "OTHER"),
    "owners": ([], "OTHER"),
    "is_stub": (True, "OTHER"),
    "automation": ("on_cron", "OTHER"),
}


def form(**fields: Any) -> Any:
    return normal({**EVERYTHING, **fields}, position=0)


def test_a_digest_is_the_same_for_ever() -> None:
    # What is stored was made with it: another digest here makes every asset of everybody look changed.
    assert prints.digest_of(form()) == "220b1cc94c3dbe19eec097a23a002c3a92b536c2de7563a6d79535bc10c75400"
    assert prints.prints_of(form()) == (
        "a4aab3f1f08004e9ebbe169452c4038dc86d3d8016c4fc2db2ab6ba38d51f777a73265f5c19b8c29a1c36e88a69ac73d"
    )


def test_prints_have_one_part_for_each_change_type() -> None:
    assert len(prints.prints_of(form())) == prints.PRINT * len(prints.CHANGE_TYPES)


@pytest.mark.parametrize("field", CHANGED)
def test_a_change_is_seen_in_its_own_part(field: str) -> None:
    value, name = CHANGED[field]
    old, new = form(), form(**{field: value})

    assert prints.digest_of(old) != prints.digest_of(new)
    assert prints.differing(prints.prints_of(old), prints.prints_of(new)) == [name]


def test_changes_are_named_in_one_order() -> None:
    changed = {field: value for field, (value, _) in CHANGED.items()}

    assert prints.differing(prints.prints_of(form()), prints.prints_of(form(**changed))) == [
        "CODE_VERSION",
        "DEPENDENCIES",
        "PARTITIONS_DEFINITION",
        "TAGS",
        "METADATA",
    ]


def test_equal_prints_differ_in_nothing() -> None:
    assert prints.differing(prints.prints_of(form()), prints.prints_of(form())) == []


@pytest.mark.parametrize(
    ("types", "left"),
    [([], []), (["OTHER"], ["OTHER"]), (["TAGS", "OTHER"], ["TAGS"]), (["TAGS", "METADATA"], ["TAGS", "METADATA"])],
)
def test_other_is_named_only_alone(types: list[str], left: list[str]) -> None:
    assert prints.named(types) == left


def test_the_key_is_no_part_of_what_is_digested() -> None:
    assert prints.digest_of(form()) == prints.digest_of(form(key=["another"]))


def test_ignored_labels_are_left_out() -> None:
    more = {**EVERYTHING["metadata"], "dagster/table_name": "branch_7.orders"}  # type: ignore[dict-item]

    assert prints.digest_of(form(metadata=more)) != prints.digest_of(form())
    assert prints.digest_of(form(metadata=more), {"dagster/table_name"}) == prints.digest_of(form())
    assert prints.prints_of(form(metadata=more), {"dagster/table_name"}) == prints.prints_of(form())


def test_ignoring_the_mark_of_a_stub_leaves_out_that_it_is_one() -> None:
    stub = form(is_stub=True, metadata={**EVERYTHING["metadata"], STUB_MARK: True})  # type: ignore[dict-item]

    assert prints.digest_of(stub, {STUB_MARK}) == prints.digest_of(form(), {STUB_MARK})
    assert prints.digest_of(stub) != prints.digest_of(form())


@pytest.mark.parametrize(
    "pair",
    [
        ({"tags": {"a": "b"}}, {"tags": {}, "metadata": {"a": "b"}}),
        ({"x": "1"}, {"x": 1}),
        ({"x": "null"}, {"x": [None]}),
        ({"deps": [{"key": ["a", "b"]}]}, {"deps": [{"key": ["a"]}, {"key": ["b"]}]}),
        ({"x": 2**53}, {"x": 2**53 + 1}),
        ({"x": 0.1}, {"x": 0.1 + 2**-56}),
    ],
)
def test_what_looks_alike_has_another_digest(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = (normal({"key": ["a"], **fields}, position=0) for fields in pair)

    assert prints.digest_of(old) != prints.digest_of(new)


@pytest.mark.parametrize(
    "fields",
    [
        {"code_version": "\ud800"},
        {"group": "\udfff"},
        {"description": "x\ud83d"},
        {"owners": ["\ud800"]},
        {"kinds": ["\ud800"]},
        {"tags": {"tier": "\ud800"}},
        {"tags": {"\ud800": ""}},
        {"metadata": {"x": {"type": "Text", "value": "\ud800"}}},
        {"metadata": {"\ud800": 1}},
        {"deps": [{"key": ["a"], "partition_mapping": {"\ud800": 1}}]},
        {"partitions_def": {"type": "static", "keys": ["\ud800"]}},
        {"more": "\ud800"},
        {"\ud800": "more"},
    ],
    ids=lambda fields: ascii(fields)[:30],
)
def test_refuses_half_a_letter_when_the_digest_is_taken(fields: dict[str, Any]) -> None:
    raw = json.dumps({"assets": [{"key": ["a"], **fields}]}).encode()
    (definition,) = read(raw).assets.values()

    for take in (prints.digest_of, prints.prints_of):
        with pytest.raises(SnapshotError) as refused:
            take(definition)
        assert refused.value.code == "bad_text"


def test_half_a_letter_in_what_is_not_compared_is_no_matter() -> None:
    definition = normal({"key": ["a"], "metadata": {"x": {"type": "\ud800", "value": 1}, "y\ud800": 1}}, position=0)

    assert prints.digest_of(definition, {"y\ud800"})
