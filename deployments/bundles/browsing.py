"""One folder of a bundle at a time, beside another bundle: a tree of any size is looked at in small pieces."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import StrIndex, Substr

from deployments.bundles.differing import differing, lines_below
from deployments.bundles.texts import visible
from deployments.models import Bundle, BundleFile

# What one look at a folder shows.
MOST_CHILDREN = 200


@dataclass(frozen=True)
class Child:
    """A file or a folder of the folder that is looked at. `word`: added, removed, changed, or nothing.

    Of a folder, `counts` says how many of its files differ, by the same words. Size and files are those of now, or, of
    what is gone, those that it had.
    """

    name: str
    path: str
    is_folder: bool
    size: int
    files: int
    word: str = ""
    counts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """Answer its name as it is to be read."""
        return visible(self.name)


@dataclass(frozen=True)
class Listing:
    """What a folder has, folders first, from the `start`th on; `more` follow."""

    children: list[Child]
    start: int
    more: bool


def listing(after: Bundle | None, before: Bundle | None, folder: str, *, start: int = 0) -> Listing | None:
    """Answer what lies in this folder in `after`, and what lay there in `before`; None: neither has such a folder.

    Without `before`, or with the same bundle, nothing is marked.
    """
    sides = [bundle for bundle in (after, before) if bundle is not None]
    if "\0" in folder or not sides:
        return None
    compared = before if before is not None and after is not None and before.pk != after.pk else None
    if compared is None:
        sides = sides[:1]
    rows = list(_children(sides, folder)[start : start + MOST_CHILDREN + 1])
    if not rows and (folder or start):
        return None
    counts = _counted(compared, after, folder) if compared is not None and after is not None else {}
    found = [_child(row, folder, counts, sides) for row in rows[:MOST_CHILDREN]]
    return Listing(found, start, more=len(rows) > MOST_CHILDREN)


def _children(sides: list[Bundle], folder: str) -> QuerySet[BundleFile, Any]:
    """Answer a row for each child: its name, a folder's with the slash, and what either side has of it."""
    skipped = len(folder) + 1 if folder else 0
    named = lines_below(sides, folder).annotate(
        rest=Substr("path", skipped + 1), slash=StrIndex(Substr("path", skipped + 1), Value("/"))
    )
    named = named.annotate(
        name=Case(When(slash=0, then=F("rest")), default=Substr("rest", 1, StrIndex("rest", Value("/")))),
        leaf=Case(When(slash=0, then=Value(1)), default=Value(0)),
    )
    groups = named.order_by().values("name", "leaf")
    of = [Q(bundle=side.pk) for side in sides]
    told: dict[str, Any] = {f"files_{number}": Count("pk", filter=each) for number, each in enumerate(of)}
    told |= {f"size_{number}": Sum("size", filter=each) for number, each in enumerate(of)}
    return groups.annotate(**told).order_by("leaf", "name")


def _counted(before: Bundle, after: Bundle, folder: str) -> dict[str, Counter[str]]:
    """Answer what differs, counted by child; read as it comes."""
    skipped = len(folder) + 1 if folder else 0
    counts: dict[str, Counter[str]] = {}
    for word, path in differing(before, after, below=folder):
        name, slash, _ = path[skipped:].partition("/")
        counts.setdefault(name + slash, Counter())[word] += 1
    return counts


def _child(row: Mapping[str, Any], folder: str, counts: dict[str, Counter[str]], sides: list[Bundle]) -> Child:
    raw, is_folder = str(row["name"]), not row["leaf"]
    name = raw.removesuffix("/") if is_folder else raw
    kept = int(row["files_0"])
    side = 0 if kept or len(sides) == 1 else 1
    counted = counts.get(raw, Counter())
    if len(sides) > 1 and not row["files_1"]:
        word = "added"
    elif not kept:
        word = "removed"
    else:
        word = "changed" if counted else ""
    return Child(
        name=name,
        path=f"{folder}/{name}" if folder else name,
        is_folder=is_folder,
        size=int(row[f"size_{side}"] or 0),
        files=int(row[f"files_{side}"]),
        word=word,
        counts=sorted(counted.items()) if is_folder else [],
    )
