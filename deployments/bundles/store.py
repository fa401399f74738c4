"""Taking files in: manifest, what is missing, upload, complete. And giving their bytes out again."""

import contextlib
import errno
import hashlib
import logging
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, BinaryIO, TypeVar, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, Sum

from deployments.bundles.manifest import ManifestFile, digest_of_manifest
from deployments.models import Blob, BlobPossession, Bundle, BundleFile, Organization
from portal.common.problems import Absent, Invalid, Refusal, TooLarge

logger = logging.getLogger(__name__)
CHUNK = 1024 * 1024
# Parameters of one statement are limited on SQLite.
BATCH = 500
Value = TypeVar("Value", int, str)


class StoreFull(Refusal):
    """The portal's own disk is full."""

    status = 507  # type: ignore[assignment]  # DRF takes any number
    code = "store_full"


class BlobGone(Exception):
    """The bytes of a sha256 are not where they were stored."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The stored bytes of sha256 {sha256} are gone.")
        self.sha256 = sha256


@dataclass(frozen=True)
class Registered:
    """A bundle, and the sha256s that its organization has still to upload."""

    bundle: Bundle
    missing: list[str]


def blob_storage() -> Storage:
    """Answer where blobs are kept: local files, or S3."""
    return storages["blobs"]


@transaction.atomic
def register(*, organization: Organization, files: list[ManifestFile], now: datetime) -> Registered:
    """Write the bundle and its references, and answer what is missing. Raises Invalid, TooLarge.

    References and answer share one transaction: what is not reported missing is named from here on, so no
    collection can sweep it before the deploy exists. "Missing" is all that this organization has not itself uploaded,
    whether or not somebody else has.
    """
    digest = digest_of_manifest(files)
    # Manifests of one organization come one after another: its quota counts what the others have announced.
    Organization.objects.select_for_update().filter(pk=organization.pk).values_list("pk").get()
    blobs = _name_blobs({file.sha256 for file in files})
    missing = _missing_of(organization, files, blobs)
    bundle, created = Bundle.objects.get_or_create(
        organization=organization,
        digest=digest,
        defaults={"file_count": len(files), "size": sum(file.size for file in files), "touched_at": now},
    )
    if not created:
        bundle = Bundle.objects.select_for_update().get(pk=bundle.pk)
    if created or bundle.purged_at:
        lines = (
            BundleFile(
                bundle=bundle,
                path=file.path,
                executable=file.mode == 0o755,
                size=file.size,
                blob=blobs[file.sha256],
            )
            for file in files
        )
        BundleFile.objects.bulk_create(lines, batch_size=BATCH)
    bundle.touched_at, bundle.purged_at = now, None
    bundle.completed_at = None if missing else (bundle.completed_at or now)
    if not missing:
        bundle.damaged_at = None
    bundle.save(update_fields=["touched_at", "purged_at", "completed_at", "damaged_at"])
    if missing:
        _refuse_over_quota(organization)
    return Registered(bundle=bundle, missing=missing)


def upload(*, organization: Organization, sha256: str, stream: IO[bytes], now: datetime) -> None:
    """Take the bytes of a blob that a manifest of this organization names. Raises Absent, Invalid, TooLarge, StoreFull.

    Bytes that we have already are hashed all the same, dropped, and possessed: neither the answer nor its time tells
    whether somebody else has them.
    """
    named = BundleFile.objects.filter(bundle__organization=organization, blob__sha256=sha256)
    # More than one only if a manifest was wrong: that one must not keep the right bytes out.
    sizes = set(named.values_list("size", flat=True).distinct())
    blob = Blob.objects.filter(sha256=sha256).first()
    if blob is None or not sizes:
        raise _unexpected()
    try:
        with tempfile.TemporaryFile(dir=_spool_folder()) as spool:
            size = _receive(stream, into=cast("BinaryIO", spool), sha256=sha256, sizes=sizes)
            _keep(blob, spool=cast("BinaryIO", spool), size=size, now=now)
    except OSError as broken:
        if broken.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFull(
                "The portal's disk is full: nothing was stored. Free space, or purge old releases."
            ) from broken
        raise
    with transaction.atomic():
        # While the bytes came, the upload may have been forgotten and its blob swept.
        if not Blob.objects.select_for_update().filter(pk=blob.pk).exists():
            raise _unexpected()
        BlobPossession.objects.get_or_create(organization=organization, blob=blob)
    if blob.damaged_at:
        # Whoever else names these bytes has them back too.
        for bundle in Bundle.objects.filter(files__blob=blob, damaged_at__isnull=False).distinct():
            complete(bundle, now=now)


def _unexpected() -> Absent:
    return Absent(
        "No manifest of this organization names this sha256: post the manifest first.", code="blob_not_expected"
    )


def complete(bundle: Bundle, *, now: datetime) -> bool:
    """Say whether every byte of the bundle is here and possessed by its organization, and remember a yes."""
    if bundle.completed_at and not bundle.damaged_at and not bundle.purged_at:
        return True
    if bundle.purged_at:
        return False
    possessed = BlobPossession.objects.filter(organization_id=bundle.organization_id, blob_id=OuterRef("blob_id"))
    absent = ~Exists(possessed) | Q(blob__storage_key="") | Q(blob__damaged_at__isnull=False)
    # A line that told a wrong size before the bytes came is never put in place: it would pass for damage.
    if bundle.files.filter(absent | ~Q(size=F("blob__size"))).exists():
        return False
    bundle.completed_at, bundle.damaged_at = bundle.completed_at or now, None
    bundle.save(update_fields=["completed_at", "damaged_at"])
    return True


class BlobOpener:
    """Opens blobs of a known set without a query each. Whoever reads hashes what it reads."""

    def __init__(self, sha256s: Iterable[str]) -> None:
        self._keys: dict[str, str] = {}
        for batch in _batches(sha256s):
            found = Blob.objects.filter(sha256__in=batch).exclude(storage_key="")
            self._keys.update(found.values_list("sha256", "storage_key"))
        self._storage = blob_storage()

    def __call__(self, sha256: str) -> BinaryIO:
        """Open the stored bytes. Raises BlobGone."""
        try:
            return cast("BinaryIO", self._storage.open(self._keys[sha256]))
        except (KeyError, FileNotFoundError) as gone:
            raise BlobGone(sha256) from gone


def mark_damaged(sha256: str, *, now: datetime) -> None:
    """Remember that stored bytes do not hash to their name: bundles with them are not put in place until healed."""
    with transaction.atomic():
        Blob.objects.filter(sha256=sha256).update(damaged_at=now)
        Bundle.objects.filter(files__blob__sha256=sha256, purged_at=None).update(damaged_at=now)
    logger.error("Blob %s is damaged: upload the files that have it again.", sha256)


def _batches[Value: (int, str)](values: Iterable[Value]) -> Iterator[list[Value]]:
    ordered = sorted(set(values))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def _name_blobs(sha256s: set[str]) -> dict[str, Blob]:
    found: dict[str, Blob] = {}
    for batch in _batches(sha256s):
        # Named again: no collection that marked these may sweep them now. One statement, so that a sweep comes before it,
        # and the row is made anew, or after it; it locks the rows in one order for everybody.
        Blob.objects.bulk_create(
            [Blob(sha256=each) for each in batch],
            update_conflicts=True,
            unique_fields=["sha256"],
            update_fields=["marked_at"],
        )
        found.update({blob.sha256: blob for blob in Blob.objects.filter(sha256__in=batch)})
    return found


def _missing_of(organization: Organization, files: list[ManifestFile], blobs: dict[str, Blob]) -> list[str]:
    possessed: set[int] = set()
    for batch in _batches(blob.pk for blob in blobs.values()):
        held = BlobPossession.objects.filter(organization=organization, blob__in=batch)
        possessed.update(held.values_list("blob_id", flat=True))
    missing = set()
    for file in files:
        blob = blobs[file.sha256]
        if blob.pk not in possessed or not blob.storage_key or blob.damaged_at:
            missing.add(file.sha256)
        elif blob.size != file.size:
            raise Invalid(f"{file.path[:120]} does not have {file.size} bytes with this sha256.", code="bad_manifest")
    return sorted(missing)


def _refuse_over_quota(organization: Organization) -> None:
    """Refuse when what the organization possesses and has announced is more than its quota. Raises TooLarge."""
    possessed = BlobPossession.objects.filter(organization=organization)
    held = possessed.aggregate(size=Sum("blob__size"))["size"] or 0
    announced = (
        BundleFile.objects.filter(bundle__organization=organization, bundle__completed_at=None, bundle__purged_at=None)
        .exclude(Exists(possessed.filter(blob=OuterRef("blob"))))
        .values("blob")
        .annotate(largest=Max("size"))
        .aggregate(size=Sum("largest"))["size"]
        or 0
    )
    quota = organization.quota_bytes if organization.quota_bytes is not None else settings.LASTGOOD_QUOTA_BYTES
    if held + announced > quota:
        raise TooLarge(
            f"{organization} has {held} bytes and would have {held + announced}: its quota is {quota}. "
            "Purge old releases, or ask an operator for more.",
            code="over_quota",
        )


def _spool_folder() -> str:
    folder = settings.DATA_DIR / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _receive(stream: IO[bytes], *, into: BinaryIO, sha256: str, sizes: set[int]) -> int:
    seen, received, size = hashlib.sha256(), 0, max(sizes)
    while chunk := stream.read(CHUNK):
        received += len(chunk)
        if received > size:
            raise TooLarge(f"More bytes came than the {size} that the manifest says.", code="blob_mismatch")
        seen.update(chunk)
        into.write(chunk)
    if received not in sizes:
        raise Invalid(f"{received} bytes came, the manifest says {size}: send it again.", code="blob_mismatch")
    if seen.hexdigest() != sha256:
        raise Invalid(
            "The bytes do not hash to this sha256: the file changed while it was sent. Scan it again.",
            code="blob_mismatch",
        )
    into.seek(0)
    return received


def _keep(blob: Blob, *, spool: BinaryIO, size: int, now: datetime) -> None:
    """Store the bytes if nobody has. Compare-and-swap: of two uploads at once, the second's object is removed.

    What is here already is written and removed all the same: the time that it takes tells nobody who has what.
    """
    current = Blob.objects.filter(pk=blob.pk).first()
    if current is None:
        return
    replaced = current.storage_key if current.damaged_at else ""
    fresh = secrets.token_hex(20)
    key = blob_storage().save(f"{fresh[:2]}/{fresh[2:]}", File(spool))
    stored = Blob.objects.filter(pk=blob.pk, storage_key=replaced).update(
        storage_key=key, size=size, stored_at=now, damaged_at=None
    )
    unneeded = replaced if stored else key
    if unneeded:
        with contextlib.suppress(OSError):
            blob_storage().delete(unneeded)
