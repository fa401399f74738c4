"""Whose deploy it is: claims, leases, fences.

A claim is one transaction that holds the code location's row: claims, cancels, overtakes and outcomes of one location
happen one after another, on PostgreSQL by the row's lock and on SQLite because a write transaction is alone anyway.
"""

import logging
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from deployments import blaming, composition, configuration, events, planning
from deployments.alerting import happenings
from deployments.bundles.manifest import check_mounts
from deployments.endings import ended
from deployments.locking import database_time_in, lock, raise_fence
from deployments.models import CodeLocation, Deploy, Hold, Release
from deployments.states import DeployStatus, DeployStep, EventLevel, RollbackScope
from portal.common.problems import Refusal

logger = logging.getLogger(__name__)
MOST_CLAIMS = 3


class LostClaimError(Exception):
    """The row is not ours any more: somebody canceled, overtook, or took over. Nothing is to be written."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a deploy, for as long as its lease is renewed."""

    deploy_id: int
    location_id: int
    fence: int
    owner: str

    def still_ours(self) -> Any:
        """Answer the deploy's row as a queryset that is empty once the claim is lost."""
        return Deploy.objects.filter(
            pk=self.deploy_id, status=DeployStatus.RUNNING, fence=self.fence, lease_owner=self.owner
        )

    def write(self, **fields: Any) -> None:
        """Write to the deploy's row and renew the lease. Raises LostClaimError, having written nothing."""
        fields.setdefault("lease_expires_at", lease_end())
        if not self.still_ours().update(**fields):
            raise LostClaimError

    def renew(self) -> None:
        """Renew the lease. Raises LostClaimError."""
        self.write()


def lease_end() -> Any:
    """Answer the end of a lease that begins now, by the database's clock."""
    return database_time_in(settings.LASTGOOD_LEASE)


def claim(deploy_id: int, *, now: datetime) -> Claim | None:
    """Become the one who carries this deploy out, or None: it is not its turn, not due, ended, or somebody's."""
    with transaction.atomic():
        location_id = Deploy.objects.values_list("code_location_id", flat=True).get(pk=deploy_id)
        location = lock(location_id)
        deploy = Deploy.objects.get(pk=deploy_id)
        owner = secrets.token_hex(8)
        if deploy.status == DeployStatus.QUEUED:
            return _begin(deploy, location, owner, now)
        if deploy.status == DeployStatus.RUNNING:
            return _take_over(deploy, location, owner, now)
        return None


def _begin(deploy: Deploy, location: CodeLocation, owner: str, now: datetime) -> Claim | None:
    running = location.deploys.running().order_by("number").first()
    if not deploy.is_rollback:
        if running or location.deploys.queued().rollbacks().exists():
            return None
        first = location.deploys.queued().pushes().order_by("number").first()
        if first is None or first.pk != deploy.pk:
            return None
        if Hold.objects.filter(code_location=location, released_at=None).exists():
            Deploy.objects.filter(pk=deploy.pk, status=DeployStatus.QUEUED).update(status=DeployStatus.HELD)
            return None
    try:
        release, origins = _release_for(deploy, location)
    except Refusal as refused:
        _refuse(deploy, refused, now)
        return None
    if deploy.is_rollback:
        # Since it was asked for, something else may have been put in place, or have begun.
        blaming.blame_what_is_left(deploy, location, release, now=now)
    if running:
        _supersede(running, deploy, now)
    fence = raise_fence(location)
    begun = Deploy.objects.filter(pk=deploy.pk, status=DeployStatus.QUEUED).update(
        status=DeployStatus.RUNNING,
        release=release,
        origins=origins,
        step=begins_with(release, puts_images=location.deployment.puts_images),
        started_at=now,
        step_started_at=now,
        platform_asked=location.deployment.has_platform,
        fence=fence,
        claims=1,
        attempts=0,
        lease_owner=owner,
        lease_expires_at=lease_end(),
        next_check_at=None,
    )
    if not begun:
        return None
    location.wanted_deploy = deploy
    location.save(update_fields=["wanted_deploy"])
    events.record_step(deploy, "CLAIM", f"Claimed; release {release} is to be put in place.", at=now)
    happenings.of_deploy_begun(deploy, now=now)
    return Claim(deploy.pk, location.pk, fence, owner)


def begins_with(release: Release, *, puts_images: bool) -> DeployStep:
    """Answer the first step of putting this release in place."""
    return DeployStep.PIN if puts_images and release.image else DeployStep.ACTIVATE


