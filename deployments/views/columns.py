"""Which columns of a history somebody wants to see: kept in a cookie of the browser, so that rows hold nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from deployments.views.rows import Row

COOKIE = "lastgood_columns"
# Number, status, description and what rolls back are always there.
COLUMNS = {
    "when": "When",
    "who": "Who",
    "kind": "Type",
    "assets": "Assets",
    "commit": "Commit",
    "image": "Image tag",
    "bundles": "Bundle version",
    "runtime": "Runtime version",
    "release": "Release",
}
USUAL = frozenset(COLUMNS) - {"release"}
# Until somebody chooses, these stand there where one of the rows has something to say in them.
WHERE_FILLED = ("image", "runtime")


@dataclass(frozen=True)
class Column:
    """A column that can be chosen."""

    name: str
    title: str
    shown: bool


def columns_of(request: HttpRequest, rows: Sequence[Row]) -> list[Column]:
    """Answer every column that can be chosen, and whether it is; names that are no column's are passed over."""
    said = request.COOKIES.get(COOKIE)
    if said is None:
        chosen = USUAL - {name for name in WHERE_FILLED if not any(getattr(row, name) for row in rows)}
    else:
        chosen = frozenset(said.split("."))
    return [Column(name, title, name in chosen) for name, title in COLUMNS.items()]
