"""Reloading the platform, and asking it what it serves now."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from deployments import events
from deployments.execution import outcome
from deployments.execution.claiming import Claim
from deployments.execution.sharing import next_edit, reload_seen
from deployments.loads import write_load
from deployments.locking import lock
from deployments.models import CodeLocation, Deploy
from deployments.platforms.base import LocationReport, Platform, PlatformRefused, Status
from deployments.states import DeployStatus, DeployStep, EventLevel
from deployments.verification import Before, judge, shows_image

Clock = Callable[[], datetime]
# How soon a reload that goes on is looked at again.
LOOK_AGAIN = timedelta(seconds=2)
# An answered reload has happened; its new server may show a moment later.
SETTLES_WITHIN = timedelta(seconds=3)
# A code server that failed to start answers "unreachable" for some seconds after a good release came; it heals itself.
HEALS_WITHIN = timedelta(seconds=12)


def reload_platform(held: Claim, deploy: Deploy, platform: Platform, *, clock: Clock) -> bool:
    """Remember what is served, ask for a reload, and say whether to verify at once. Raises the platform's exceptions."""
    location = deploy.code_location
    if "before" not in (deploy.seen_before or {}):
        # Written once: whoever takes over compares with what was there before the first reload, not after it.
        before = look_before(location, platform)
        deploy.seen_before = {**(deploy.seen_before or {}), **before.remembered()}
        held.write(seen_before=deploy.seen_before)
    answered = _reload(location, platform)
    follow_up: dict[str, Any] = {"seen_before": {**(deploy.seen_before or {}), "answered": answered}}
    follow_up |= {
        "step": DeployStep.VERIFY,
        "step_started_at": clock(),
        "reloaded_at": clock(),
        "attempts": 0,
    }
    if answered:
        held.write(**follow_up)
        events.record_step(
            deploy, "RELOAD", f"Asked {_platform_name(deploy)} to load {location.name} again.", at=clock()
        )
        return True
    events.record_step(
        deploy, "RELOAD", f"{_platform_name(deploy)} is still loading {location.name}; waiting.", at=clock()
    )
    outcome.park(held, wait=LOOK_AGAIN, **follow_up)
    return False


def _reload(location: CodeLocation, platform: Platform) -> bool:
    try:
        return platform.reload(location.name)
    except PlatformRefused:
        # What runs an image elsewhere restarted the server already: Dagster sees that by itself, allowed to or not.
        if not location.deployment.puts_images:
            raise
        return False


def verify_platform(held: Claim, deploy: Deploy, platform: Platform, *, clock: Clock) -> None:
    """Read back what is served, and end the deploy; or park it while the platform still loads."""
    location = deploy.code_location
    before = Before.of(deploy.seen_before)
    status = platform.status(location.name)
    if status is None:
        raise PlatformRefused(
            "location_unknown",
            f"{_platform_name(deploy)} knows no code location named {location.name}: add it to its workspace.yaml.",
        )
    moved = location_moved(before, status)
    # Where an image is put, the same one once more restarts nothing.
    if status.loading or not (moved or location.deployment.puts_images):
        _wait_or_fail(held, deploy, status, clock)
        return
    report = platform.report(location.name)
    if report is not None and not (moved or shows_release(report, deploy)):
        _wait_or_fail(held, deploy, status, clock)
        return
    if report is None:
        raise PlatformRefused(
            "location_unknown", f"{_platform_name(deploy)} dropped {location.name} while it was read."
        )
    if moved:
        reload_seen(deploy, clock=clock)
    seen = deploy.seen_before or {}
    if report.error and report.error.transient and not seen.get("looked_again"):
        message = f"{report.error.message[:300]} This often heals by itself: looking again in {HEALS_WITHIN.seconds} s."
        events.record_step(deploy, "VERIFY", message, at=clock(), level=EventLevel.WARNING)
        # Remembered beside what was there before: each reload counts its attempts anew. A shared one is another one.
        seen |= {"looked_again": True} | ({"edit": next_edit(location)} if "edit" in seen else {})
        outcome.park(held, wait=HEALS_WITHIN, seen_before=seen, step=DeployStep.RELOAD)
        return
    _record(held, report, deploy, clock)
    _conclude(held, deploy, before, report, clock)


