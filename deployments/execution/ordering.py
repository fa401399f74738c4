"""Orders that something else carries out: nothing waits in a worker; the callback or the platform tells how it went."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from deployments import drivers, events
from deployments.execution import outcome
from deployments.execution.checking import location_moved, look_before, shows_release
from deployments.execution.claiming import Claim
from deployments.locking import lock
from deployments.models import Deploy
from deployments.platforms.base import Platform, PlatformRefused, PlatformUnreachable
from deployments.states import DeployStatus, DeployStep
from deployments.verification import Before

Clock = Callable[[], datetime]
LOOK_AGAIN, FIRST_LOOK = timedelta(seconds=5), timedelta(seconds=2)


def remember_before(held: Claim, deploy: Deploy) -> None:
    """Write down what the platform serves before anything changes. A platform that is away keeps nothing from happening."""
    if not deploy.platform_asked or deploy.seen_before is not None:
        return
    try:
        platform = drivers.platform_for(deploy.code_location)
        if platform is None:
            return
        before = look_before(deploy.code_location, platform)
    except (PlatformUnreachable, PlatformRefused):
        before = Before(None, "", "", unread=True)
    deploy.seen_before = before.remembered()
    held.write(seen_before=deploy.seen_before)


def await_target(held: Claim, deploy: Deploy, platform: Platform | None, *, clock: Clock) -> bool:
    """See whether the order was carried out, and say whether the next step follows at once; else park, or fail."""
    answer = deploy.called_back
    if answer is not None and answer["outcome"] == "succeeded":
        outcome.placed(held, now=clock(), name=_said("The receiver says that it is done.", answer["message"]))
        return True
    if answer is not None:
        detail = _said("The receiver of the order says that it failed.", answer["message"])
        outcome.fail(held, now=clock(), status=DeployStatus.FAILED, code="target_failed", detail=detail)
        return False
    if platform is not None and _shown(deploy, platform):
        outcome.placed(held, now=clock(), name="the image that the platform shows now")
        return True
    waited = clock() - (deploy.ordered_at or clock())
    patience = deploy.code_location.deployment.webhook_patience
    if waited >= timedelta(seconds=patience):
        detail = (
            f"Nobody answered the order within {patience} s, and the platform does not show the image: look at the receiver's "
            "log. If it is still at work, what it brings will be recorded as observed."
        )
        fail_unless_answered(held, now=clock(), status=DeployStatus.FAILED, code="target_timeout", detail=detail)
        return False
    outcome.park(held, wait=LOOK_AGAIN)
    return False


def fail_unless_answered(held: Claim, *, now: datetime, status: DeployStatus, code: str, detail: str) -> None:
    """End the deploy, unless the answer to its order has come since it was read: then look at that. Raises LostClaimError."""
    with transaction.atomic():
        lock(held.location_id)
        waiting = Deploy.objects.filter(pk=held.deploy_id, step__in=[DeployStep.ACTIVATE, DeployStep.AWAIT])
        if waiting.filter(called_back__isnull=False).exists():
            outcome.park(held, wait=timedelta(0))
        else:
            outcome.fail(held, now=now, status=status, code=code, detail=detail)


def _shown(deploy: Deploy, platform: Platform) -> bool:
    """Say whether the platform has loaded the location anew since, with this very image."""
    location = deploy.code_location
    try:
        status = platform.status(location.name)
        if status is None or status.loading or status.server_id is None:
            return False
        before = Before.of(deploy.seen_before)
        if not location_moved(before, status):
            return False
        report = platform.report(location.name)
    except (PlatformUnreachable, PlatformRefused):
        # The order may be under way all the same: its receiver answers, or the time runs out.
        return False
    return report is not None and shows_release(report, deploy)


def _said(words: str, message: str) -> str:
    return f"{words} It adds: {message}" if message else words


def note_ordered(held: Claim, deploy: Deploy, name: str, *, clock: Clock) -> None:
    """Remember that the order was taken, and free the worker. Raises LostClaimError."""
    patience = deploy.code_location.deployment.webhook_patience
    message = (
        f"Ordered {name}: waiting for the receiver to call back, or for the platform to show it, {patience} s at most."
    )
    now = clock()
    # The receiver may have called back while it still answered: the next look finds that.
    outcome.park(held, wait=FIRST_LOOK, step=DeployStep.AWAIT, step_started_at=now, ordered_at=now, attempts=0)
    events.record_step(deploy, "ACTIVATE", message, at=now)
