"""From a deploy that went live to its sets: what CI sent with it, what the platform serves, what its code was known to define."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from assets.models import AssetSet, SentSnapshot
from assets.recording.observation import Observation, observe
from assets.recording.sets import AlreadyRecorded, KeyClash, learn, record, record_known, record_unmoved
from assets.sources import airflow, dagster
from assets.states import Source, World
from deployments import composition, events
from deployments.models import CodeLocation, Deploy, Load
from deployments.states import FINISHED, EventLevel, PlatformKind
from portal.common.packing import unpacked

logger = logging.getLogger(__name__)
SOURCE_OF = {World.ASSETS: Source.SNAPSHOT, World.DBT: Source.DBT}
# How far back the schedule looks for live deploys whose code may be known.
RECENT = 5
# How long one may still try a deploy again that did not go live.
FORGOTTEN = timedelta(days=90)


def due_deploys() -> list[int]:
    """Answer the deploys that there is something to record of, in the order of their coming."""
    # What waits is few, and has indexes of its own; history is long, and is not asked.
    read = Load.objects.filter(raw__isnull=False, deploy__status__in=FINISHED)
    sent = SentSnapshot.objects.filter(body__isnull=False, deploy__live_seq__isnull=False)
    found = {pk for rows in (read, sent) for pk in rows.values_list("deploy_id", flat=True) if pk is not None}
    return sorted(found.union(_unrecorded().values_list("pk", flat=True)))


def _unrecorded() -> QuerySet[Deploy]:
    """Answer the newest live deploys that nothing was recorded of, and that others said something for."""
    sets = AssetSet.objects.filter(chain__code_location=OuterRef("code_location"))
    known = sets.filter(deploy__release__code_digest=OuterRef("release__code_digest"))
    restored = sets.filter(deploy=OuterRef("restores"))
    waiting = SentSnapshot.objects.filter(
        body__isnull=False, deploy__code_location=OuterRef("code_location"), deploy__number__lt=OuterRef("number")
    )
    newest = Deploy.objects.filter(pk__in=_newest_live(), asset_sets=None)
    for_others = Q(retry_of__isnull=False) | ~Q(carried={})
    return newest.filter(Exists(known) | Exists(restored) | (for_others & Exists(waiting)))


def _newest_live() -> set[int]:
    """Answer the live deploy of each code location, and those that were live last before it."""
    follow = "live_deploy"
    steps = [follow := f"{follow}__previous" for _ in range(RECENT - 1)]
    rows = CodeLocation.objects.filter(live_deploy__isnull=False).values_list(
        "live_deploy_id", *(f"{each}_id" for each in steps)
    )
    return {pk for row in rows for pk in row if pk is not None}


def record_deploy(deploy_id: int, *, now: datetime) -> None:
    """Record whatever is known of what this deploy defines. Harmless to call at any time and any number of times."""
    deploy = Deploy.objects.select_related("code_location__deployment", "release", "restores").get(pk=deploy_id)
    loads = Load.objects.filter(deploy=deploy, raw__isnull=False).order_by("-pk")
    if deploy.live_seq is None:
        if deploy.is_finished:
            # What was served did not go live as this deploy: nobody will ask.
            loads.update(raw=None)
        return
    before = set(AssetSet.objects.filter(deploy=deploy).values_list("pk", "digest"))
    if _is_unmoved(deploy, loads, now):
        loads.update(raw=None)
    read = _read(deploy, loads)
    _record_sent(deploy, read, now)
    if read is not None and not AssetSet.objects.filter(deploy=deploy, chain__world=read.world).exists():
        _record(deploy, read, now, restored=_known(deploy, World.ASSETS))
    loads.update(raw=None)
    for world in World:
        _record_known(deploy, world, now)
    if set(AssetSet.objects.filter(deploy=deploy).values_list("pk", "digest")) != before:
        _tell(deploy, now)


def observed_snapshot(sent: SentSnapshot, ignored: list[str]) -> Observation:
    """Answer the observation that a stored snapshot is."""
    return observe(SOURCE_OF[World(sent.world)], unpacked(sent.body or b""), ignored=ignored)


def _is_unmoved(deploy: Deploy, loads: QuerySet[Load], now: datetime) -> bool:
    """Record the set by the platform's own digest, if that is the one of before: nothing is unpacked or compared."""
    digest = loads.filter(ok=True).values_list("definitions_digest", flat=True).first()
    # What a rollback brings back may differ where no platform looks, and CI's own words say more.
    if not digest or deploy.restores_id or _sent_for(deploy):
        return False
    ignored = deploy.code_location.deployment.ignored_metadata
    return record_unmoved(deploy, digest, ignored, now=now) is not None


