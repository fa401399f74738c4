"""A workspace file and the reload of a whole workspace are shared by a deployment's code locations.

Edits are numbered; the number is the file's own fence, so that of two edits at once one is refused and tries again.
Once the file has changed, the next number says so: a reload that began when that number was given has read the change.
Whoever finds that there was one shares it: of many that wait, one reloads.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from deployments import events
from deployments.execution import outcome
from deployments.execution.claiming import Claim
from deployments.locking import database_time_in
from deployments.models import CodeLocation, Deploy, WorkspaceTurn
from deployments.platforms.base import Platform
from deployments.states import DeployStep

Clock = Callable[[], datetime]
# How long a reload of everything may take before another one is begun beside it.
LONGEST_RELOAD = timedelta(seconds=180)
WAIT = timedelta(seconds=1)
# What a platform reports this long after the reload began to be answered is still its doing.
ECHO = timedelta(seconds=10)


def next_edit(location: CodeLocation, *, above: int = 0) -> int:
    """Answer the number of the next change of the workspace file, above what the file has seen."""
    with transaction.atomic():
        WorkspaceTurn.objects.get_or_create(deployment_id=location.deployment_id)
        turn = WorkspaceTurn.objects.select_for_update().get(deployment_id=location.deployment_id)
        turn.edits = max(turn.edits, above) + 1
        turn.save(update_fields=["edits"])
        return turn.edits


def reload_workspace(held: Claim, deploy: Deploy, platform: Platform, *, clock: Clock) -> bool:
    """Have the workspace read anew, once for all that wait; say whether to verify at once. Raises the platform's exceptions."""
    turn = WorkspaceTurn.objects.select_related("deploy__code_location").get(
        deployment_id=deploy.code_location.deployment_id
    )
    seen = deploy.seen_before or {}
    if turn.loaded >= seen.get("edit", 0):
        of = f"#{turn.deploy.number} of {turn.deploy.code_location.name}" if turn.deploy else "another deploy"
        _go_on(held, deploy, seen | {"answered": True}, f"Shares the reload of {of}.", clock)
        return True
    owner = _take(turn, deploy, clock)
    if owner is None:
        outcome.park(held, wait=WAIT)
        return False
    covered = WorkspaceTurn.objects.values_list("edits", flat=True).get(pk=turn.pk)
    try:
        answered = platform.reload_all()
    except BaseException:
        _give_back(turn, owner, clock)
        raise
    if answered:
        _give_back(turn, owner, clock, loaded=covered)
    message = (
        "Asked Dagster to load its whole workspace again." if answered else "Dagster is still loading its workspace."
    )
    # A reload that goes on beyond our patience stays ours, until its result is seen.
    turn_kept = {} if answered else {"turn": {"owner": owner, "covers": covered}}
    _go_on(held, deploy, seen | {"answered": answered} | turn_kept, message, clock)
    if not answered:
        outcome.park(held, wait=WAIT)
    return answered


def reload_seen(deploy: Deploy, *, clock: Clock) -> None:
    """Let the others go on once the result of a reload is served that we had stopped waiting for."""
    kept = (deploy.seen_before or {}).get("turn")
    turn = WorkspaceTurn.objects.filter(deployment_id=deploy.code_location.deployment_id).first()
    if kept and turn is not None:
        _give_back(turn, kept["owner"], clock, loaded=kept["covers"])


def reload_for(deploy: Deploy, platform: Platform, *, clock: Clock) -> None:
    """Have the workspace read anew after its file was repaired for this deploy; whoever reloads it right now does that too.

    Raises the platform's exceptions.
    """
    turn = WorkspaceTurn.objects.get_or_create(deployment_id=deploy.code_location.deployment_id)[0]
    owner = _take(turn, deploy, clock)
    if owner is None:
        return
    covered, answered = WorkspaceTurn.objects.values_list("edits", flat=True).get(pk=turn.pk), False
    try:
        answered = platform.reload_all()
    finally:
        _give_back(turn, owner, clock, loaded=covered if answered else None)


def reloading_deploy(deployment_id: int, *, since: datetime | None, now: datetime) -> Deploy | None:
    """Answer the deploy whose reload of the workspace fell between the two times: what others report is its doing."""
    turn = WorkspaceTurn.objects.filter(deployment_id=deployment_id, began_at__isnull=False).select_related(
        "deploy__code_location"
    )
    found = turn.filter(began_at__lte=now).filter(Q(ended_at=None) | Q(ended_at__gte=(since or now) - ECHO)).first()
    if found is None or (found.ended_at is None and found.began_at and found.began_at < now - LONGEST_RELOAD):
        return None
    return found.deploy


def _take(turn: WorkspaceTurn, deploy: Deploy, clock: Clock) -> str | None:
    """Become the one who reloads; None while somebody else does."""
    owner = secrets.token_hex(8)
    free = Q(lease_owner="") | Q(lease_expires_at__lt=Now())
    # A reload that ended since we looked may have been all that we need.
    taken = WorkspaceTurn.objects.filter(free, pk=turn.pk, loaded=turn.loaded).update(
        lease_owner=owner,
        lease_expires_at=database_time_in(LONGEST_RELOAD),
        deploy=deploy,
        began_at=clock(),
        ended_at=None,
    )
    return owner if taken else None


def _give_back(turn: WorkspaceTurn, owner: str, clock: Clock, *, loaded: int | None = None) -> None:
    fields = {} if loaded is None else {"loaded": loaded}
    WorkspaceTurn.objects.filter(pk=turn.pk, lease_owner=owner).update(
        lease_owner="", lease_expires_at=None, ended_at=clock(), **fields
    )


def _go_on(held: Claim, deploy: Deploy, seen: dict[str, object], message: str, clock: Clock) -> None:
    now = clock()
    held.write(seen_before=seen, step=DeployStep.VERIFY, step_started_at=now, reloaded_at=now, attempts=0)
    events.record_step(deploy, "RELOAD", message, at=now)
