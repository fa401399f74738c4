"""Looking into the files of a release. Never run, imported, or shown as what they claim to be."""

from typing import Any, BinaryIO

from deployments.bundles.store import BlobGone, BlobOpener
from deployments.models import Bundle, Deploy
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Refusal


def bundle_at(deploy: Deploy, mount: str) -> Bundle:
    """Answer the bundle that the deploy's release has at the mount. Raises Absent, Refusal `artifact_gone`."""
    mounted = deploy.release.mounts.filter(mount=mount).select_related("bundle").first() if deploy.release else None
    if mounted is None:
        raise Absent(NOT_FOUND_DETAIL)
    if mounted.bundle.purged_at:
        raise Refusal(f"The files of {mount} of #{deploy.number} were purged.", code="artifact_gone")
    return mounted.bundle


def tree_of(bundle: Bundle) -> list[dict[str, Any]]:
    """Answer the bundle's lines by path: {path, mode, sha256, size}."""
    lines = bundle.files.order_by("path").values_list("path", "executable", "blob__sha256", "size")
    return [
        {"path": path, "mode": "0755" if executable else "0644", "sha256": sha256, "size": size}
        for path, executable, sha256, size in lines
    ]


def open_file(bundle: Bundle, path: str) -> BinaryIO | None:
    """Open one file of the bundle, None when it has no such path. Raises Refusal `artifact_damaged`."""
    if "\0" in path:
        return None
    sha256 = bundle.files.filter(path=path).values_list("blob__sha256", flat=True).first()
    if sha256 is None:
        return None
    try:
        return BlobOpener([sha256])(sha256)
    except BlobGone as gone:
        raise Refusal(f"The stored bytes of {path} are gone: upload them again.", code="artifact_damaged") from gone
