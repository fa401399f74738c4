"""Letting bytes go: only what nothing names, in two steps with a grace time between them."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from deployments.bundles.store import blob_storage
from deployments.models import Blob, BlobPossession, Bundle, BundleFile, Deploy, ReleaseBundle
from deployments.states import UNFINISHED

logger = logging.getLogger(__name__)
# Between finding that nothing names a blob and sweeping it: uploads under way name theirs within that time.
GRACE = timedelta(hours=1)
BATCH = 500


@dataclass(frozen=True)
class Collected:
    """What a collection did."""

    bytes_freed: int
    blobs_swept: int
    uploads_forgotten: int


def collect(*, now: datetime) -> Collected:
    """Forget uploads that nothing took up, mark blobs that nothing names, sweep those marked long enough ago."""
    forgotten = _forget_uploads(before=now - settings.LASTGOOD_UPLOAD_LIFETIME)
    _give_up_possessions(now)
    _mark(now)
    swept = freed = 0
    for blob in _unnamed().filter(marked_at__lt=now - GRACE).iterator():
        if _sweep(blob, before=now - GRACE):
            swept += 1
            freed += blob.size or 0
            _delete_bytes(blob)
    return Collected(bytes_freed=freed, blobs_swept=swept, uploads_forgotten=forgotten)


def _sweep(blob: Blob, *, before: datetime) -> bool:
    """Delete the row if nothing named it since, and say whether. Its bytes go next: no later upload shares their key."""
    with transaction.atomic():
        # Who names it takes the mark away, and waits for this lock: a delete alone would meet the new reference.
        if not Blob.objects.select_for_update().filter(pk=blob.pk, marked_at__lt=before).exists():
            return False
        return bool(_unnamed().filter(pk=blob.pk).delete()[0])


def _give_up_possessions(now: datetime) -> None:
    """End an organization's possession of what none of its manifests names: its quota is for what it keeps."""
    named = BundleFile.objects.filter(blob=OuterRef("blob"), bundle__organization=OuterRef("organization"))
    idle = BlobPossession.objects.filter(created_at__lt=now - GRACE).exclude(Exists(named))
    for possession_id, blob_id in idle.values_list("pk", "blob_id").iterator():
        with transaction.atomic():
            # Who announces it again waits for this lock, and is then told that it is missing.
            Blob.objects.select_for_update().filter(pk=blob_id).values_list("pk").first()
            idle.filter(pk=possession_id).delete()


def purge_unneeded_bundles(*, now: datetime) -> int:
    """Take the manifests of bundles that no kept release and no waiting deploy names. Their rows stay. Answers how many."""
    purged = 0
    # What was announced again is being uploaded: as long as any upload it waits for the push that takes it up.
    composed = Q(mounts__isnull=False, touched_at__lt=now - settings.LASTGOOD_UPLOAD_LIFETIME)
    # Pushed, and ended before a release was composed of it: kept for a retry, as long as releases are.
    pushed = Q(deploys__isnull=False, touched_at__lt=now - timedelta(days=settings.LASTGOOD_RETENTION_DAYS))
    for bundle in _unneeded(Bundle.objects.filter(composed | pushed)).distinct().iterator():
        with transaction.atomic():
            current = Bundle.objects.select_for_update().filter(pk=bundle.pk, touched_at=bundle.touched_at)
            if not _unneeded(Bundle.objects.filter(pk=bundle.pk)).exists() or not current.exists():
                continue
            BundleFile.objects.filter(bundle=bundle).delete()
            Bundle.objects.filter(pk=bundle.pk).update(purged_at=now, completed_at=None)
            purged += 1
    return purged


def size_of_unneeded(release_ids: Iterable[int]) -> int:
    """Answer the bytes of files that nothing would name if these releases were purged."""
    gone = set(release_ids)
    kept = ReleaseBundle.objects.filter(release__purged_at=None).exclude(release__in=gone)
    going = _not_waited_for(Bundle.objects.filter(purged_at=None, mounts__release__in=gone)).exclude(
        Exists(kept.filter(bundle=OuterRef("pk")))
    )
    elsewhere = BundleFile.objects.filter(blob=OuterRef("pk")).exclude(bundle__in=going.values("pk"))
    blobs = Blob.objects.filter(Exists(BundleFile.objects.filter(blob=OuterRef("pk"), bundle__in=going.values("pk"))))
    return int(blobs.exclude(Exists(elsewhere)).aggregate(size=Sum("size"))["size"] or 0)


def _unneeded(bundles: QuerySet[Bundle]) -> QuerySet[Bundle]:
    kept = ReleaseBundle.objects.filter(bundle=OuterRef("pk"), release__purged_at=None)
    return _not_waited_for(bundles.filter(purged_at=None)).exclude(Exists(kept))


def _not_waited_for(bundles: QuerySet[Bundle]) -> QuerySet[Bundle]:
    waiting = Deploy.bundles.through.objects.filter(bundle=OuterRef("pk"), deploy__status__in=UNFINISHED)
    return bundles.exclude(Exists(waiting))


def _forget_uploads(*, before: datetime) -> int:
    forgotten = 0
    for bundle_id in list(Bundle.objects.forgettable(before=before).values_list("pk", flat=True)):
        with transaction.atomic():
            # A deploy that takes it up locks this row, touches it, and names it.
            if Bundle.objects.select_for_update().filter(pk=bundle_id, touched_at__lt=before).exists():
                forgotten += Bundle.objects.forgettable(before=before).filter(pk=bundle_id).delete()[0] and 1
    return forgotten


def _unnamed() -> QuerySet[Blob]:
    return Blob.objects.exclude(Exists(BundleFile.objects.filter(blob=OuterRef("pk"))))


def _mark(now: datetime) -> None:
    _unnamed().filter(marked_at=None).update(marked_at=now)
    Blob.objects.filter(Q(marked_at__isnull=False), Exists(BundleFile.objects.filter(blob=OuterRef("pk")))).update(
        marked_at=None
    )


def _delete_bytes(blob: Blob) -> None:
    if not blob.storage_key:
        return
    try:
        blob_storage().delete(blob.storage_key)
    except OSError:
        logger.warning("The bytes of blob %s could not be deleted: object %s.", blob, blob.storage_key, exc_info=True)
