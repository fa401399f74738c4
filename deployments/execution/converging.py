"""Platforms that read what lies in place by themselves, as Airflow does: asked to look, then asked how far they are."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from deployments import drivers, events
from deployments.bundles import store
from deployments.execution import outcome
from deployments.execution.claiming import Claim
from deployments.loads import write_load
from deployments.locking import lock
from deployments.masking import mask_of
from deployments.models import Deploy
from deployments.platforms.base import (
    Convergence,
    Expected,
    ExpectedFile,
    FileReader,
    LocationReport,
    PlatformRefused,
    PlatformUnreachable,
)
from deployments.states import DeployStatus, DeployStep, EventLevel

Clock = Callable[[], datetime]
LOOK_AGAIN = timedelta(seconds=1)
LOOK_LATER = timedelta(seconds=10)
# What it reads: the mount of this name.
MOUNT = "dags"
MOST_PATIENCES = 6  # so many times LASTGOOD_READING_PATIENCE in all, however well it comes on
NOT_ALLOWED = "not_allowed"  # the refusal to have files read
LARGEST_TEXT = 2_000_000  # bytes; a larger file is no DAG that anybody compares


def ask_to_read(held: Claim, deploy: Deploy, platform: FileReader, *, clock: Clock) -> bool:
    """Have the platform look at its files, and verify at once. Raises the platform's exceptions."""
    name = deploy.code_location.deployment.get_platform_display()
    level = EventLevel.INFO
    try:
        asked = platform.ask_to_read()
    except PlatformRefused as refused:
        if refused.code != NOT_ALLOWED:
            raise
        # The files are in place: that they are read later is no reason to give up.
        said = f"{refused} {name} reads what is in place by itself, which may take minutes: going on."
        level = EventLevel.WARNING
    else:
        said = (
            f"Asked {name} to read its files again."
            if asked
            else f"{name} has nothing yet to be asked for: it looks by itself."
        )
    held.write(step=DeployStep.VERIFY, step_started_at=clock(), reloaded_at=clock(), attempts=0, seen_before={})
    events.record_step(deploy, "RELOAD", said, at=clock(), level=level)
    return True


def verify_files(held: Claim, deploy: Deploy, platform: FileReader, *, clock: Clock) -> None:
    """Ask how far the platform is, and end the deploy; or park it until it has read all. Raises the platform's exceptions."""
    if not _is_comparable(deploy):
        _look_for_errors(held, deploy, platform, clock)
        return
    seen = dict(deploy.seen_before or {})
    found: Convergence = platform.converge(_expected(deploy, clock()), seen.get("files", {}))
    if found.done is None:
        _wait(held, deploy, found, seen, clock)
        return
    report = platform.report(deploy.code_location.name) if not found.done else None
    _record(held, deploy, report if report is not None and report.error else None, found, clock)
    if found.done:
        outcome.succeed(held, now=clock(), verified=True, verification=found.words)
        return
    _fail(held, deploy, found, clock)


def _fail(held: Claim, deploy: Deploy, found: Convergence, clock: Clock) -> None:
    """End the deploy as what the platform cannot read, without any secret that its traces repeat."""
    mask = mask_of(deploy)
    error = mask.error(found.error)
    outcome.fail(
        held,
        now=clock(),
        status=DeployStatus.FAILED,
        code="load_failed",
        verified=False,
        detail=mask.text(found.words),
        chain=error.chain if error else [],
    )


def _look_for_errors(held: Claim, deploy: Deploy, platform: FileReader, clock: Clock) -> None:
    """Verify what cannot be compared, because the DAGs are in the image: once it has had time to read, nothing is broken."""
    waited = clock() - (deploy.step_started_at or clock())
    if waited < settings.LASTGOOD_READING_SETTLES:
        outcome.park(held, wait=min(settings.LASTGOOD_READING_SETTLES - waited, LOOK_LATER))
        return
    name = deploy.code_location.deployment.get_platform_display()
    report = platform.report(deploy.code_location.name)
    if report is not None and report.error is not None:
        found = Convergence(False, f"{name} cannot import all of its files: {report.error.message}", report.error)
        _record(held, deploy, report, found, clock)
        _fail(held, deploy, found, clock)
        return
    words = f"{name} imports all of its files; they are not ours to compare with."
    _record(held, deploy, None, Convergence(True, words), clock)
    outcome.succeed(held, now=clock(), verified=True, verification=words)


