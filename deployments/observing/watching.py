"""Asking one platform: whose turn it is, how it answered, and when it is asked again."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import cast

from django.db.models import Q
from django.db.models.functions import Now

from deployments import drivers
from deployments.locking import database_time_in
from deployments.models import CodeLocation, Deployment, PlatformWatch
from deployments.models.places import location_rule
from deployments.observing.looking import Look, has_moved, look_at, settle
from deployments.platforms.base import FileReader, Platform, PlatformRefused, PlatformUnreachable, Status
from deployments.states import PlatformKind

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
ASKING = timedelta(seconds=60)
# Definitions of ten thousand assets take their time.
READING = timedelta(seconds=330)
LONGEST_WAIT = timedelta(minutes=5)
# How often the platform is asked for more than what moved: its version, and what it cannot tell.
INTRODUCED_FOR = timedelta(hours=1)
# Whoever asked that long after now asked by another clock: this one was set back.
CLOCKS_DIFFER = timedelta(seconds=60)


def due_deployments(*, now: datetime) -> list[int]:
    """Answer the deployments whose platform is to be asked now; those connected just now are."""
    connected = Deployment.objects.exclude(platform=PlatformKind.NONE).exclude(platform_url="")
    new = [PlatformWatch(deployment=each, due_at=now) for each in connected.filter(watch=None).only("pk")]
    PlatformWatch.objects.bulk_create(new, ignore_conflicts=True)
    due = PlatformWatch.objects.filter(_free(), _due(now), deployment__in=connected)
    return list(due.order_by("due_at").values_list("deployment_id", flat=True))


def observe(deployment_id: int, *, clock: Clock) -> list[int]:
    """Ask the deployment's platform what it loaded, if it is due and nobody else asks; write that down.

    Answers the deploys of which there is something new to record. Harmless to call at any time and any number of times.
    """
    claimed = PlatformWatch.objects.filter(_free(), _due(clock()), deployment_id=deployment_id)
    if not claimed.update(lease_expires_at=database_time_in(ASKING)):
        return []
    watch = PlatformWatch.objects.select_related("deployment__organization").get(deployment_id=deployment_id)
    try:
        platform = drivers.platform_of(watch.deployment)
        if platform is None:
            _rest(watch, LONGEST_WAIT, clock)
            return []
        statuses = platform.statuses()
    except (PlatformUnreachable, PlatformRefused) as silent:
        _failed(watch, silent.code, str(silent), clock)
        return []
    except Exception:
        logger.exception("The platform of %s could not be asked.", watch.deployment)
        _failed(watch, "internal_error", "The portal broke while it asked; its log says how.", clock)
        return []
    return _look_at_all(watch, platform, statuses, clock)


def _look_at_all(watch: PlatformWatch, platform: Platform, statuses: Mapping[str, Status], clock: Clock) -> list[int]:
    since, asked_at = watch.answered_at, clock()
    notes = _introduce(watch, platform, clock)
    unread = 0
    touched: list[int] = []
    for location in _locations(watch.deployment, statuses, notes):
        if not has_moved(location, statuses[location.name]):
            settle(location, statuses[location.name])
            continue
        # The definitions of one location may take minutes to read.
        PlatformWatch.objects.filter(pk=watch.pk).update(lease_expires_at=database_time_in(READING))
        look = Look(location, statuses[location.name], platform, since=since, clock=clock)
        try:
            touched += look_at(look)
        except (PlatformUnreachable, PlatformRefused) as silent:
            unread += 1
            notes.append(f"{location.name} could not be read: {silent}")
        except Exception:
            logger.exception("What %s loaded could not be written down.", location)
            unread += 1
            notes.append(f"{location.name} could not be written down: the portal's log says why.")
    _mark_absent(watch.deployment, statuses, asked_at)
    if unread:
        # Large or odd: the others go on at their pace, and this one is read again with each look.
        logger.warning("%s code locations of %s could not be read.", unread, watch.deployment)
    _count_runs(watch, platform, notes, asked_at)
    _answered(watch, notes, asked_at, clock)
    return touched


def _count_runs(watch: PlatformWatch, platform: Platform, notes: list[str], asked_at: datetime) -> None:
    """Remember what runs there now: a rollback plan tells it, and must not wait for anybody in an incident."""
    if not watch.deployment.reads_files:
        return
    try:
        found = cast("FileReader", platform).runs_in_flight()
    except (PlatformUnreachable, PlatformRefused) as silent:
        notes.append(f"Its runs in flight could not be counted: {silent}")
        return
    watch.runs = {"at": asked_at.isoformat(), **asdict(found)}
    watch.save(update_fields=["runs"])


def _locations(deployment: Deployment, statuses: Mapping[str, Status], notes: list[str]) -> list[CodeLocation]:
    """Answer a row for each location that the platform lists; new ones appear by themselves."""
    known = set(deployment.code_locations.values_list("name", flat=True))
    for name in sorted(set(statuses) - known):
        if location_rule.regex.fullmatch(name):  # type: ignore[union-attr]  # compiled when the rule was made
            CodeLocation.objects.get_or_create(deployment=deployment, name=name)
        else:
            notes.append(f"{name[:100]!r} is not recorded: {location_rule.message}")
    rows = (
        deployment.code_locations.filter(name__in=statuses)
        .select_related("last_load", "placed_deploy__release")
        .order_by("name")
    )
    return list(rows)


def _mark_absent(deployment: Deployment, statuses: Mapping[str, Status], now: datetime) -> None:
    """Remember which locations the platform had and does not list any more; and forget it when they come back."""
    mine = deployment.code_locations
    mine.filter(last_load__isnull=False, absent_since=None).exclude(name__in=statuses).update(absent_since=now)
    mine.filter(absent_since__isnull=False, name__in=statuses).update(absent_since=None)


def _introduce(watch: PlatformWatch, platform: Platform, clock: Clock) -> list[str]:
    """Ask for the version now and then, and after each silence; answer what is to be noted of it.

    What it loaded is written down whether it introduces itself or not.
    """
    fresh = watch.introduced_at and clock() - watch.introduced_at < INTRODUCED_FOR
    if fresh and not watch.failures:
        return []
    try:
        met = platform.connection()
    except (PlatformUnreachable, PlatformRefused) as silent:
        return [f"It does not say what it is: {silent}"]
    watch.version, watch.cannot_tell, watch.introduced_at = met.version[:100], list(met.missing), clock()
    watch.may_reload = met.may_reload
    watch.save(update_fields=["version", "cannot_tell", "introduced_at", "may_reload"])
    return []


def _answered(watch: PlatformWatch, notes: list[str], asked_at: datetime, clock: Clock) -> None:
    pause = timedelta(seconds=watch.deployment.poll_seconds)
    PlatformWatch.objects.filter(pk=watch.pk).update(
        asked_at=asked_at,
        answered_at=asked_at,
        failures=0,
        unreachable_since=None,
        error=None,
        notes=notes,
        lease_expires_at=None,
        due_at=max(asked_at + pause, clock()),
    )


def _failed(watch: PlatformWatch, code: str, detail: str, clock: Clock) -> None:
    now = clock()
    pause = timedelta(seconds=watch.deployment.poll_seconds)
    PlatformWatch.objects.filter(pk=watch.pk).update(
        asked_at=now,
        failures=watch.failures + 1,
        unreachable_since=watch.unreachable_since or now,
        error={"code": code, "detail": detail},
        lease_expires_at=None,
        due_at=now + min(pause * 2 ** min(watch.failures, 10), max(pause, LONGEST_WAIT)),
    )


def _rest(watch: PlatformWatch, pause: timedelta, clock: Clock) -> None:
    PlatformWatch.objects.filter(pk=watch.pk).update(lease_expires_at=None, due_at=clock() + pause)


def _due(now: datetime) -> Q:
    # Waiting until a clock that was set back has caught up would leave a hole in history.
    return Q(due_at__lte=now) | Q(asked_at__gt=now + CLOCKS_DIFFER)


def _free() -> Q:
    return Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
