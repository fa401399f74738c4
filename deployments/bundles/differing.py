"""What differs between two bundles, found by the database: whatever their size, only what differs comes here."""

from collections.abc import Iterator
from typing import cast

from django.db.models import Count, F, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Left

from deployments.models import Bundle, BundleFile


def lines_below(bundles: list[Bundle], folder: str) -> QuerySet[BundleFile]:
    """Answer the lines of these bundles in a folder, however deep; of "" all of them."""
    lines = BundleFile.objects.filter(bundle__in=[bundle.pk for bundle in bundles])
    if not folder:
        return lines
    # Not `startswith`: on SQLite that does not tell capital letters from small ones.
    head = f"{folder}/"
    return lines.annotate(head=Left("path", len(head))).filter(head=Value(head))


def differing(before: Bundle, after: Bundle, *, below: str = "") -> Iterator[tuple[str, str]]:
    """Yield (word, path) of each file that differs, by path. `word`: added, removed or changed."""
    lines = lines_below([before, after], below).values("path")
    known = lines.annotate(
        sides=Count("pk"),
        first=Min("bundle_id"),
        lowest=Min("blob_id"),
        highest=Max("blob_id"),
        executables=Count("pk", filter=Q(executable=True)),
    )
    moved = known.filter(Q(sides=1) | ~Q(lowest=F("highest")) | Q(sides=2, executables=1))
    rows = moved.order_by("path").values_list("path", "sides", "first").iterator()
    for path, sides, first in cast("Iterator[tuple[str, int, int]]", rows):
        alone = "removed" if first == before.pk else "added"
        yield "changed" if sides > 1 else alone, path
