"""What lies in the store's folder, and uploads that do not go well."""

import errno
import hashlib
import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.utils import timezone

from deployments import operations
from deployments.bundles.local import DurableFileStorage
from deployments.models import Blob, Organization
from tests.factories import manifest_of, superuser


class FullDisk(DurableFileStorage):
    """A store whose disk takes no byte more."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        raise OSError(errno.ENOSPC, "No space left on device")


def use_full_disk(settings: Any) -> None:
    """Have the store's disk be full from now on."""
    entry = settings.STORAGES["blobs"] | {"BACKEND": "tests.store.bytes.FullDisk"}
    settings.STORAGES = settings.STORAGES | {"blobs": entry}


def objects() -> list[Path]:
    """Answer the store's files, unfinished ones included."""
    folder = Path(settings.STORAGES["blobs"]["OPTIONS"]["location"])
    return sorted(path for path in folder.rglob("*") if path.is_file())


def spooled() -> list[Path]:
    """Answer what uploads left in their waiting room."""
    return sorted((Path(settings.DATA_DIR) / "spool").glob("*"))


def sha256_of(content: bytes) -> str:
    """Answer the name of these bytes."""
    return hashlib.sha256(content).hexdigest()


def register(organization: Organization, files: dict[str, bytes] | list[dict[str, Any]], **said: Any) -> Any:
    """Post the manifest of a tree, or a manifest as it is."""
    lines = manifest_of(files) if isinstance(files, dict) else files
    said = {"actor": superuser(), "now": timezone.now()} | said
    return operations.register_bundle(organization=organization, files=lines, **said)


def send(organization: Organization, content: bytes, *, sha256: str = "", **said: Any) -> None:
    """Upload bytes under their own name, or another."""
    said = {"actor": superuser(), "now": timezone.now(), "stream": io.BytesIO(content)} | said
    operations.upload_blob(organization=organization, sha256=sha256 or sha256_of(content), **said)


def damage(content: bytes) -> None:
    """Flip the first bit of the stored bytes."""
    stored = (
        Path(settings.STORAGES["blobs"]["OPTIONS"]["location"])
        / Blob.objects.get(sha256=sha256_of(content)).storage_key
    )
    stored.chmod(0o600)
    stored.write_bytes(bytes([content[0] ^ 1]) + content[1:])
