"""Looking at one code location: did it move, what does it serve, and whose doing is it?

Neither the platform's times nor its servers' ids say which code it is: a reload and a restarted webserver change both.
Definitions, what the location shows of itself, and errors do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from deployments import runs
from deployments.execution.sharing import reloading_deploy
from deployments.loads import complete_load, likeness_of, write_load
from deployments.locking import lock
from deployments.masking import mask_of
from deployments.models import CodeLocation, Deploy, Load
from deployments.observing.acts import act_of_failure, act_of_load, warn_of_neighbour
from deployments.platforms.base import LocationReport, Platform, Status

# One failing reload of a code server is reported twice: by the one who asked, and by the one who watches.
SAME_LOAD = timedelta(seconds=30)
# An unreachable code server heals itself within twelve seconds, or is really down.
HEALS_WITHIN = timedelta(seconds=12)


@dataclass(frozen=True)
class Look:
    """One look at one location. `since`: when the platform last answered before this."""

    location: CodeLocation
    status: Status
    platform: Platform
    since: datetime | None
    clock: Callable[[], datetime]


def has_moved(location: CodeLocation, status: Status) -> bool:
    """Say whether the location serves something else than its last load, as far as the cheap answer tells."""
    last = location.last_load
    return not status.loading and (last is None or last.version_key != status.version_key[:300])


def settle(location: CodeLocation, status: Status) -> None:
    """Forget an error that was not believed: the server that was there before it is back, and nothing moved."""
    if location.unsettled_since is not None and not status.loading:
        CodeLocation.objects.filter(pk=location.pk).update(unsettled_since=None)


def look_at(look: Look) -> list[int]:
    """Write down what a location that moved has loaded. Answers the deploys that there is something to record of.

    Raises the platform's exceptions.
    """
    location = look.location
    # Before all else is asked: whatever begins or is written from here on shows in these two.
    seen = CodeLocation.objects.values_list("fence", "last_load_id").get(pk=location.pk)
    if location.deploys.running().exists():
        return []
    if _settles(location, look.clock()):
        return []
    report = look.platform.report(location.name)
    if report is None or _may_heal(location, report, look.clock()):
        return []
    # Traces repeat what the environment holds.
    report = mask_of(location.placed_deploy).report(report)
    with transaction.atomic():
        locked = lock(location.pk)
        if (locked.fence, locked.last_load_id) != seen or locked.deploys.running().exists():
            # While it was read, a deploy began, or somebody else wrote: the next look reads anew.
            return []
        deploy = _note(locked, report, look)
    return [deploy.pk] if deploy else []


def _settles(location: CodeLocation, now: datetime) -> bool:
    """Say whether the platform may not have taken up yet all of what we placed: Airflow writes DAGs down piece by piece."""
    placed = location.placed_deploy
    if not location.deployment.reads_files or placed is None or placed.activated_at is None:
        return False
    # From when it was verified: a processor that is slow to begin is slow to end, too.
    return abs(now - (placed.finished_at or placed.activated_at)) < settings.LASTGOOD_READING_SETTLES


def _may_heal(location: CodeLocation, report: LocationReport, now: datetime) -> bool:
    """Say whether this is an error that often goes by itself, seen for the first time."""
    last = location.last_load
    if report.error is None or not report.error.transient or (last is not None and not last.ok):
        return False
    if location.unsettled_since is None:
        CodeLocation.objects.filter(pk=location.pk).update(unsettled_since=now)
        return True
    # Without its sign: a clock that was set back must not hide the error until it has caught up.
    return abs(now - location.unsettled_since) < HEALS_WITHIN


def _note(location: CodeLocation, report: LocationReport, look: Look) -> Deploy | None:
    """Write the load down, and answer the deploy that has something new in it. The location is locked."""
    now, last, likeness = look.clock(), location.last_load, likeness_of(report)
    if last is None and _is_nothing_yet(location, report):
        return None
    if last is not None and last.version_key == report.version_key[:300]:
        # Written down by a deploy that ended between the cheap answer and the long one.
        return None
    if last is not None and last.likeness == likeness:
        if abs(now - last.reported_at) <= SAME_LOAD or _goes_on_failing(report):
            _seen_again(location, last, report, now)
            return None
        by = reloading_deploy(location.deployment_id, since=look.since, now=now)
        write_load(location, report, deploy=last.deploy, now=now, again=True, reloaded_by=_other(by, location))
        return None
    if last is not None and not last.likeness and report.error is None and last.deploy == location.placed_deploy:
        complete_load(last, report, now=now)
        return last.deploy
    by = _other(reloading_deploy(location.deployment_id, since=look.since, now=now), location)
    act = act_of_failure(location, report, now) if report.error else act_of_load(location, report, likeness, now)
    load = write_load(location, report, deploy=act.deploy, now=now, again=act.again, reloaded_by=by)
    if by is not None and not load.ok:
        warn_of_neighbour(by, load, now=now)
    return None if act.again or not load.ok else act.deploy


def _is_nothing_yet(location: CodeLocation, report: LocationReport) -> bool:
    """Say whether it is a new Airflow that has no DAG at all: nobody loaded anything."""
    return (
        location.deployment.reads_files
        and location.placed_deploy is None
        and report.error is None
        and not report.asset_count
    )


def _goes_on_failing(report: LocationReport) -> bool:
    """Say whether the platform tries by itself, again and again: that is one failure, however long it lasts."""
    return report.error is not None and report.error.transient


def _seen_again(location: CodeLocation, last: Load, report: LocationReport, now: datetime) -> None:
    Load.objects.filter(pk=last.pk).update(
        version_key=report.version_key[:300], server_id=(report.server_id or "")[:100]
    )
    runs.touch(last, now=now)
    CodeLocation.objects.filter(pk=location.pk).update(unsettled_since=None)


def _other(by: Deploy | None, location: CodeLocation) -> Deploy | None:
    return by if by is not None and by.code_location_id != location.pk else None
