"""What can be rolled back to, and which of it is the last known good. The glossary's words, as queries."""

from dataclasses import dataclass

from django.db.models import QuerySet

from deployments.blaming import on_its_way
from deployments.models import CodeLocation, Deploy, Release
from deployments.states import DeployKind, DeployStatus


@dataclass(frozen=True)
class Obstacle:
    """Why a deploy cannot be rolled back to: a stable code and a sentence."""

    code: str
    detail: str


def obstacle_to_restoring(deploy: Deploy) -> Obstacle | None:
    """Say what stands in the way of a rollback to this deploy; None: nothing.

    Costs no query when release, mounts and bundles are prefetched (`DeployQuerySet.with_places`).
    """
    release = deploy.release
    if deploy.status in {DeployStatus.HELD, DeployStatus.QUEUED} or release is None:
        return Obstacle("never_placed", f"#{deploy.number} was never put in place, so there is nothing to go back to.")
    if deploy.status == DeployStatus.RUNNING:
        return Obstacle("busy", f"#{deploy.number} is being deployed right now.")
    if obstacle := _nothing_to_place(deploy, release):
        return obstacle
    if deploy.activated_at is None and deploy.kind != DeployKind.OBSERVED:
        return Obstacle("never_placed", f"#{deploy.number} was never put in place, so there is nothing to go back to.")
    if release.purged_at:
        return Obstacle("artifact_gone", f"The files of #{deploy.number} were purged: {release.purged_because}")
    for mount in release.mounts.all():
        if mount.bundle.purged_at:
            return Obstacle("artifact_gone", f"The files of {mount.mount} of #{deploy.number} were purged.")
        if mount.bundle.damaged_at:
            return Obstacle(
                "artifact_damaged",
                f"Stored files of {mount.mount} of #{deploy.number} are damaged: upload bundle {mount.bundle.version} again.",
            )
    return None


def _nothing_to_place(deploy: Deploy, release: Release) -> Obstacle | None:
    """Say what is missing of an act that was not ours, or of an image that a registry had."""
    if deploy.code_location.deployment.puts_images:
        if not release.image:
            return Obstacle(
                "not_kept", f"Nobody said which image #{deploy.number} runs, so there is none to go back to."
            )
        if release.image_gone_at:
            return Obstacle("image_gone", f"The registry does not have {release.image} of #{deploy.number} any more.")
        return None
    if release.provisional and not release.mounts.all():
        return Obstacle(
            "not_kept",
            f"#{deploy.number} was loaded by somebody else, and its files were never sent to Lastgood: roll back to another "
            "deploy, or deploy it from your repository.",
        )
    return None


def last_known_good(location: CodeLocation) -> Deploy | None:
    """Answer the newest deploy, in order of going live and the live one included, that is known to work and is not in place.

    It succeeded; the platform verified it, or there was none to ask then; its release is not the one in place, is not
    blamed, and is complete in the store. Rolling back twice therefore never ping-pongs: each rollback blames what it left.
    """
    return known_good(location).first()


def known_good(location: CodeLocation) -> QuerySet[Deploy]:
    """Answer all of which `last_known_good` is the newest, newest first, each with its release."""
    candidates = location.deploys.went_live().trusted().placeable().not_blamed().filter(release__purged_at=None)
    # While a push is on its way, that is what a rollback leaves: what is still in place may be the good one.
    coming = on_its_way(location) if location.wanted_deploy_id != location.placed_deploy_id else None
    in_place = coming or location.served_deploy
    if in_place is not None and in_place.release_id is not None:
        candidates = candidates.exclude(release_id=in_place.release_id)
    candidates = candidates.exclude(release__mounts__bundle__purged_at__isnull=False).exclude(
        release__mounts__bundle__damaged_at__isnull=False
    )
    return candidates.select_related("release")
