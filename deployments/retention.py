"""What may be purged at a given time, and purging it. Rows, names and reasons stay; artifacts go.

A purge of one code location happens in one transaction that holds the location's row, as everything does that moves
what is live, placed or wanted; and it marks a release purged only if nobody asked for it since it was looked at. Of a
purge and a rollback that race, one loses cleanly.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from deployments import drivers
from deployments.bundles.collecting import Collected, collect, purge_unneeded_bundles, size_of_unneeded
from deployments.last_known_good import last_known_good
from deployments.locking import find, lock
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import UNFINISHED
from deployments.targets.base import TargetRefused, TargetUnreachable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """One release: the rule that keeps it, or an empty one when it is to go."""

    release: Release
    numbers: list[int]
    kept_because: str


@dataclass
class Report:
    """What a purge did, or would do. `bytes_freed`: in the store, of files that nothing names any more."""

    dry_run: bool
    judged: list[tuple[str, Judged]] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    bytes_freed: int = 0
    uploads_forgotten: int = 0

    @property
    def purged(self) -> list[tuple[str, Judged]]:
        """Answer what went, or would go."""
        return [each for each in self.judged if not each[1].kept_because]


def purge(*, now: datetime, dry_run: bool = False, locations: QuerySet[CodeLocation] | None = None) -> Report:
    """Purge what no rule keeps, in these code locations or in every one; with `dry_run` only say what would go."""
    report = Report(dry_run=dry_run)
    among = CodeLocation.objects.all() if locations is None else locations
    for location_id in among.order_by("pk").values_list("pk", flat=True):
        try:
            _purge_location(location_id, report, now)
        except Exception as broken:
            # One code location must not stand in the way of everybody's retention.
            logger.exception("Code location %s could not be purged.", location_id)
            report.problems.append(f"Code location {location_id} could not be purged: {type(broken).__name__}.")
    if dry_run:
        gone = [judged.release.pk for _, judged in report.purged]
        report.bytes_freed = size_of_unneeded(gone)
        return report
    purge_unneeded_bundles(now=now)
    collected: Collected = collect(now=now)
    report.bytes_freed, report.uploads_forgotten = collected.bytes_freed, collected.uploads_forgotten
    return report


def judge(location: CodeLocation, *, now: datetime) -> list[Judged]:
    """Say of each release of the location whose artifacts are here which rule keeps it, newest deploy first."""
    rules = _rules(location)
    numbers, last_used = _uses(location, now)
    cutoff = now - timedelta(days=location.deployment.retention_days)
    judged = []
    for release in location.releases.filter(purged_at=None).order_by("-pk"):
        reason = rules.get(release.pk, "")
        if not reason and release.pinned_at:
            reason = f"pinned by {release.pinned_by_name}"
        since = last_used.get(release.pk, release.created_at)
        if not reason and since > cutoff:
            reason = f"in use until {since:%Y-%m-%d}, less than {location.deployment.retention_days} days ago"
        judged.append(Judged(release, numbers.get(release.pk, []), reason))
    return judged


def _rules(location: CodeLocation) -> dict[int, str]:
    """Answer, by release, the first rule that keeps it whatever its age."""
    live = location.live_deploy
    good = last_known_good(location)
    newest = location.deploys.filter(release__isnull=False).order_by("-number").first()
    named: list[tuple[str, Deploy | None]] = [
        ("live", live),
        ("in place", location.placed_deploy),
        ("wanted", location.wanted_deploy),
        ("the one before the live one", live.previous if live else None),
        ("last known good", good),
        ("the newest deploy", newest),
    ]
    rules: dict[int, str] = {}
    for reason, deploy in named:
        if deploy is not None and deploy.release_id is not None:
            rules.setdefault(deploy.release_id, f"{reason} (#{deploy.number})")
    for needing in location.deploys.filter(status__in=UNFINISHED, release__isnull=False):
        rules.setdefault(
            needing.release_id or 0, f"needed by #{needing.number}, which is {needing.get_status_display().lower()}"
        )
    return rules


def _uses(location: CodeLocation, now: datetime) -> tuple[dict[int, list[int]], dict[int, datetime]]:
    """Answer, by release, its deploys' numbers, and when it stopped being live; or was last asked for, if it never was."""
    numbers: dict[int, list[int]] = defaultdict(list)
    last_used: dict[int, datetime] = {}
    rows = location.deploys.filter(release__isnull=False, release__purged_at=None)
    for release_id, number, created_at in rows.values_list("release_id", "number", "created_at").iterator():
        numbers[release_id or 0].append(number)
        last_used[release_id or 0] = max(created_at, last_used.get(release_id or 0, created_at))
    followed = now
    # Newest first: the act that followed is when a release stopped being live.
    for release_id, finished_at in location.deploys.went_live().values_list("release_id", "finished_at").iterator():
        if release_id in last_used:
            last_used[release_id] = max(followed, last_used[release_id])
        followed = finished_at or followed
    return numbers, last_used


def _purge_location(location_id: int, report: Report, now: datetime) -> None:
    if report.dry_run:
        # Only looks: it must not stand in the way of a deploy.
        _judge_into(report, find(location_id), now)
        return
    with transaction.atomic():
        location = lock(location_id)
        for each in _judge_into(report, location, now):
            if not each.kept_because:
                _mark_purged(each.release, location, now)
    if location.placed_deploy is not None:
        _prune_directories(location, report)


def _judge_into(report: Report, location: CodeLocation, now: datetime) -> list[Judged]:
    judged = judge(location, now=now)
    report.judged.extend((str(location), each) for each in judged)
    return judged


def _mark_purged(release: Release, location: CodeLocation, now: datetime) -> None:
    because = f"retention of {location.deployment.retention_days} days ended, {now:%Y-%m-%d}."
    unchanged = Release.objects.filter(
        pk=release.pk, purged_at=None, pinned_at=None, asked_for_at=release.asked_for_at
    ).exclude(deploys__status__in=UNFINISHED)
    unchanged.update(purged_at=now, purged_because=because, settings={})


def _prune_directories(location: CodeLocation, report: Report) -> None:
    kept = set(location.deploys.filter(release__isnull=False, release__purged_at=None).values_list("number", flat=True))
    try:
        gone = drivers.target_for(location).prune(keep=kept.__contains__, fence=location.fence)
    except (TargetRefused, TargetUnreachable) as silent:
        if silent.code != "stale_fence":  # stale: a deploy began meanwhile; the next purge comes
            report.problems.append(f"{location}: {silent}")
            logger.warning("Releases of %s could not be pruned: %s", location, silent)
        return
    report.directories.extend(f"{location}/{name}" for name in gone)
