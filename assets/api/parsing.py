"""Bodies with a snapshot in them: larger and deeper than any other, and bounded before they are parsed."""

import io
import json
import re
from typing import IO, Any

from assets.definitions import reading
from assets.definitions.problems import SnapshotError
from assets.definitions.reading import Snapshot
from deployments.api.parsing import BoundedJSONParser, refuse_unstorable
from portal.common.problems import Invalid, Refusal, TooLarge

# How JSON in UTF-8 can say half a letter, which is half of every emoji that is written so.
HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


class SnapshotParser(BoundedJSONParser):
    """JSON that is a snapshot: answered decoded, and read by `snapshot_in`."""

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Answer the value. Raises Invalid, TooLarge."""
        raw = stream.read(reading.MOST_BYTES + 1)
        try:
            value = reading.decoded(raw)
        except SnapshotError as odd:
            raise refusal(odd) from odd
        _refuse_halves(raw, value)
        if isinstance(value, dict):
            # Of a snapshot its own reader judges; whatever is beside it is as bounded as any other body.
            refuse_unstorable({name: each for name, each in value.items() if name not in _READ_ELSEWHERE})
        return value


class PushParser(BoundedJSONParser):
    """JSON of a push, which may have a snapshot as its `assets`. Without one it is as bounded as any other body."""

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Answer the value. Raises Invalid, ParseError, TooLarge."""
        raw = stream.read(reading.MOST_BYTES + 1)
        try:
            value = reading.decoded(raw)
        except SnapshotError as odd:
            if odd.code in _NO_JSON:
                # What is no JSON anywhere is refused in the same words everywhere.
                super().parse(io.BytesIO(raw))
            raise refusal(odd) from odd
        if not isinstance(value, dict) or value.get("assets") is None:
            return super().parse(io.BytesIO(raw))
        refuse_unstorable({name: each for name, each in value.items() if name != "assets"})
        _refuse_halves(raw, value["assets"])
        return value


_NO_JSON = frozenset(("not_json", "too_deep"))


# What a snapshot and a manifest are made of.
_READ_ELSEWHERE = frozenset(
    ("assets", "nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled")
) | frozenset(
    ("parent_map", "child_map", "group_map", "saved_queries", "semantic_models", "unit_tests", "functions", "metadata")
)


def _refuse_halves(raw: bytes, value: Any) -> None:
    """Refuse half a letter wherever it is: nobody could be answered what it is in. Raises Invalid."""
    if not HALVES.search(raw):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as odd:
        raise Invalid("A text has half a letter (a lone surrogate) in it.", code="bad_text") from odd


def snapshot_in(document: Any) -> Snapshot:
    """Answer the snapshot in decoded JSON. Raises Invalid, TooLarge."""
    try:
        return reading.from_document(document)
    except SnapshotError as odd:
        raise refusal(odd) from odd


def refusal(odd: SnapshotError) -> Refusal:
    """Answer what the API says to a snapshot that is not taken."""
    kind = TooLarge if odd.code == "too_large" else Invalid
    return kind(odd.detail, code=odd.code)
