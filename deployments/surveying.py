"""Counting what costs too much to be counted for a page: storage, and what the next purge would free."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from deployments import retention
from deployments.models import Blob, BlobPossession, Bundle, Organization, Survey

STORAGE, NEXT_PURGE, LATEST_PURGE = "storage", "next purge", "latest purge"
# The largest have a line each; the others are one line.
MOST_LINES = 20
MOST_PROBLEMS = 5
Clock = Callable[[], datetime]


def survey(*, clock: Clock) -> None:
    """Count storage and try the next purge out, and write both down."""
    for name, count in ((STORAGE, _storage), (NEXT_PURGE, lambda: told_of(retention.purge(now=clock(), dry_run=True)))):
        began = time.monotonic()
        found = count()
        write(name, found, at=clock(), seconds=time.monotonic() - began)


def write(name: str, found: dict[str, Any], *, at: datetime, seconds: float = 0) -> None:
    """Write down what was counted, in the place of the older count."""
    Survey.objects.update_or_create(name=name, defaults={"found": found, "taken_at": at, "seconds": seconds})


def read() -> dict[str, Survey]:
    """Answer the newest count of each name."""
    return {each.name: each for each in Survey.objects.all()}


def told_of(report: retention.Report) -> dict[str, Any]:
    """Answer of a purge, done or tried out, what is worth remembering."""
    return {
        "judged": len(report.judged),
        "releases": len(report.purged),
        "bytes": report.bytes_freed,
        "problems": [problem[:500] for problem in report.problems[:MOST_PROBLEMS]],
        "more_problems": max(len(report.problems) - MOST_PROBLEMS, 0),
    }


def _storage() -> dict[str, Any]:
    """Answer bytes as bundles name them and as they are stored: each file once, for everybody and for each organization."""
    whole = Q(completed_at__isnull=False, purged_at=None)
    named: dict[int, Any] = {
        row["organization"]: row
        for row in Bundle.objects.filter(whole).values("organization").annotate(bytes=Sum("size"), bundles=Count("pk"))
    }
    stored = dict(
        BlobPossession.objects.filter(blob__stored_at__isnull=False)
        .values_list("organization")
        .annotate(bytes=Sum("blob__size"))
    )
    slugs = dict(Organization.objects.filter(pk__in={*named, *stored}).values_list("pk", "slug"))
    lines = [
        {
            "organization": slug,
            "id": pk,
            "bundles": named.get(pk, {}).get("bundles", 0),
            "named": named.get(pk, {}).get("bytes", 0),
            "stored": stored.get(pk) or 0,
        }
        for pk, slug in slugs.items()
    ]
    lines.sort(key=lambda line: (-line["named"], line["organization"]))
    blobs = Blob.objects.filter(stored_at__isnull=False).aggregate(
        bytes=Sum("size"), count=Count("pk"), leaving=Sum("size", filter=Q(marked_at__isnull=False))
    )
    return {
        "named": sum(line["named"] for line in lines),
        "bundles": sum(line["bundles"] for line in lines),
        "stored": blobs["bytes"] or 0,
        "files": blobs["count"],
        "leaving": blobs["leaving"] or 0,
        "organizations": lines[:MOST_LINES],
        "others": _sum(lines[MOST_LINES:]),
    }


def _sum(lines: list[dict[str, Any]]) -> dict[str, int]:
    told = {name: sum(line[name] for line in lines) for name in ("bundles", "named", "stored")}
    return {"organizations": len(lines), **told}
