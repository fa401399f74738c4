"""Putting a release in place: rows become a plan, the target's driver carries it out."""

from collections.abc import Callable, Iterator
from datetime import datetime

from deployments import drivers, events
from deployments.bundles import store
from deployments.execution.claiming import Claim
from deployments.models import Deploy, Release
from deployments.targets.base import PlannedFile, PlannedRelease, Target, TargetRefused


def put_in_place(held: Claim, deploy: Deploy, *, clock: Callable[[], datetime]) -> str:
    """Make the target hold this deploy's release, and answer the name it has there. Raises the target's two exceptions.

    A target that holds this very deploy already is left as it is: a worker may have died right after its swap.
    """
    assert deploy.release is not None  # a running deploy has one: the database says so

    def say(message: str) -> None:
        held.renew()
        events.record(deploy, message, at=clock(), step=deploy.step)

    plan = planned(deploy, deploy.release, fence=held.fence, now=clock())
    return activate(drivers.target_for(deploy.code_location), plan, say=say, clock=clock)


def activate(target: Target, plan: PlannedRelease, *, say: Callable[[str], None], clock: Callable[[], datetime]) -> str:
    """Have the target put the plan in place, and remember damage that it finds. Raises the target's two exceptions."""
    try:
        return target.activate(plan, progress=say).name
    except store.BlobGone as gone:
        store.mark_damaged(gone.sha256, now=clock())
        raise TargetRefused("damaged_blob", f"{gone} Nothing was placed. Upload that file again.") from gone
    except TargetRefused as refused:
        if refused.sha256:
            store.mark_damaged(refused.sha256, now=clock())
        raise


def planned(deploy: Deploy, release: Release, *, fence: int, now: datetime) -> PlannedRelease:
    """Answer what the target's driver is to put in place."""
    files = list(_files_of(release))
    return PlannedRelease(
        number=deploy.number,
        digest=release.digest,
        fence=fence,
        placed_at=now,
        files=files,
        open_blob=store.BlobOpener(file.sha256 for file in files),
    )


def _files_of(release: Release) -> Iterator[PlannedFile]:
    for mounted in release.mounts.all():
        lines = mounted.bundle.files.values_list("path", "executable", "blob__sha256", "size")
        for path, executable, sha256, size in lines.order_by("path"):
            mode = 0o555 if executable else 0o444
            yield PlannedFile(path=f"{mounted.mount}/{path}", mode=mode, sha256=sha256, size=size)
