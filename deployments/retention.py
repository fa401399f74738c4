"""What may be purged at a given time, and purging it. Rows, names and reasons stay; artifacts go.

A purge of one code location happens in one transaction that holds the location's row, as everything does that moves
what is live, placed or wanted; and it marks a release purged only if nobody asked for it since it was looked at. Of a
purge and a rollback that race, one loses cleanly.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import Q, QuerySet

from deployments import configuration, drivers
from deployments.bundles.collecting import Collected, collect, purge_unneeded_bundles, size_of_unneeded
from deployments.last_known_good import last_known_good
from deployments.locking import find, lock
from deployments.models import CodeLocation, Deploy, Release
from deployments.platforms.base import FileReader, PlatformRefused, PlatformUnreachable, RunsInFlight
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


@dataclass(frozen=True)
class RunsNeed:
    """Which releases runs in flight need, by the numbers that their folders begin with. `silent`: why nobody could say."""

    numbers: dict[int, int] = field(default_factory=dict)
    silent: str = ""


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


def judge(location: CodeLocation, *, now: datetime, runs: RunsNeed | None = None) -> list[Judged]:
    """Say of each release of the location whose artifacts are here which rule keeps it, newest deploy first."""
    rules = _rules(location)
    for release_id, reason in _needed_by_runs(location, runs or RunsNeed()).items():
        rules.setdefault(release_id, reason)
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


def runs_of(location: CodeLocation) -> RunsNeed:
    """Ask the platform which releases its runs still need. Not to be called inside a transaction."""
    if not location.deployment.reads_files:
        return RunsNeed()
    try:
        platform = drivers.platform_for(location)
        found = cast("FileReader", platform).runs_in_flight() if platform else RunsInFlight(0)
    except (PlatformRefused, PlatformUnreachable) as silent:
        return RunsNeed(silent=str(silent))
    # Where none of the newest is pinned to a release, the bundle has no versions: no run needs an old folder.
    if found.more and set(found.by_release) != {""}:
        return RunsNeed(silent=f"More than {found.total} runs are in flight, and not all of them were counted.")
    counted = {name.partition("-")[0]: count for name, count in found.by_release.items()}
    return RunsNeed({int(number): count for number, count in counted.items() if number.isdecimal()})


def _needed_by_runs(location: CodeLocation, runs: RunsNeed) -> dict[int, str]:
    """Answer, by release, why runs keep it: while nobody can say, each that was ever in place."""
    placed = location.deploys.filter(activated_at__isnull=False, release__purged_at=None)
    if runs.silent:
        return dict.fromkeys(
            placed.values_list("release_id", flat=True), "nobody could say which releases runs still need"
        )
    needed = placed.filter(number__in=runs.numbers).values_list("release_id", "number")
    return {
        release_id: f"needed by {_runs(runs.numbers[number])} in flight (#{number})" for release_id, number in needed
    }


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


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
    runs = runs_of(find(location_id))
    if runs.silent:
        report.problems.append(f"{find(location_id)}: kept what was ever in place. {runs.silent}")
    if report.dry_run:
        # Only looks: it must not stand in the way of a deploy.
        _judge_into(report, find(location_id), now, runs)
        return
    with transaction.atomic():
        location = lock(location_id)
        for each in _judge_into(report, location, now, runs):
            if not each.kept_because:
                _mark_purged(each.release, location, now)
        _forget_unused_settings(location, now)
    if location.placed_deploy is not None:
        _prune_directories(location, report)


def _judge_into(report: Report, location: CodeLocation, now: datetime, runs: RunsNeed) -> list[Judged]:
    judged = judge(location, now=now, runs=runs)
    report.judged.extend((str(location), each) for each in judged)
    return judged


def _mark_purged(release: Release, location: CodeLocation, now: datetime) -> None:
    because = f"retention of {location.deployment.retention_days} days ended, {now:%Y-%m-%d}."
    unchanged = Release.objects.filter(
        pk=release.pk, purged_at=None, pinned_at=None, asked_for_at=release.asked_for_at
    ).exclude(deploys__status__in=UNFINISHED)
    known = configuration.forgotten(release.settings, organization_id=location.deployment.organization_id)
    if unchanged.update(purged_at=now, purged_because=because, settings=known):
        _forget_settings(release.deploys.all(), location)


def _forget_unused_settings(location: CodeLocation, now: datetime) -> None:
    """Let the values go of pushes that ended long ago without ever becoming a release."""
    cutoff = now - timedelta(days=location.deployment.retention_days)
    _forget_settings(location.deploys.filter(release=None, finished_at__lt=cutoff), location)


def _forget_settings(deploys: QuerySet[Deploy], location: CodeLocation) -> None:
    """Keep names and fingerprints of the settings that these pushes brought, and let the values go."""
    organization_id = location.deployment.organization_id
    brought = deploys.filter(Q(parts__has_key="settings") | ~Q(carried={}))
    for deploy in brought.only("parts", "carried").iterator():
        own = configuration.forgotten(deploy.parts.get("settings") or {}, organization_id=organization_id)
        carried = {name: _forgotten_part(name, part, organization_id) for name, part in deploy.carried.items()}
        parts = deploy.parts | ({"settings": own} if own else {})
        if (parts, carried) != (deploy.parts, deploy.carried):
            Deploy.objects.filter(pk=deploy.pk).update(parts=parts, carried=carried)


def _forgotten_part(name: str, part: dict[str, Any], organization_id: int) -> dict[str, Any]:
    if not name.startswith(configuration.PREFIX):
        return part
    group, key = configuration.split(name)
    known = configuration.forgotten({group: {key: part["value"]}}, organization_id=organization_id)
    return {**part, "value": known[group][key]}


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