def _is_comparable(deploy: Deploy) -> bool:
    """Say whether what the platform serves comes from files of ours: else it comes out of the image, or from elsewhere."""
    location, release = deploy.code_location, deploy.release
    assert release is not None
    if location.deployment.puts_images:
        return False
    before = location.live_deploy.release if location.live_deploy else None
    of_either = [release] if release.image or before is None else [release, before]
    return any(mounted.mount == MOUNT for each in of_either for mounted in each.mounts.all())


def _wait(held: Claim, deploy: Deploy, found: Convergence, seen: dict[str, Any], clock: Clock) -> None:
    now = clock()
    began = deploy.step_started_at or now
    moved_at = found.seen.get("moved_at")
    moved = max(began, datetime.fromisoformat(moved_at)) if moved_at else began
    waited, patience = now - began, settings.LASTGOOD_READING_PATIENCE
    # A large installation is read piece by piece: as long as it comes nearer, it is waited for; to an end.
    if now - moved >= patience or waited >= MOST_PATIENCES * patience:
        deployment = deploy.code_location.deployment
        outcome.fail(
            held,
            now=now,
            status=DeployStatus.FAILED,
            code="not_read",
            verified=False,
            detail=f"{deployment.get_platform_display()} at {deployment.platform_url} does not serve what is in place after "
            f"{int(waited.total_seconds())} s. {found.words}",
        )
        return
    if seen.get("words") != found.words:
        events.record(deploy, found.words, at=clock(), step=DeployStep.VERIFY)
    outcome.park(held, wait=LOOK_AGAIN, seen_before={"files": found.seen, "words": found.words})


def _record(
    held: Claim,
    deploy: Deploy,
    failed: LocationReport | None,
    found: Convergence,
    clock: Clock,
) -> None:
    """Write down what was seen. What it defines is read a minute later, by the observer: it is served piece by piece."""
    report = failed or LocationReport(
        version_key=f"deploy {deploy.pk}",
        server_id=None,
        error=found.error,
        definitions_digest=None,
        asset_count=0,
        metadata={"release": _name_of(deploy)},
    )
    with transaction.atomic():
        location = lock(held.location_id)
        held.renew()
        write_load(location, mask_of(deploy).report(report), deploy=deploy, now=clock())


def _expected(deploy: Deploy, now: datetime) -> Expected:
    release = deploy.release
    assert release is not None
    assert deploy.activated_at is not None
    files = {}
    for mounted in release.mounts.all():
        if mounted.mount != MOUNT:
            continue
        for path, sha256, size in mounted.bundle.files.values_list("path", "blob__sha256", "size"):
            files[path] = ExpectedFile(path, sha256, _reader(sha256, size))
    return Expected(release=_name_of(deploy), files=files, placed_at=deploy.activated_at, asked_at=now)


def _reader(sha256: str, size: int) -> Callable[[], str]:
    def text() -> str:
        if size > LARGEST_TEXT:
            return ""
        try:
            with store.BlobOpener([sha256])(sha256) as stored:
                return stored.read(LARGEST_TEXT).decode(errors="replace")
        except store.BlobGone:
            return ""

    return text


def _name_of(deploy: Deploy) -> str:
    """Answer the name under which the release lies there. Raises PlatformUnreachable while something else does."""
    holding = drivers.target_for(deploy.code_location).read()
    there = holding.in_place
    if not holding.known and deploy.release is not None:
        return f"{deploy.number}-{deploy.release.digest[:12]}"  # a receiver runs it, and shows nobody how it lies there
    if there is None or there.number != deploy.number:
        raise PlatformUnreachable("not_in_place", f"#{deploy.number} is not what lies in place now.")
    return there.name
