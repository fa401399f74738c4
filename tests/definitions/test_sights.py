"""What a platform can tell of its definitions, and what is compared with a snapshot of CI."""

from typing import Any

from assets.definitions import sights
from assets.definitions.differ import change_between
from assets.definitions.normal import FIELDS, normal
from assets.definitions.prints import digest_of

DAILY = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC", "end_offset": 0}
STATIC = {"type": "static", "keys": ["a", "b"]}


def form(**fields: Any) -> Any:
    return normal({"key": ["db", "orders"], **fields}, position=0)


def seen(**fields: Any) -> Any:
    return sights.common(form(**fields))


def test_what_every_source_sees_is_kept() -> None:
    fields = {
        "code_version": "3",
        "group": "core",
        "kinds": ["dbt"],
        "description": "Orders.",
        "owners": ["team:data"],
        "tags": {"tier": "gold"},
        "metadata": {"rows": {"type": "Int", "value": 3}},
        "is_stub": True,
    }

    assert seen(**fields) == form(**fields)


def test_unknown_fields_are_left_out() -> None:
    assert seen(automation="eager", jobs=["nightly"]).keys() == FIELDS


def test_parents_are_kept_and_their_mappings_left_out() -> None:
    deps = [{"key": ["a"], "partition_mapping": {"class": "Identity"}}, {"key": ["b"], "partition_mapping": None}]

    assert seen(deps=deps)["deps"] == [
        {"key": ["a"], "partition_mapping": None},
        {"key": ["b"], "partition_mapping": None},
    ]


def test_code_references_are_left_out() -> None:
    definition = seen(metadata={sights.CODE_REFERENCES: {"file": "/tmp/x.py"}, "rows": 3})

    assert list(definition["metadata"]) == ["rows"]


def test_of_partitions_only_the_kind_is_seen() -> None:
    assert sights.outline(None) is None
    assert sights.outline(DAILY) == {"type": "time_window"}
    assert sights.outline(STATIC) == {"type": "static"}
    assert sights.outline({"type": "lunar", "moons": 3}) == {"type": "lunar"}


def test_of_dynamic_partitions_also_the_name_is_seen() -> None:
    assert sights.outline({"type": "dynamic", "name": "customers", "more": 1}) == {
        "type": "dynamic",
        "name": "customers",
    }
    assert sights.outline({"type": "dynamic"}) == {"type": "dynamic", "name": None}


def test_of_several_dimensions_their_names_and_kinds_are_seen() -> None:
    dimensions = [{"name": "shop", "partitions_def": STATIC}, {"name": "day", "partitions_def": DAILY, "more": 1}]

    assert seen(partitions_def={"type": "multi", "dimensions": dimensions})["partitions_def"] == {
        "type": "multi",
        "dimensions": [
            {"name": "day", "partitions_def": {"type": "time_window"}},
            {"name": "shop", "partitions_def": {"type": "static"}},
        ],
    }


def test_an_exact_definition_and_the_same_in_words_are_one() -> None:
    exact = seen(
        partitions_def=DAILY,
        deps=[{"key": ["a"], "partition_mapping": {"class": "Identity"}}],
        metadata={sights.CODE_REFERENCES: "x"},
        automation="eager",
    )
    in_words = seen(partitions_def={"type": "time_window", "description": "Daily."}, deps=[{"key": ["a"]}])

    assert change_between(exact, in_words) is None
    assert digest_of(exact) == digest_of(in_words)


def test_what_every_source_sees_still_counts() -> None:
    change = change_between(seen(partitions_def=DAILY, code_version="1"), seen(partitions_def=STATIC, code_version="2"))

    assert change
    assert change.change_types == ["CODE_VERSION", "PARTITIONS_DEFINITION"]


def test_the_definition_itself_is_left_as_it_was() -> None:
    definition = form(partitions_def=DAILY, deps=[{"key": ["a"], "partition_mapping": {}}], automation="eager")
    before = repr(definition)

    sights.common(definition)

    assert repr(definition) == before
