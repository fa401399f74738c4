"""Putting a release in place: rows become a plan, the target's driver carries it out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from deployments import callbacks, configuration, drivers, events
from deployments.bundles import store
from deployments.execution.claiming import Claim
from deployments.execution.sharing import next_edit
from deployments.models import CodeLocation, Deploy, Release
from deployments.targets.base import InPlace, Ordered, PlannedFile, PlannedRelease, Target, TargetRefused
from deployments.targets.images import pinned
from deployments.targets.workspace import WorkspaceTarget
from portal.common.secret_field import Unreadable

# Of several that edit one file at once, each is refused at most once by each of the others.
MOST_EDITS = 10


def put_in_place(held: Claim, deploy: Deploy, *, clock: Callable[[], datetime]) -> InPlace | Ordered:
    """Make the target hold this deploy's release, or have it ordered. Raises the target's two exceptions.

    A target that holds this very deploy already is left as it is: a worker may have died right after its swap.
    """
    assert deploy.release is not None  # a running deploy has one: the database says so

    def say(message: str) -> None:
        held.renew()
        events.record(deploy, message, at=clock(), step=deploy.step)

    plan = planned(deploy, deploy.release, fence=held.fence, now=clock())
    target = drivers.target_for(deploy.code_location)
    if not isinstance(target, WorkspaceTarget):
        return activate(target, plan, say=say, clock=clock)

    put = activate_shared(deploy.code_location, target, plan, say=say, clock=clock)
    # Counted after the file has changed: a reload that began knowing this number has read it.
    deploy.seen_before = {**(deploy.seen_before or {}), "edit": next_edit(deploy.code_location)}
    held.write(seen_before=deploy.seen_before)
    return put


def activate(
    target: Target, plan: PlannedRelease, *, say: Callable[[str], None], clock: Callable[[], datetime]
) -> InPlace | Ordered:
    """Have the target put the plan in place, and remember damage that it finds. Raises the target's two exceptions."""
    try:
        return target.activate(plan, progress=say)
    except store.BlobGone as gone:
        store.mark_damaged(gone.sha256, now=clock())
        raise TargetRefused("damaged_blob", f"{gone} Nothing was placed. Upload that file again.") from gone
    except TargetRefused as refused:
        if refused.sha256:
            store.mark_damaged(refused.sha256, now=clock())
        raise


def activate_shared(
    location: CodeLocation,
    target: WorkspaceTarget,
    plan: PlannedRelease,
    *,
    say: Callable[[str], None],
    clock: Callable[[], datetime],
) -> InPlace | Ordered:
    """Do the same where a file is shared: an edit that another location's overtook is tried again with a new number."""
    for _ in range(MOST_EDITS):
        edit = next_edit(location, above=target.shared_fence())
        try:
            return activate(target, replace(plan, shared_fence=edit), say=say, clock=clock)
        except TargetRefused as refused:
            # Whether it was our own fence or the file's, only the one who knows ours can say.
            if refused.code != "stale_fence" or target.read().fence > plan.fence:
                raise
    raise TargetRefused("workspace_busy", f"Others changed the workspace file {MOST_EDITS} times meanwhile: retry.")


def planned(deploy: Deploy, release: Release, *, fence: int, now: datetime) -> PlannedRelease:
    """Answer what the target's driver is to put in place."""
    puts = drivers.puts_of(deploy.code_location)
    files = list(_files_of(release)) if "bundles" in puts else []
    return PlannedRelease(
        number=deploy.number,
        digest=release.digest,
        fence=fence,
        placed_at=now,
        files=files,
        open_blob=store.BlobOpener(file.sha256 for file in files),
        order=_order(deploy, release) if deploy.code_location.deployment.puts_images else {},
        private=_private(deploy, release) if "settings" in puts else {},
    )


def _private(deploy: Deploy, release: Release) -> dict[str, bytes]:
    """Answer settings.json and the file of variables. Raises TargetRefused `settings_unreadable`."""
    told_of = deploy.code_location.deployment.runs_command
    if not (told_of or release.settings or release.image or release.runtime_version):
        return {}
    try:
        opened = configuration.opened(release.settings)
    except Unreadable as gone:
        raise TargetRefused(
            "settings_unreadable",
            f"Secrets of #{deploy.number} were encrypted under a key that is not in LASTGOOD_ENCRYPTION_KEYS any more: put the "
            "key back, or push the secrets again.",
        ) from gone
    told = {
        "deploy": deploy.number,
        "release": release.digest,
        "image": _image_of(release),
        "runtime_version": release.runtime_version,
        "settings": opened,
    }
    return {
        "settings.json": json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n",
        "env": configuration.env_file(opened.get("env", {})),
    }


def _image_of(release: Release) -> str:
    return pinned(release.image, release.image_digest) if release.image_digest else release.image


def _order(deploy: Deploy, release: Release) -> dict[str, object]:
    return {
        "place": str(deploy.code_location),
        "kind": deploy.kind,
        "image": _image_of(release),
        "image_digest": release.image_digest,
        "runtime_version": release.runtime_version,
        "bundles": {mounted.mount: mounted.bundle.digest for mounted in release.mounts.all()},
        "callback_url": callbacks.address_of(deploy),
    }


def _files_of(release: Release) -> Iterator[PlannedFile]:
    for mounted in release.mounts.all():
        lines = mounted.bundle.files.values_list("path", "executable", "blob__sha256", "size")
        for path, executable, sha256, size in lines.order_by("path"):
            mode = 0o555 if executable else 0o444
            yield PlannedFile(path=f"{mounted.mount}/{path}", mode=mode, sha256=sha256, size=size)
