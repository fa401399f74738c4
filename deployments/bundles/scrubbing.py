"""Reading every stored byte again: what is damaged is found before somebody needs it."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from deployments.bundles.store import CHUNK, BlobGone, BlobOpener, mark_damaged
from deployments.models import Blob


def scrub(*, now: datetime) -> Iterator[tuple[Blob, str]]:
    """Read all blobs; yield each that is damaged, marked so, with what is wrong. Costs a read of the whole store."""
    for blob in Blob.objects.exclude(storage_key="").order_by("pk").iterator(chunk_size=500):
        if wrong := _wrong_with(blob):
            mark_damaged(blob.sha256, now=now)
            yield blob, wrong


def _wrong_with(blob: Blob) -> str:
    digest = hashlib.sha256()
    try:
        with BlobOpener([blob.sha256])(blob.sha256) as stored:
            while chunk := stored.read(CHUNK):
                digest.update(chunk)
    except BlobGone:
        return "its bytes are gone"
    except OSError as unreadable:
        return f"its bytes cannot be read: {unreadable.strerror or unreadable}"
    return "" if digest.hexdigest() == blob.sha256 else "its bytes have changed"