def _read(deploy: Deploy, loads: QuerySet[Load]) -> Observation | None:
    newest = loads.filter(ok=True).first()
    if newest is None or newest.raw is None:
        return None
    source = airflow if deploy.code_location.deployment.platform == PlatformKind.AIRFLOW else dagster
    definitions, too_long = source.definitions_of(unpacked(newest.raw))
    note = f"{len(too_long)} assets have keys that are too long, and were left out." if too_long else ""
    return observe(
        Source.PLATFORM,
        definitions,
        ignored=deploy.code_location.deployment.ignored_metadata,
        platform_digest=newest.definitions_digest,
        note=note,
    )


def _record(deploy: Deploy, seen: Observation, now: datetime, **more: Any) -> None:
    """Record it, or tell the deploy's log why not."""
    try:
        record(deploy, seen, now=now, **more)
    except (AlreadyRecorded, KeyClash) as refused:
        message = f"Its assets were not recorded: {refused.detail}"
        events.record_step(deploy, "ASSETS", message, at=now, level=EventLevel.WARNING)


def _record_sent(deploy: Deploy, read: Observation | None, now: datetime) -> None:
    for sent in _sent_for(deploy):
        seen = observed_snapshot(sent, deploy.code_location.deployment.ignored_metadata)
        _record(deploy, seen, now, beside=read if read is not None and read.world == seen.world else None)
        # Now that it is recorded, or refused for good: whatever breaks before this leaves it to be tried again.
        SentSnapshot.objects.filter(pk=sent.pk).update(body=None, recorded_at=now)
    if read is None:
        return
    recorded = AssetSet.objects.filter(deploy=deploy, chain__world=read.world, source=Source.SNAPSHOT).first()
    if recorded is not None:
        learn(recorded, read)


def _sent_for(deploy: Deploy) -> list[SentSnapshot]:
    """Answer the snapshot of each world: its own, that of what it tries again, or of what it carries for others."""
    if AssetSet.objects.filter(deploy=deploy, source__in=SOURCE_OF.values()).exists():
        return list(SentSnapshot.objects.filter(deploy=deploy, body__isnull=False))
    asked, tried = [deploy.pk], deploy.retry_of
    while tried is not None:
        asked.append(tried.pk)
        tried = tried.retry_of
    asked += _carried_whole(deploy)
    found = SentSnapshot.objects.filter(deploy_id__in=asked, body__isnull=False)
    chosen: dict[str, SentSnapshot] = {}
    for sent in sorted(found, key=lambda each: asked.index(each.deploy_id)):
        chosen.setdefault(sent.world, sent)
    return list(chosen.values())


def _carried_whole(deploy: Deploy) -> list[int]:
    """Answer the deploys all of whose parts this one brings along, the newest first: it defines what they did."""
    taken: dict[int, set[str]] = {}
    for name, part in deploy.carried.items():
        taken.setdefault(part["from"], set()).add(name)
    found = Deploy.objects.filter(code_location=deploy.code_location, number__in=taken).order_by("-number")
    return [each.pk for each in found if composition.part_names(each.parts) <= taken[each.number]]


def forget_unused_snapshots(*, now: datetime) -> int:
    """Forget the bodies of snapshots whose deploys ended long ago without going live; answer how many were."""
    old = SentSnapshot.objects.filter(
        body__isnull=False, deploy__live_seq=None, deploy__status__in=FINISHED, deploy__finished_at__lt=now - FORGOTTEN
    )
    return old.update(body=None)


def _record_known(deploy: Deploy, world: World, now: datetime) -> None:
    if AssetSet.objects.filter(deploy=deploy, chain__world=world).exists():
        return
    known = _known(deploy, world)
    if known is not None:
        record_known(deploy, known, now=now)


def _known(deploy: Deploy, world: World) -> AssetSet | None:
    """Answer the set of the deploy that this one restores, or the newest one of the same code."""
    sets = AssetSet.objects.filter(chain__code_location=deploy.code_location, chain__world=world).exclude(deploy=deploy)
    if deploy.restores_id is not None and (own := sets.filter(deploy_id=deploy.restores_id).first()) is not None:
        return own
    if deploy.release is None:
        return None
    same = sets.filter(deploy__release__code_digest=deploy.release.code_digest)
    return same.order_by("-live_seq").first()


def _tell(deploy: Deploy, now: datetime) -> None:
    counts = Deploy.objects.values_list("asset_counts", flat=True).get(pk=deploy.pk) or {}
    said = ", ".join(f"{counts[word]} {word}" for word in ("added", "removed", "changed") if counts.get(word))
    events.record_step(deploy, "ASSETS", f"Assets: {said or 'nothing changed'}.", at=now)
