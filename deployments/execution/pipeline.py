"""The one pipeline: a deploy and a rollback go through it alike."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import transaction

from deployments import drivers, events
from deployments.execution import outcome
from deployments.execution.checking import reload_platform, verify_platform
from deployments.execution.claiming import Claim, Lease, LostClaimError, claim
from deployments.execution.commanding import run_command
from deployments.execution.converging import ask_to_read, verify_files
from deployments.execution.imaging import pin_image
from deployments.execution.ordering import await_target, fail_unless_answered, note_ordered, remember_before
from deployments.execution.placing import put_in_place
from deployments.execution.sharing import reload_workspace
from deployments.locking import lock
from deployments.models import Deploy
from deployments.platforms.base import FileReader, PlatformRefused, PlatformUnreachable
from deployments.states import DeployStatus, DeployStep, EventLevel, TargetKind
from deployments.targets.base import Ordered, TargetRefused, TargetUnreachable

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# How often one step is tried when the other side does not answer.
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class FollowUp:
    """What a finished deploy leaves to do: start the next of its code location, look at what the target holds."""

    next_deploy: Deploy | None = None
    settle_location_id: int | None = None
    ended: bool = False


def carry_out(deploy_id: int, *, clock: Clock) -> FollowUp:
    """Do what is to be done for this deploy now, if it is its turn and nobody else does it; answer what it leaves to do.

    Harmless to call at any time and any number of times.
    """
    held = claim(deploy_id, now=clock())
    if held is None:
        return FollowUp()
    try:
        with Lease(held):
            _work(held, clock)
    except LostClaimError:
        logger.info("Deploy %s is somebody else's now.", deploy_id)
    return _follow_up(held)


def _work(held: Claim, clock: Clock) -> None:
    """Take steps until the deploy ends or is parked. Raises LostClaimError."""
    while True:
        held.renew()
        deploy = Deploy.objects.with_places().get(pk=held.deploy_id)
        try:
            if not _take_step(held, deploy, clock):
                return
        except LostClaimError:
            raise
        except (TargetUnreachable, PlatformUnreachable) as silent:
            _try_again_later(held, deploy, silent.code, str(silent), clock)
            return
        except (TargetRefused, PlatformRefused) as refused:
            if refused.code == "stale_fence" and deploy.attempts == 0 and _caught_up(held, deploy, clock):
                return
            outcome.fail(held, now=clock(), status=DeployStatus.FAILED, code=refused.code, detail=str(refused))
            return
        except Exception:
            logger.exception("Deploy %s: step %s broke.", deploy, deploy.step)
            _try_again_later(held, deploy, "internal_error", "The portal broke here; its log says how.", clock)
            return


def _take_step(held: Claim, deploy: Deploy, clock: Clock) -> bool:
    """Take the next step, and say whether another one follows at once."""
    if deploy.step == DeployStep.PIN:
        pin_image(held, deploy, clock=clock)
        return True
    if deploy.step == DeployStep.ACTIVATE:
        return _activate(held, deploy, clock)
    if deploy.step == DeployStep.COMMAND:
        run_command(held, deploy, clock=clock)
        return True
    platform = drivers.platform_for(deploy.code_location) if deploy.platform_asked else None
    if deploy.step == DeployStep.AWAIT:
        return await_target(held, deploy, platform, clock=clock)
    if platform is None:
        outcome.succeed(held, now=clock(), verified=None, verification="Not verified: no platform connected.")
        return False
    if deploy.code_location.deployment.reads_files:
        return _have_it_read(held, deploy, cast("FileReader", platform), clock)
    if deploy.step == DeployStep.RELOAD and deploy.code_location.deployment.target == TargetKind.WORKSPACE:
        return reload_workspace(held, deploy, platform, clock=clock)
    if deploy.step == DeployStep.RELOAD:
        return reload_platform(held, deploy, platform, clock=clock)
    verify_platform(held, deploy, platform, clock=clock)
    return False


def _have_it_read(held: Claim, deploy: Deploy, platform: FileReader, clock: Clock) -> bool:
    """Take a step with a platform that reads files by itself."""
    if deploy.step == DeployStep.RELOAD:
        return ask_to_read(held, deploy, platform, clock=clock)
    verify_files(held, deploy, platform, clock=clock)
    return False


def _activate(held: Claim, deploy: Deploy, clock: Clock) -> bool:
    location = deploy.code_location
    if location.deployment.target != TargetKind.DIRECTORY and not location.deployment.reads_files:
        # Here the platform may load what is new by itself, before we ask it to.
        remember_before(held, deploy)
    if deploy.called_back is not None:
        # An order whose answer we never saw, or never noted, was taken all the same: it is not sent again.
        return await_target(held, deploy, None, clock=clock)
    put = put_in_place(held, deploy, clock=clock)
    if isinstance(put, Ordered):
        note_ordered(held, deploy, put.name, clock=clock)
        return False
    outcome.placed(held, now=clock(), name=put.name)
    return True


def _caught_up(held: Claim, deploy: Deploy, clock: Clock) -> bool:
    """Go on above a fence that the target knows and we never gave, and say whether it tells which. Raises LostClaimError.

    A target remembers fences; a database that was restored, or a folder that served another portal, does not agree
    with it. Whoever still holds the claim was not overtaken.
    """
    holding = drivers.target_for(deploy.code_location).read()
    if not holding.known:
        held.renew()
        return False
    known = holding.fence
    with transaction.atomic():
        location = lock(held.location_id)
        location.fence = max(location.fence, known)
        location.save(update_fields=["fence"])
        outcome.park(held, wait=timedelta(0), attempts=deploy.attempts + 1)
    message = f"The target knows a later fence ({known}) than this portal gave: going on above it."
    events.record_step(deploy, deploy.step, message, at=clock(), level=EventLevel.WARNING)
    return True


def _try_again_later(held: Claim, deploy: Deploy, code: str, detail: str, clock: Clock) -> None:
    attempts = deploy.attempts + 1
    restarts = _may_be_restarting(deploy, clock)
    if attempts >= MOST_ATTEMPTS and not restarts:
        fail_unless_answered(held, now=clock(), status=DeployStatus.ERRORED, code=code, detail=detail)
        return
    wait = timedelta(seconds=2 ** min(attempts, MOST_ATTEMPTS - 1))
    outcome.park(held, wait=wait, attempts=attempts)
    times = "" if restarts else f" ({attempts} of {MOST_ATTEMPTS - 1})"
    message = f"{detail} Trying again in {wait.seconds} s{times}."
    events.record_step(deploy, deploy.step, message, at=clock(), level=EventLevel.WARNING)


def _may_be_restarting(deploy: Deploy, clock: Clock) -> bool:
    """Say whether the operator's command may have the platform restarted just now: that takes a minute, and no harm."""
    if not deploy.code_location.deployment.runs_command or deploy.step not in {DeployStep.RELOAD, DeployStep.VERIFY}:
        return False
    return clock() - (deploy.step_started_at or clock()) < settings.LASTGOOD_READING_PATIENCE


def _follow_up(held: Claim) -> FollowUp:
    deploy = Deploy.objects.select_related("code_location").get(pk=held.deploy_id)
    if not deploy.is_finished:
        return FollowUp()
    # It ended without our knowing that it was placed: perhaps it was all the same.
    unsure = deploy.status != DeployStatus.SUCCEEDED and deploy.activated_at is None
    waiting = deploy.code_location.deploys.queued().order_by("number").first()
    return FollowUp(next_deploy=waiting, settle_location_id=held.location_id if unsure else None, ended=True)
