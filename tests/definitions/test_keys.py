"""Asset keys: what is taken, and how they are shown and read."""

import time
import tracemalloc
from typing import Any

import pytest

from assets.definitions.keys import LONGEST, checked, parts, shown
from assets.definitions.problems import SnapshotError


def refusal(path: Any) -> str:
    """Answer what is said of a key that is not taken."""
    with pytest.raises(SnapshotError) as refused:
        checked(path, where="Asset 3")
    assert refused.value.code == "bad_key"
    assert refused.value.detail.startswith("Asset 3: ")
    # Whatever was sent, the sentence can be logged and answered.
    refused.value.detail.encode()
    assert len(refused.value.detail) < 400
    return refused.value.detail


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (["orders"], "orders"),
        (["db", "orders"], "db/orders"),
        (["a/b"], "a\\/b"),
        (["a", "b/c"], "a/b\\/c"),
        (["a\\"], "a\\\\"),
        (["a\\", "b"], "a\\\\/b"),
        (["\\/"], "\\\\\\/"),
        ([""], ""),
        (["", ""], "/"),
        (["/"], "\\/"),
    ],
)
def test_a_key_is_shown_as_one_text_and_read_again(path: list[str], text: str) -> None:
    assert shown(path) == text
    assert parts(text) == path


@pytest.mark.parametrize(
    ("text", "path"), [("a\\b", ["ab"]), ("a\\", ["a"]), ("/a", ["", "a"]), ("a//b", ["a", "", "b"])]
)
def test_any_text_names_a_key(text: str, path: list[str]) -> None:
    assert parts(text) == path


@pytest.mark.parametrize(
    "path",
    [
        ["orders"],
        ["db", "Orders 2024", "v1.2-x_y"],
        ["a" * LONGEST],
        ["été", "日本語", "заказы"],
        ["😀"],
        ["model.shop.orders", "..", "*", "?key=x", "<b>", "a:b", "'", '"'],
    ],
)
def test_takes_what_can_be_seen(path: list[str]) -> None:
    assert checked(path, where="Asset 0") == "/".join(path)


@pytest.mark.parametrize("path", [None, "db/orders", 3, True, {}, {"path": ["a"]}, [], 1.5])
def test_refuses_what_is_no_list_of_texts(path: Any) -> None:
    assert "key is a list of one or more texts" in refusal(path)


@pytest.mark.parametrize("part", ["", None, 1, True, ["a"], {}, 1.5])
def test_refuses_a_part_that_is_no_text_or_empty(part: Any) -> None:
    assert "a text that is not empty" in refusal(["a", part])


@pytest.mark.parametrize("part", [" ", "   ", "\t", "\n", "\u00a0", "\u2003", "\u3000"])
def test_refuses_a_blank_part(part: str) -> None:
    assert "cannot be seen" in refusal(["a", part])


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param("\x00", id="NUL"),
        pytest.param("\n", id="line feed"),
        pytest.param("\x1b", id="escape"),
        pytest.param("\x7f", id="delete"),
        pytest.param("\x85", id="next line"),
        pytest.param("\u00a0", id="no-break space"),
        pytest.param("\u00ad", id="soft hyphen"),
        pytest.param("\u200b", id="zero width space"),
        pytest.param("\u200d", id="zero width joiner"),
        pytest.param("\u2060", id="word joiner"),
        pytest.param("\ufeff", id="byte order mark"),
        pytest.param("\u200e", id="left-to-right mark"),
        pytest.param("\u202e", id="right-to-left override"),
        pytest.param("\u2066", id="left-to-right isolate"),
        pytest.param("\u2028", id="line separator"),
        pytest.param("\ue000", id="private use"),
        pytest.param("\U000e0041", id="tag letter"),
        pytest.param("\ud800", id="high surrogate"),
        pytest.param("\udfff", id="low surrogate"),
        pytest.param("\uffff", id="no letter"),
    ],
)
def test_refuses_letters_that_cannot_be_seen(letter: str) -> None:
    assert "cannot be seen" in refusal(["db", f"or{letter}ders"])


@pytest.mark.parametrize("part", ["e\u0301te\u0301", "\u212b", "\u1100\u1161", "\u0344", "a\u0301\u0323"])
def test_refuses_letters_that_are_composed_in_an_unusual_way(part: str) -> None:
    assert "Unicode NFC" in refusal([part])


@pytest.mark.parametrize("part", ["a/b", "/", "a\\b", "\\", "é/b"])
def test_refuses_slashes_and_backslashes(part: str) -> None:
    assert "a slash or a backslash" in refusal(["db", part])


@pytest.mark.parametrize("path", [["a" * (LONGEST + 1)], ["a"] * LONGEST, ["é" * 400, "é" * 100], ["a" * 10_000_000]])
def test_refuses_a_key_that_is_too_long(path: list[str]) -> None:
    assert f"at most {LONGEST} letters" in refusal(path)


def test_refuses_a_long_key_of_accents_at_once() -> None:
    # To bring a million accents into their usual order takes hours.
    started = time.process_time()

    refusal(["a" + "\u0301\u0323" * 500_000])

    assert time.process_time() - started < 1


def test_keeps_nothing_of_long_keys_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(2_000):
            checked(["😀" * 490 + str(number)], where="Asset 0")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 500_000
