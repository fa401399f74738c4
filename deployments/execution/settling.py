"""Making the target agree with what we wrote down, when nothing is in flight."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from deployments import drivers, events
from deployments.execution import commanding
from deployments.execution.claiming import LostClaimError
from deployments.execution.placing import activate, activate_shared, planned
from deployments.execution.sharing import reload_for
from deployments.locking import lock, raise_fence
from deployments.models import CodeLocation, Deploy
from deployments.platforms.base import PlatformRefused, PlatformUnreachable
from deployments.states import EventLevel, TargetKind
from deployments.targets.base import Holding, Target, TargetRefused, TargetUnreachable
from deployments.targets.workspace import WorkspaceTarget

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def settle_target(location_id: int, *, clock: Clock) -> None:
    """Tell the target our fence, read what it holds, and put back what should be there. Does nothing while a deploy runs.

    Called after a cancel, after a deploy that ended in doubt, and now and then: a worker that was canceled may have
    swapped in the last moment, and hands edit what they should not.
    """
    location, fence = _quiet_fence(location_id)
    if location is None:
        return
    try:
        target = drivers.target_for(location)
        holding = target.raise_fence(fence)
        _agree(location, target, holding, fence, clock)
    except TargetRefused as refused:
        if refused.code == "stale_fence":
            # A deploy began meanwhile, and settles the matter itself; or the target knows a fence that we never gave.
            known = drivers.target_for(location).read().fence
            CodeLocation.objects.filter(pk=location.pk, fence=fence).update(fence=known)
        else:
            _remember_drift(location, fence, refused, clock)
    except TargetUnreachable as silent:
        _remember_drift(location, fence, silent, clock)


def _remember_drift(location: CodeLocation, fence: int, reason: Exception, clock: Clock) -> None:
    CodeLocation.objects.filter(pk=location.pk, fence=fence).update(drift=str(reason)[:500], checked_at=clock())
    logger.warning("The target of %s could not be settled: %s", location, reason)


def check_target(location_id: int, *, clock: Clock) -> None:
    """Read what the target holds, changing nothing; settle it when that is not what we wrote down."""
    location = CodeLocation.objects.select_related("deployment__organization", "placed_deploy__release").get(
        pk=location_id
    )
    if location.deploys.running().exists():
        return
    try:
        holding = drivers.target_for(location).read()
    except (TargetRefused, TargetUnreachable) as silent:
        CodeLocation.objects.filter(pk=location.pk).update(drift=str(silent)[:500], checked_at=clock())
        return
    placed = location.placed_deploy
    if not holding.known or (_agrees(placed, holding) if placed else holding.in_place is None):
        CodeLocation.objects.filter(pk=location.pk).update(drift="", checked_at=clock())
    else:
        settle_target(location_id, clock=clock)


def _quiet_fence(location_id: int) -> tuple[CodeLocation | None, int]:
    with transaction.atomic():
        location = lock(location_id)
        if location.deploys.running().exists():
            return None, 0
        return location, raise_fence(location)


def _agree(location: CodeLocation, target: Target, holding: Holding, fence: int, clock: Clock) -> None:
    placed = location.placed_deploy
    if not holding.known:
        # It cannot be looked into, so nothing can be said to be wrong with it.
        CodeLocation.objects.filter(pk=location.pk, fence=fence).update(drift="", checked_at=clock())
        return
    if placed is None or placed.release is None:
        _adopt(location, holding, fence, clock)
        return
    if _agrees(placed, holding):
        CodeLocation.objects.filter(pk=location.pk, fence=fence).update(drift="", checked_at=clock())
        return
    found = f"#{holding.in_place.number}" if holding.in_place else holding.found or "nothing"
    message = f"The target held {found} instead of #{placed.number}: put back."
    if placed.release.purged_at:
        raise TargetRefused("artifact_gone", f"The target holds {found}, and the files of #{placed.number} are purged.")
    plan = planned(placed, placed.release, fence=fence, now=clock())
    if isinstance(target, WorkspaceTarget):
        activate_shared(location, target, plan, say=logger.info, clock=clock)
    else:
        activate(target, plan, say=logger.info, clock=clock)
    CodeLocation.objects.filter(pk=location.pk, fence=fence).update(drift="", checked_at=clock())
    events.record_step(placed, "REPAIR", message, at=clock(), level=EventLevel.WARNING)
    if location.deployment.runs_command and not _commanded(location, placed, fence, clock):
        return
    _reload(location, placed, clock)


def _commanded(location: CodeLocation, placed: Deploy, fence: int, clock: Clock) -> bool:
    """Run the operator's command for what was put back, and say whether it is still ours to go on."""

    def breathe() -> None:
        if not CodeLocation.objects.filter(pk=location.pk, fence=fence).exists():
            raise LostClaimError  # a deploy has begun meanwhile: its own run of the command is the one that counts

    try:
        commanding.run_again(placed, say=logger.info, breathe=breathe)
    except LostClaimError:
        return False
    except TargetRefused as refused:
        message = f"The command failed after that: {refused}"
        events.record_step(placed, "REPAIR", message, at=clock(), level=EventLevel.WARNING)
    return True


def _agrees(placed: Deploy, holding: Holding) -> bool:
    there = holding.in_place
    return (
        there is not None
        and placed.release is not None
        and (there.number == placed.number and placed.release.digest.startswith(there.digest[:12]))
    )


def _adopt(location: CodeLocation, holding: Holding, fence: int, clock: Clock) -> None:
    """Nothing was ever placed as far as we know: what the target holds of ours was placed all the same."""
    if holding.in_place is None:
        return
    there = location.deploys.filter(number=holding.in_place.number).select_related("release").first()
    if there is None or not _agrees(there, holding):
        return  # it comes from another time, or from another portal
    with transaction.atomic():
        changed = CodeLocation.objects.filter(pk=location.pk, fence=fence).update(
            placed_deploy=there, wanted_deploy=there, checked_at=clock()
        )
        if changed:
            Deploy.objects.filter(pk=there.pk, activated_at=None).update(activated_at=clock())
            message = "It ended, but its files had just been put in place, and there is nothing older to put back."
            events.record_step(there, "REPAIR", message, at=clock(), level=EventLevel.WARNING)


def _reload(location: CodeLocation, placed: Deploy, clock: Clock) -> None:
    try:
        platform = drivers.platform_for(location)
        if platform is None:
            return
        if location.deployment.target == TargetKind.WORKSPACE:
            reload_for(placed, platform, clock=clock)
        else:
            platform.reload(location.name)
    except (PlatformRefused, PlatformUnreachable) as silent:
        events.record_step(placed, "REPAIR", f"Not reloaded after that: {silent}", at=clock(), level=EventLevel.WARNING)
