"""What a code location loaded, as pages and API show it: every load, or runs of similar ones. Constant queries each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from deployments.models import CodeLocation, Deploy, Load, LoadRun
from portal.common.paging import Slice, page_of

# All that an entry shows, and what decides whether one can roll back to it.
_WITH = ("deploy__release", "deploy__code_location__deployment__organization", "reloaded_by__code_location")


@dataclass(frozen=True)
class Entry:
    """One load, or a run of similar ones: the newest of them, how many, from when to when.

    `again`: what it was loaded as was there before. A run that begins with the first load of its deploy is not that.
    """

    load: Load
    count: int
    first_at: datetime
    last_at: datetime
    again: bool

    @property
    def deploy(self) -> Deploy | None:
        """Answer the deploy that it belongs to."""
        return self.load.deploy


def loads_of(location: CodeLocation, *, collapse: bool, cursor: str | None, limit: int) -> Slice[Entry]:
    """Answer a page of the location's loads, newest first; with `collapse` similar neighbours are one entry.

    Raises Invalid on a cursor that is none.
    """
    if collapse:
        return _runs_of(location, cursor, limit)
    single = Load.objects.filter(code_location=location).select_related(*_WITH).defer("raw")
    rows = single.prefetch_related("deploy__release__mounts__bundle")
    found = page_of(rows, key="pk", descending=True, cursor=cursor, limit=limit)
    entries = [Entry(load, 1, load.reported_at, load.reported_at, load.again) for load in found.rows]
    return Slice(entries, found.next_cursor, found.previous_cursor)


def _runs_of(location: CodeLocation, cursor: str | None, limit: int) -> Slice[Entry]:
    runs = LoadRun.objects.filter(code_location=location, newest__isnull=False)
    runs = runs.select_related("newest", *(f"newest__{name}" for name in _WITH)).defer("newest__raw")
    first = Load.objects.filter(run=OuterRef("pk"), deploy=OuterRef("newest__deploy"), again=False)
    rows = runs.prefetch_related("newest__deploy__release__mounts__bundle").annotate(has_first=Exists(first))
    found = page_of(rows, key="pk", descending=True, cursor=cursor, limit=limit)
    entries = [_of_run(run) for run in found.rows]
    return Slice(entries, found.next_cursor, found.previous_cursor)


def _of_run(run: Any) -> Entry:
    return Entry(run.newest, run.count, run.first_at, run.last_at, run.newest.again and not run.has_first)


def load_of(location: CodeLocation, load_id: int) -> Load | None:
    """Answer one load with all that its page shows."""
    rows = Load.objects.filter(code_location=location, pk=load_id).select_related(*_WITH, "run").defer("raw")
    return rows.prefetch_related("deploy__release__mounts__bundle").first()
