"""Reading a snapshot ends with definitions or with a SnapshotError, and costs no more than was decided before."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assets.definitions import prints, reading
from assets.definitions.problems import SnapshotError

ROOT = Path(__file__).resolve().parents[2]
ORDERS = {"key": ["db", "orders"]}


def document(*entries: Any, **fields: Any) -> bytes:
    return json.dumps({"format": reading.FORMAT, "assets": list(entries), **fields}).encode()


def refusal(raw: bytes, **options: Any) -> tuple[str, str]:
    """Answer the code of a refusal and what it says."""
    with pytest.raises(SnapshotError) as refused:
        reading.read(raw, **options)
    # Whatever was sent, the sentence can be logged and answered.
    refused.value.detail.encode()
    assert len(refused.value.detail) < 400
    assert refused.value.detail.endswith((".", "?"))
    return refused.value.code, refused.value.detail


def with_metadata(value: str) -> bytes:
    """Answer a snapshot with this JSON as the value of a metadata entry."""
    return b'{"assets": [{"key": ["a"], "metadata": {"x": {"type": "Json", "value": %s}}}]}' % value.encode()


# What is taken


def test_reads_definitions_by_key() -> None:
    snapshot = reading.read(document(ORDERS, {"key": ["a"]}))

    assert list(snapshot.assets) == ["db/orders", "a"]
    assert snapshot.assets["db/orders"]["key"] == ["db", "orders"]
    assert snapshot.source == "snapshot"


def test_the_format_may_be_absent() -> None:
    assert reading.read(b'{"assets": [{"key": ["a"]}]}').assets.keys() == {"a"}


def test_a_snapshot_may_have_no_assets() -> None:
    assert reading.read(b'{"assets": []}').assets == {}


def test_a_byte_order_mark_is_no_matter() -> None:
    assert reading.read(b"\xef\xbb\xbf" + document(ORDERS)) == reading.read(document(ORDERS))


def test_says_its_source() -> None:
    assert reading.read(document(source="dbt")).source == "dbt"


def test_unknown_members_of_the_whole_are_no_matter() -> None:
    assert reading.read(document(ORDERS, made_by="ci", at=1.5)) == reading.read(document(ORDERS))


@pytest.mark.parametrize(
    "text", ['"\\u0000"', '"\\ud83d\\ude00"', "1" * 4000, "-0", "1e308", '"' + "a" * 10_000 + '"', '{"": [[], {}]}']
)
def test_strange_values_are_kept_as_json_has_them(text: str) -> None:
    assert reading.read(with_metadata(text)).assets["a"]["metadata"]["x"]["value"] == json.loads(text)


# Not JSON, or not a snapshot


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"nothing",
        b"{'assets': []}",
        b'{"assets": []}}',
        b'{"assets": [],}',
        b"\xef\xbb\xbf",
        b"\x00",
        b'{"assets": ["\x01"]}',
        b"key: [a]",
        b"PK\x03\x04",
    ],
)
def test_refuses_what_is_no_json(raw: bytes) -> None:
    assert refusal(raw)[0] == "not_json"
    assert refusal(raw, strict=False)[0] == "not_json"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"assets": ["\xff"]}',
        b'{"assets": ["\xed\xa0\x80"]}',
        document(ORDERS).decode().encode("utf-16"),
        document(ORDERS).decode().encode("utf-32"),
        '{"assets": ["é"]}'.encode("latin-1"),
        b'{"assets": ["\xc0\x80"]}',
    ],
)
def test_refuses_bytes_that_are_not_utf_8(raw: bytes) -> None:
    assert refusal(raw)[0] == "not_json"


@pytest.mark.parametrize("raw", [b"[]", b'[{"key": ["a"]}]', b'"assets"', b"3", b"null", b"true", b"{}"])
def test_refuses_another_thing_at_the_top(raw: bytes) -> None:
    assert refusal(raw)[0] == "bad_format"


@pytest.mark.parametrize("assets", [None, {}, "a", 3, True, {"db/orders": {}}])
def test_refuses_assets_that_are_no_list(assets: Any) -> None:
    code, said = refusal(json.dumps({"assets": assets}).encode())

    assert (code, said) == ("bad_format", "A snapshot has a list of assets.")


@pytest.mark.parametrize(
    "form", ["lastgood.assets/2", "", "LASTGOOD.ASSETS/1", None, 1, True, [], {}, [[["x"]]], "\ud800"]
)
def test_refuses_a_format_that_it_does_not_know(form: Any) -> None:
    assert refusal(document(format=form))[0] == "unknown_format"


@pytest.mark.parametrize("source", ["ci", "", None, 3, [], {}, ["dbt"]])
def test_refuses_a_source_that_it_does_not_know(source: Any) -> None:
    assert refusal(document(source=source))[0] == "bad_format"


# Said twice


def test_refuses_a_key_that_is_there_twice() -> None:
    code, said = refusal(document(ORDERS, {"key": ["a"]}, ORDERS))

    assert code == "duplicate_key"
    assert "db/orders" in said


@pytest.mark.parametrize(
    "raw",
    [
        b'{"assets": [], "assets": []}',
        b'{"assets": [{"key": ["a"], "code_version": "1", "code_version": "2"}]}',
        b'{"assets": [{"key": ["a"], "tags": {"x": "1", "y": "2", "x": "1"}}]}',
        b'{"assets": [{"key": ["a"], "metadata": {"x": {"deep": [{"y": 1, "y": 1}]}}}]}',
        b'{"assets": [{"key": ["a"], "tags": {"\\u0078": "1", "x": "1"}}]}',
        b'{"assets": [{"key": ["a"], "tags": {"\\ud800": "1", "\\ud800": "1"}}]}',
    ],
)
def test_refuses_an_object_that_says_a_member_twice(raw: bytes) -> None:
    assert refusal(raw)[0] == "duplicate_member"
    assert refusal(raw, strict=False)[0] == "duplicate_member"


def test_finds_the_member_said_twice_among_very_many_at_once() -> None:
    members = ",".join(f'"{number}":1' for number in range(200_000))
    started = time.process_time()

    code, said = refusal(f'{{"assets": [{{{members},"199999":1}}]}}'.encode())

    assert (code, "'199999'" in said) == ("duplicate_member", True)
    assert time.process_time() - started < 3


# Numbers that only Python's JSON knows


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400 + ".0"])
def test_refuses_numbers_that_json_does_not_have_or_nobody_can_keep(token: str) -> None:
    assert refusal(with_metadata(token))[0] == "not_json"


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e999", "Infinity"),
        ("-1e999", "-Infinity"),
    ],
)
def test_takes_them_from_a_file_at_hand_as_words(token: str, word: str) -> None:
    assets = reading.read(with_metadata(token), strict=False).assets

    assert assets["a"]["metadata"]["x"]["value"] == word


def test_numbers_that_are_too_small_are_zero_and_too_long_are_refused() -> None:
    assert reading.read(with_metadata("1e-999")).assets["a"]["metadata"]["x"]["value"] == 0.0
    assert refusal(with_metadata("1" * 5000))[0] == "not_json"


# Too deep


@pytest.mark.parametrize("levels", [60, 900, 5_000, 10_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_refuses_values_that_are_nested_too_deep(levels: int, opening: str, closing: str) -> None:
    assert refusal(with_metadata(opening * levels + "1" + closing * levels))[0] == "too_deep"


@pytest.mark.parametrize("levels", [900, 5_000, 10_000])
@pytest.mark.parametrize(
    "around", ["%s", '{"assets": %s}', '{"format": %s}', '{"assets": [], "source": %s}', '{"assets": [{"key": %s}]}']
)
def test_ends_with_a_refusal_wherever_it_is_nested(around: str, levels: int) -> None:
    code, _ = refusal((around % ("[" * levels + "]" * levels)).encode())

    assert code in {"too_deep", "bad_format", "unknown_format", "bad_field", "bad_key"}


def test_refuses_brackets_that_never_close() -> None:
    assert refusal(b"[" * 1_000_000)[0] == "too_deep"


# Too large


def test_refuses_more_bytes_than_it_reads() -> None:
    code, said = refusal(b" " * (reading.MOST_BYTES + 1))

    assert code == "too_large"
    assert str(reading.MOST_BYTES) in said


def test_takes_as_many_bytes_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = document(ORDERS)

    monkeypatch.setattr(reading, "MOST_BYTES", len(raw))
    assert reading.read(raw).assets
    assert refusal(raw + b" ")[0] == "too_large"


@pytest.mark.parametrize("item", [b"1", b"[]", b"{}", b'{"a":1}', b'""'])
def test_refuses_more_values_than_it_reads_before_it_parses_any(item: bytes) -> None:
    started = time.process_time()

    code, said = refusal(b'{"assets": [' + (item + b",") * reading.MOST_VALUES)

    assert code == "too_large"
    assert "values" in said
    assert time.process_time() - started < 1


def test_refuses_a_million_assets() -> None:
    code, _ = refusal(b'{"assets": [' + b"{}," * 999_999 + b"{}]}")

    assert code == "too_large"


def test_refuses_more_assets_than_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ASSETS", 2)

    code, said = refusal(b'{"assets": [{"key":["a"]},{"key":["b"]},{"key":["c"]}]}')

    assert (code, "2 assets" in said) == ("too_large", True)


def test_takes_as_many_assets_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ASSETS", 2)

    assert len(reading.read(document({"key": ["a"]}, {"key": ["b"]})).assets) == 2
    assert refusal(document({"key": ["a"]}, {"key": ["b"]}, {"key": ["c"]}))[0] == "too_large"


HOSTILE = {
    "empty objects": 'b\'{"assets": [\' + b"{}," * 20_000_000',
    "open brackets": 'b"[" * 60_000_000',
    "open objects": "b'{\"a\":' * 12_000_000",
    "a long key": 'b\'{"assets": [{"key": ["\' + b"a" * 60_000_000 + b\'"]}]}\'',
    "a long number": 'b\'{"assets": [\' + b"1" * 60_000_000 + b"]}"',
    "blanks": 'b" " * 60_000_000',
    "not UTF-8": 'b\'"\' + b"\\xff" * 60_000_000',
}


# The peak of this process alone: what getrusage answers begins with that of the process it was forked from.
MEASURED = """
import time
from assets.definitions.problems import SnapshotError
from assets.definitions.reading import read
raw = {made}
try:
    read(raw)
