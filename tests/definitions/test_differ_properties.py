"""What holds of every two snapshots: the differ, the digests and the prints tell the same story."""

import json
from random import Random
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assets.definitions import keys, normal, prints, reading, sights
from assets.definitions.differ import Definitions, apply, change_between, diff
from tests.definitions import strategies as some

# A busy machine is no reason to fail.
unhurried = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def read(document: some.Document) -> Definitions:
    """Read a document as it would come, but for the numbers that only Python's JSON knows."""
    return reading.read(json.dumps(document).encode(), strict=False).assets


def documents_of(old: some.Document, new: some.Document) -> tuple[some.Document, some.Document]:
    """Answer two snapshots of one asset."""
    return some.document([{"key": ["a", "b"], **old}]), some.document([{"key": ["a", "b"], **new}])


def one(entry: some.Document) -> Any:
    return normal.normal(entry, position=0)


def digests(definitions: Definitions) -> dict[str, str]:
    return {key: prints.digest_of(definition) for key, definition in definitions.items()}


@unhurried
@given(some.documents)
def test_nothing_differs_from_itself(document: some.Document) -> None:
    found = diff(read(document), read(document))

    assert not found
    assert found.unchanged == len(document["assets"])


@unhurried
@given(some.document_pairs(), some.ignored)
def test_the_way_back_is_the_mirror(pair: tuple[some.Document, some.Document], ignored: set[str]) -> None:
    old, new = map(read, pair)

    there, back = diff(old, new, ignored=ignored), diff(new, old, ignored=ignored)

    assert there.mirrored() == back
    assert there.mirrored().as_json() == back.as_json()
    assert there.mirrored().mirrored() == there


@unhurried
@given(some.document_pairs())
@example(documents_of({"deps": [{"key": ["b"]}], "more": 1}, {"deps": [{"key": ["b"]}, {"key": ["a"]}]}))
@example(documents_of({"kinds": ["dbt"], "description": "x"}, {"kinds": ["python"]}))
def test_applying_what_differs_makes_the_old_one_new(pair: tuple[some.Document, some.Document]) -> None:
    old, new = map(read, pair)

    applied = apply(old, diff(old, new))

    assert not diff(applied, new)
    assert digests(applied) == digests(new)
    assert applied.keys() == new.keys()
    for key in new:
        assert applied[key].keys() == new[key].keys()
        assert applied[key]["kinds"] == new[key]["kinds"]


@unhurried
@given(some.document_pairs(), some.ignored)
def test_applying_needs_nothing_of_what_is_ignored(
    pair: tuple[some.Document, some.Document], ignored: set[str]
) -> None:
    old, new = map(read, pair)

    applied = apply(old, diff(old, new, ignored=ignored))

    assert not diff(applied, new, ignored=ignored)


@unhurried
@given(some.document_pairs(), some.ignored)
def test_each_key_is_added_removed_changed_or_unchanged(
    pair: tuple[some.Document, some.Document], ignored: set[str]
) -> None:
    old, new = map(read, pair)

    found = diff(old, new, ignored=ignored)

    assert found.added.keys() == new.keys() - old.keys()
    assert found.removed.keys() == old.keys() - new.keys()
    assert len(found.changed) + found.unchanged == len(old.keys() & new.keys())
    assert found.changed.keys() <= old.keys() & new.keys()


@settings(unhurried, max_examples=250)
@given(some.entry_pairs(), some.ignored)
@example(({"key": ["a"], "metadata": {"x": float(2**53)}}, {"key": ["a"], "metadata": {"x": 2**53 + 1}}), set())
@example(({"key": ["a"], "metadata": {"x": 1e30}}, {"key": ["a"], "metadata": {"x": int(1e30)}}), set())
@example(({"key": ["a"], "metadata": {"x": True}}, {"key": ["a"], "metadata": {"x": 1.0}}), set())
@example(({"key": ["a"], "metadata": {"x": None}}, {"key": ["a"]}), set())
@example(({"key": ["a"], "is_stub": True}, {"key": ["a"]}), {normal.STUB_MARK})
def test_digests_are_equal_exactly_when_nothing_differs(
    pair: tuple[some.Document, some.Document], ignored: set[str]
) -> None:
    old, new = map(one, pair)

    change = change_between(old, new, ignored=ignored)

    assert (prints.digest_of(old, ignored) == prints.digest_of(new, ignored)) == (change is None)


@settings(unhurried, max_examples=250)
@given(some.entry_pairs(), some.ignored)
def test_prints_name_the_change_types_of_the_differ(
    pair: tuple[some.Document, some.Document], ignored: set[str]
) -> None:
    old, new = map(one, pair)

    named = prints.differing(prints.prints_of(old, ignored), prints.prints_of(new, ignored))

    change = change_between(old, new, ignored=ignored)
    assert named == (change.change_types if change else [])


@unhurried
@given(some.documents, st.randoms(use_true_random=False))
def test_what_has_no_order_does_not_count(document: some.Document, random: Random) -> None:
    other = some.reordered(document, random)

    assert digests(read(other)) == digests(read(document))
    assert not diff(read(document), read(other))


@unhurried
@given(some.documents)
def test_reading_twice_answers_the_same(document: some.Document) -> None:
    raw = json.dumps(document).encode()

    assert reading.read(raw, strict=False) == reading.read(raw, strict=False)
    assert reading.from_document(document) == reading.read(raw, strict=False)


@unhurried
@given(some.documents)
def test_the_normal_form_is_a_snapshot_of_itself(document: some.Document) -> None:
    definitions = read(document)

    again = reading.read(json.dumps({"assets": list(definitions.values())}).encode())

    assert again.assets == definitions


@unhurried
@given(some.document_pairs())
def test_what_differs_is_json(pair: tuple[some.Document, some.Document]) -> None:
    said = diff(*map(read, pair)).as_json()

    assert json.loads(json.dumps(said, allow_nan=False)) == said


@unhurried
@given(some.entry_pairs())
def test_what_all_can_see_changes_only_where_the_whole_does(pair: tuple[some.Document, some.Document]) -> None:
    old, new = map(one, pair)

    seen = change_between(sights.common(old), sights.common(new))

    whole = change_between(old, new)
    assert set(seen.change_types if seen else []) - {prints.OTHER} <= set(whole.change_types if whole else [])
    assert whole or not seen


@unhurried
@given(some.bodies)
def test_what_all_can_see_is_a_normal_form(body: some.Document) -> None:
    definition = one({"key": ["a"], **body})

    seen = sights.common(definition)

    assert one(seen) == seen
    assert sights.common(seen) == seen


@unhurried
@given(st.lists(st.text("ab/\\é\ud800 ", max_size=4), min_size=1, max_size=4))
def test_a_key_as_shown_has_its_parts_again(path: list[str]) -> None:
    assert keys.parts(keys.shown(path)) == path


@unhurried
@given(*[st.lists(st.text("a/\\", max_size=4), min_size=1, max_size=4)] * 2)
def test_two_keys_are_shown_as_two(path: list[str], other: list[str]) -> None:
    assert (keys.shown(path) == keys.shown(other)) == (path == other)


@unhurried
@given(some.paths)
def test_a_key_that_is_taken_is_shown_without_escapes(path: list[str]) -> None:
    assert keys.checked(path, where="Asset 0") == keys.shown(path) == "/".join(path)
