"""Looking into the files of a release. Never run, imported, or shown as what they claim to be.

Paths are data: a file is found by its exact line in the manifest, and no name of a user ever reaches a file system.
"""

import hashlib
from typing import Any, BinaryIO

from django.db.models import QuerySet

from deployments.bundles.store import CHUNK, BlobGone, BlobOpener
from deployments.models import Bundle, BundleFile, Deploy
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Refusal


def mounts_of(deploy: Deploy) -> dict[str, Bundle]:
    """Answer the deploy's bundles by mount: of its release; before there is one, those that were pushed."""
    if deploy.release is not None:
        return {mounted.mount: mounted.bundle for mounted in deploy.release.mounts.all()}
    pushed = {mount: digest for mount, digest in (deploy.parts.get("bundles") or {}).items() if digest}
    known = {bundle.digest: bundle for bundle in deploy.bundles.all()} if pushed else {}
    return {mount: known[digest] for mount, digest in pushed.items() if digest in known}


def bundle_at(deploy: Deploy, mount: str) -> Bundle:
    """Answer the bundle that the deploy has at the mount. Raises Absent, Refusal `artifact_gone`."""
    bundle = mounts_of(deploy).get(mount)
    if bundle is None:
        raise Absent(NOT_FOUND_DETAIL)
    if words := purged_words(deploy, mount, bundle):
        raise Refusal(words, code="artifact_gone")
    return bundle


def purged_words(deploy: Deploy, mount: str, bundle: Bundle) -> str:
    """Say when the files were purged, and by which rule; nothing while they are here."""
    release = deploy.release
    if release is not None and release.purged_at:
        why = f": {release.purged_because}" if release.purged_because else "."
        return f"The files of #{deploy.number} were purged on {release.purged_at:%Y-%m-%d}{why}"
    if bundle.purged_at:
        return f"The files of {mount} of #{deploy.number} were purged on {bundle.purged_at:%Y-%m-%d}."
    return ""


def lines_of(bundle: Bundle) -> QuerySet[BundleFile]:
    """Answer the bundle's manifest, with the name of each file's bytes."""
    return bundle.files.select_related("blob")


def as_line(line: BundleFile) -> dict[str, Any]:
    """Answer a line as the API tells it: {path, mode, sha256, size}."""
    mode = "0755" if line.executable else "0644"
    return {"path": line.path, "mode": mode, "sha256": line.blob.sha256, "size": line.size}


def line_at(bundle: Bundle, path: str) -> BundleFile | None:
    """Answer the line of this very path, or None."""
    # PostgreSQL cannot even be asked for a NUL.
    return None if "\0" in path else lines_of(bundle).filter(path=path).first()


def open_line(line: BundleFile) -> BinaryIO:
    """Open the stored bytes of a file, once all of them were seen to be right. Raises Refusal `artifact_damaged`."""
    stream = _stored(line)
    seen = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        seen.update(chunk)
    if seen.hexdigest() != line.blob.sha256:
        stream.close()
        raise _damaged(line)
    stream.seek(0)
    return stream


def read_line(line: BundleFile, *, most: int) -> bytes | None:
    """Answer the bytes of a file, seen to be right; None when they are more than `most`. Raises as `open_line` does."""
    if line.size > most:
        return None
    with _stored(line) as stream:
        content = stream.read(most + 1)
    if hashlib.sha256(content).hexdigest() != line.blob.sha256:
        raise _damaged(line)
    return content


def _stored(line: BundleFile) -> BinaryIO:
    sha256 = line.blob.sha256
    try:
        return BlobOpener([sha256])(sha256)
    except BlobGone as gone:
        raise Refusal(
            f"The stored bytes of {line.path} are gone: upload them again.", code="artifact_damaged"
        ) from gone


def _damaged(line: BundleFile) -> Refusal:
    return Refusal(
        f"The stored bytes of {line.path} are damaged: they do not hash to {line.blob.sha256[:12]}… any more, so they are "
        "not shown. Upload that file again, and ask your operator to run “manage.py fsck”.",
        code="artifact_damaged",
    )