except SnapshotError as refused:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
    print(refused.code, peak, time.process_time())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory")
@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_of_60_megabytes_is_refused_in_little_memory_and_time(made: str) -> None:
    script = MEASURED.format(made=made)

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr[-1000:]
    code, kilobytes, seconds = done.stdout.split()
    assert code in {"too_large", "too_deep", "bad_key", "not_json"}
    # The body, its text, and the one text in it; twice while the body is put together.
    assert int(kilobytes) < 260_000
    assert float(seconds) < 5


# Anything at all

unhurried = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["format", "assets", "key", "tags", "metadata", "deps", "partitions_def", "type", "dimensions",
                         "name", "kinds", "owners", "source", "value", "is_stub"]) | st.text(st.characters(), max_size=3),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
odd_assets = st.fixed_dictionaries(
    {"key": st.just(["a"]) | json_values},
    optional={
        name: json_values | st.lists(json_values, max_size=2) | st.just({"type": "multi"})
        for name in ("tags", "metadata", "deps", "partitions_def", "kinds", "owners", "code_version", "is_stub", "x")
    },
)


@unhurried
@given(st.fixed_dictionaries({"assets": st.lists(odd_assets | json_values, max_size=2)}) | json_values, st.booleans())
@example({"assets": [{"key": ["a"], "partitions_def": {"type": "multi", "dimensions": [{"name": "\ud800"}]}}]}, True)
def test_any_json_ends_with_definitions_or_a_refusal(value: Any, strict: bool) -> None:
    try:
        assets = reading.read(json.dumps(value).encode(), strict=strict).assets
        for definition in assets.values():
            prints.digest_of(definition)
    except SnapshotError as refused:
        refused.detail.encode()


@unhurried
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_end_with_definitions_or_a_refusal(raw: bytes) -> None:
    try:
        reading.read(raw)
    except SnapshotError as refused:
        refused.detail.encode()