def _take_over(deploy: Deploy, location: CodeLocation, owner: str, now: datetime) -> Claim | None:
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
    due = Q(next_check_at=None) | Q(next_check_at__lte=Now())
    row = Deploy.objects.filter(pk=deploy.pk, status=DeployStatus.RUNNING, fence=deploy.fence).filter(free & due)
    if not row.exists():
        return None
    abandoned = bool(deploy.lease_owner)
    if abandoned and deploy.claims >= MOST_CLAIMS:
        from deployments.execution.outcome import give_up

        give_up(deploy, location, now=now)
        return None
    fence = raise_fence(location)
    row.update(
        fence=fence,
        lease_owner=owner,
        lease_expires_at=lease_end(),
        next_check_at=None,
        claims=deploy.claims + 1 if abandoned else 1,
    )
    if abandoned:
        message = f"The worker that carried this out is gone; another took over at step {deploy.get_step_display()}."
        events.record(deploy, message, at=now, step="CLAIM", level=EventLevel.WARNING)
    return Claim(deploy.pk, location.pk, fence, owner)


def _release_for(deploy: Deploy, location: CodeLocation) -> tuple[Release, dict[str, int]]:
    """Compose the release. Raises Refusal when its code is blamed, or its files went away meanwhile."""
    if deploy.is_rollback:
        restored = deploy.restores
        assert restored is not None
        assert restored.release is not None
        if not Release.objects.filter(pk=restored.release.pk, purged_at=None).exists():
            raise Refusal(f"The files of #{restored.number} were purged meanwhile.", code="artifact_gone")
        # Of two releases: what the other one is, may have moved since it was asked for.
        restoring = composition.restore(restored, composition.base_of(location), deploy.scope)
        _refuse_unread_barriers(deploy, location, restoring)
        if deploy.scope in {"", RollbackScope.ALL}:
            return restored.release, dict(restored.origins)
        _refuse_gone(restoring)
        return composition.release_of(location, restoring), restoring.origins
    bundles = {bundle.digest: bundle for bundle in deploy.bundles.all()}
    pushed = composition.parts_by_name(deploy)
    composed = composition.compose(composition.base_of(location), pushed, bundles=bundles)
    # Once more: what went live since may have a mount around one of these, or inside one, or switch DAG deploys off.
    check_mounts(list(composed.bundles))
    blaming.refuse_blamed(location, composed.code_digest)
    composition.refuse_dags_alone(location, pushed, composed)
    _refuse_gone(composed)
    return composition.release_of(location, composed), composed.origins


def _refuse_unread_barriers(deploy: Deploy, location: CodeLocation, restoring: composition.Composition) -> None:
    """Refuse what nobody saw when the rollback was asked for: something else was put in place since. Raises Refusal."""
    found = planning.barriers_to(location, restoring, deploy.scope)
    unread = [barrier for barrier in found if barrier.is_hard or barrier.name not in deploy.acknowledged]
    if unread:
        titles = ", ".join(barrier.title for barrier in unread)
        raise Refusal(
            f"Since this was asked for, what stands in its way has changed: {titles}. Read the new plan, then ask again.",
            code="plan_outdated",
        )


def _refuse_gone(composed: composition.Composition) -> None:
    gone = [bundle.version for bundle in composed.bundles.values() if bundle.purged_at or bundle.damaged_at]
    if gone:
        raise Refusal(f"Files of bundle {gone[0]} are not here any more: push again.", code="artifact_gone")
    if configuration.is_forgotten(composed.settings):
        raise Refusal("The values of its settings are purged: push them again.", code="artifact_gone")


def _refuse(deploy: Deploy, refused: Refusal, now: datetime) -> None:
    Deploy.objects.filter(pk=deploy.pk, status=DeployStatus.QUEUED).update(
        status=DeployStatus.FAILED, finished_at=now, error={"code": refused.code, "detail": refused.detail}
    )
    ended(deploy, now=now)
    events.record_step(deploy, "CLAIM", refused.detail, at=now, level=EventLevel.ERROR)
    if deploy.is_rollback:
        blaming.take_back(deploy, by_name="Lastgood", now=now)


def _supersede(running: Deploy, by: Deploy, now: datetime) -> None:
    detail = f"Rollback #{by.number} overtook this deploy while it ran."
    Deploy.objects.filter(pk=running.pk, status=DeployStatus.RUNNING).update(
        status=DeployStatus.SUPERSEDED,
        superseded_by=by,
        finished_at=now,
        lease_owner="",
        lease_expires_at=None,
        next_check_at=None,
        error={"code": "superseded", "detail": detail},
    )
    ended(running, now=now)
    events.record_step(running, "OUTCOME", detail, at=now, level=EventLevel.WARNING)


class Lease:
    """Renews a claim's lease from a thread of its own, for as long as the work inside goes on.

    A process that is stopped or dead renews nothing: that is the point.
    """

    def __init__(self, held: Claim) -> None:
        self._claim = held
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{held.deploy_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        pause = settings.LASTGOOD_LEASE.total_seconds() / 3
        try:
            while not self._over.wait(pause):
                try:
                    self._claim.renew()
                except LostClaimError:
                    return
                except Exception:
                    # The next round may reach the database again; if none does, the lease runs out, as it should.
                    logger.warning("The lease of deploy %s could not be renewed.", self._claim.deploy_id, exc_info=True)
                    connection.close()
        finally:
            connection.close()
