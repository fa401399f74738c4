"""Bodies with a snapshot in them: larger and deeper than any other, and bounded before they are parsed."""

from typing import IO, Any

from assets.definitions import reading
from assets.definitions.problems import SnapshotError
from assets.definitions.reading import Snapshot
from deployments.api.parsing import BoundedJSONParser, refuse_unstorable
from portal.common.problems import Invalid, Refusal, TooLarge


class SnapshotParser(BoundedJSONParser):
    """JSON that is a snapshot, or has one as its `assets`: answered decoded, and read by `snapshot_in`."""

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Answer the value. Raises Invalid, TooLarge."""
        raw = stream.read(reading.MOST_BYTES + 1)
        try:
            value = reading.decoded(raw)
        except SnapshotError as odd:
            raise refusal(odd) from odd
        if isinstance(value, dict):
            # Of a snapshot its own reader judges; whatever is beside it is as bounded as any other body.
            refuse_unstorable({name: each for name, each in value.items() if not isinstance(each, list | dict)})
            refuse_unstorable({name: each for name, each in value.items() if name not in _READ_ELSEWHERE})
        return value


# What a snapshot and a manifest are made of.
_READ_ELSEWHERE = frozenset(
    ("assets", "nodes", "sources", "macros", "docs", "exposures", "metrics", "groups", "selectors", "disabled")
) | frozenset(
    ("parent_map", "child_map", "group_map", "saved_queries", "semantic_models", "unit_tests", "functions", "metadata")
)


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
