"""Which columns of a history somebody wants to see: kept in a cookie of the browser, so that rows hold nothing else."""

from dataclasses import dataclass

from django.http import HttpRequest

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


@dataclass(frozen=True)
class Column:
    """A column that can be chosen."""

    name: str
    title: str
    shown: bool


def columns_of(request: HttpRequest) -> list[Column]:
    """Answer every column that can be chosen, and whether it is; names that are no column's are passed over."""
    said = request.COOKIES.get(COOKIE)
    chosen = USUAL if said is None else frozenset(said.split("."))
    return [Column(name, title, name in chosen) for name, title in COLUMNS.items()]
