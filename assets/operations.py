"""What people and CI ask for: a deploy that says what it defines, and to say so afterwards."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from assets import recording
from assets.definitions.problems import SnapshotError
from assets.definitions.reading import Snapshot
from assets.models import AssetSet, SentSnapshot
from assets.recording import Observation
from assets.states import Source
from deployments import operations
from deployments.access import Right, name_of, require
from deployments.models import CodeLocation, Deploy
from deployments.operations import Push
from portal.common.packing import packed
from portal.common.problems import Invalid, Refusal

SOURCE_OF = {"snapshot": Source.SNAPSHOT, "dbt": Source.DBT}


class SnapshotRefused(Refusal):
    """A snapshot that comes to the wrong deploy, or again with other words."""


def create_deploy(
    *, location: CodeLocation, push: Push, snapshot: Snapshot | Observation | None, actor: User, now: datetime
) -> Deploy:
    """Push, and keep what the push says that it defines until it is live. Raises as `operations.create_deploy`, Invalid."""
    require(actor, Right.DEPLOY, location.deployment)
    seen = observe(snapshot, location) if snapshot is not None else None
    with transaction.atomic():
        deploy = operations.create_deploy(location=location, push=push, actor=actor, now=now)
        if seen is not None:
            _keep(deploy, seen, actor=actor, now=now)
    return deploy


def send_snapshot(*, deploy: Deploy, snapshot: Snapshot | Observation, actor: User, now: datetime) -> AssetSet | None:
    """Say what a deploy defines: recorded at once if it is live, kept (None) if it may become so.

    Raises NotAllowed, Invalid, SnapshotRefused `not_live` or `already_sent`, AlreadyRecorded, KeyClash.
    """
    require(actor, Right.DEPLOY, deploy.code_location.deployment)
    seen = observe(snapshot, deploy.code_location)
    current = Deploy.objects.select_related("code_location__deployment").get(pk=deploy.pk)
    if current.live_seq is not None:
        waiting = SentSnapshot.objects.filter(deploy=current, world=seen.world, body__isnull=False).first()
        if waiting is not None and waiting.digest != seen.digest:
            raise _already_sent(current)
        return recording.record(current, seen, now=now)
    if current.is_finished:
        raise SnapshotRefused(
            f"#{current.number} ended without going live: what it defines belongs to no history.", code="not_live"
        )
    with transaction.atomic():
        _keep(current, seen, actor=actor, now=now)
    return None


def observe(snapshot: Snapshot | Observation, location: CodeLocation) -> Observation:
    """Answer the snapshot with its digests: work that wants no transaction around it. Raises Invalid."""
    if isinstance(snapshot, Observation):
        return snapshot
    try:
        return recording.observe(
            SOURCE_OF[snapshot.source], snapshot.assets, ignored=location.deployment.ignored_metadata
        )
    except SnapshotError as odd:
        raise Invalid(odd.detail, code=odd.code) from odd


def _keep(deploy: Deploy, seen: Observation, *, actor: User, now: datetime) -> None:
    facts = {
        "digest": seen.digest,
        "asset_count": len(seen.digests),
        "body": packed(seen.definitions),
        "sent_at": now,
        "sent_by_name": name_of(actor),
    }
    kept, is_new = SentSnapshot.objects.get_or_create(deploy=deploy, world=seen.world, defaults=facts)
    if not is_new and kept.digest != seen.digest:
        raise _already_sent(deploy)


def _already_sent(deploy: Deploy) -> SnapshotRefused:
    return SnapshotRefused(
        f"#{deploy.number} has a snapshot already, with other definitions: a deploy says once what it defines.",
        code="already_sent",
    )