def shows_release(report: LocationReport, deploy: Deploy) -> bool:
    """Say whether the platform has loaded the location with this very image of the deploy's release."""
    release = deploy.release
    assert release is not None
    return report.error is None and bool(shows_image(report.metadata, release.image, release.image_digest))


def _record(held: Claim, report: LocationReport, deploy: Deploy, clock: Clock) -> None:
    """Write down what the platform reported of this deploy. Raises LostClaimError, having written nothing."""
    with transaction.atomic():
        location = lock(held.location_id)
        held.renew()
        write_load(location, report, deploy=deploy, now=clock())


def look_before(location: CodeLocation, platform: Platform) -> Before:
    """Say what is served now, reading definitions only when no load of ours with this version key told them already."""
    status = platform.status(location.name)
    if status is None or status.loading:
        return Before(None, status.version_key if status else "", "", unread=status is not None)
    newest = location.loads.order_by("-pk").first()
    if newest is not None and newest.version_key == status.version_key:
        return Before(status.server_id, status.version_key, newest.definitions_digest)
    report = platform.report(location.name)
    digest = (report.definitions_digest or "") if report else ""
    return Before(status.server_id, status.version_key, digest)


def location_moved(before: Before, status: Status) -> bool:
    """Say whether another server answers than before; while it fails to load there is no server, and the key tells."""
    if status.server_id is None or before.server_id is None:
        return status.version_key != before.version_key
    return status.server_id != before.server_id


def _wait_or_fail(held: Claim, deploy: Deploy, status: Status, clock: Clock) -> None:
    """Nothing moved yet. A platform that said it had reloaded and goes on with the same server did not reload."""
    waited = clock() - (deploy.step_started_at or clock())
    answered = bool(deploy.seen_before and deploy.seen_before["answered"])
    if answered and not status.loading and waited >= SETTLES_WITHIN:
        detail = (
            f"{_platform_name(deploy)} answered the reload and still runs the same code server: it did not load anything. "
            "“dagster api grpc” never reloads: restart that process, or use “dagster code-server start”."
        )
        outcome.fail(held, now=clock(), status=DeployStatus.FAILED, code="not_reloaded", verified=False, detail=detail)
    elif waited >= settings.LASTGOOD_RELOAD_PATIENCE:
        seconds = int(waited.total_seconds())
        detail = f"{_platform_name(deploy)} was still loading {deploy.code_location.name} after {seconds} s."
        outcome.fail(held, now=clock(), status=DeployStatus.ERRORED, code="reload_timeout", detail=detail)
    else:
        outcome.park(held, wait=LOOK_AGAIN)


def _conclude(held: Claim, deploy: Deploy, before: Before, report: LocationReport, clock: Clock) -> None:
    if report.error is not None:
        outcome.fail(
            held,
            now=clock(),
            status=DeployStatus.FAILED,
            code="load_failed",
            verified=False,
            detail=f"{deploy.code_location.name} failed to load: {_gist(report)}",
            chain=report.error.chain,
        )
        return
    release = deploy.release
    assert release is not None
    assert report.definitions_digest
    left = deploy.code_location.live_deploy
    verdict = judge(
        served=report.definitions_digest,
        known=release.definitions_digest,
        before=before,
        release_before_known=left.release.definitions_digest
        if left and left.release and left.release_id != release.pk
        else "",
        image=shows_image(report.metadata, release.image, release.image_digest)
        if deploy.code_location.deployment.puts_images
        else None,
    )
    if verdict.ok is False:
        outcome.fail(
            held,
            now=clock(),
            status=DeployStatus.FAILED,
            code=verdict.code,
            verified=False,
            detail=verdict.words,
        )
        return
    outcome.succeed(held, now=clock(), verified=verdict.ok, verification=verdict.words, learned=verdict.learned)


def _gist(report: LocationReport) -> str:
    """Answer the innermost message, which is the user's own error, in one line."""
    assert report.error is not None
    innermost = report.error.chain[-1]["message"] if report.error.chain else report.error.message
    return " ".join(innermost.split())[:500]


def _platform_name(deploy: Deploy) -> str:
    return f"{deploy.code_location.deployment.get_platform_display()} at {deploy.code_location.deployment.platform_url}"
