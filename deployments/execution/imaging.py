"""Pinning the image of a release: a tag moves, a digest does not. And saying when a registry has it no more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from deployments import blaming, composition, drivers, events
from deployments.execution.claiming import Claim
from deployments.locking import lock
from deployments.models import Deploy, Release
from deployments.states import DeployStep, EventLevel
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.images import parse
from portal.common.problems import Refusal

Clock = Callable[[], datetime]


def pin_image(held: Claim, deploy: Deploy, *, clock: Clock) -> None:
    """Make the deploy's release name its image by digest, and go on to the next step.

    Raises TargetRefused `image_unknown`, `image_gone`, `blocked` …, TargetUnreachable, LostClaimError.
    """
    release = deploy.release
    assert release is not None
    with transaction.atomic():
        lock(held.location_id)
        held.renew()
        _follow_to_where_it_is(deploy, release)
    host = parse(release.image).api_hostname
    if not drivers.registry_allowed(host):
        say = (
            f"The image is known by its tag alone, which may move: the portal may not ask {host}. "
            "An operator lists registries in LASTGOOD_REGISTRY_HOSTS."
        )
        _go_on(held, deploy, say, clock, EventLevel.WARNING)
    elif release.image_digest:
        _go_on(held, deploy, *_looked_for(release, clock))
    elif deploy.is_rollback:
        say = (
            f"Nobody wrote the digest of {release.image} down then: its tag alone is ordered, and may have moved since."
        )
        _go_on(held, deploy, say, clock, EventLevel.WARNING)
    else:
        digest = drivers.registry_for(deploy.code_location).resolve(release.image)
        _pin(held, deploy, release, digest, clock)


def look_for(release: Release, *, clock: Clock) -> bool:
    """Ask the registry whether it still has the release's image, and remember the answer. Raises the target's exceptions."""
    there = drivers.registry_for(release.code_location).exists(release.image, release.image_digest)
    gone_at = None if there else release.image_gone_at or clock()
    Release.objects.filter(pk=release.pk).update(image_checked_at=clock(), image_gone_at=gone_at)
    return there


def _looked_for(release: Release, clock: Clock) -> tuple[str, Clock, EventLevel]:
    try:
        there = look_for(release, clock=clock)
    except (TargetUnreachable, TargetRefused) as silent:
        # In an incident the registry may be down too, or know us no more, and the host may have the image already.
        return f"Not asked whether the image is still there: {silent}", clock, EventLevel.WARNING
    if not there:
        raise TargetRefused(
            "image_gone",
            f"The registry does not have {release.image} ({release.image_digest[:19]}…) any more: push the image again, or "
            "roll back to another deploy.",
        )
    return f"The registry has {release.image_digest[:19]}….", clock, EventLevel.INFO


def _pin(held: Claim, deploy: Deploy, release: Release, digest: str, clock: Clock) -> None:
    pinned = replace(composition.composition_of(release), image_digest=digest)
    with transaction.atomic():
        location = lock(held.location_id)
        try:
            # Whatever tag it comes back with: now its content is known.
            blaming.refuse_blamed(location, pinned.code_digest)
        except Refusal as refused:
            raise TargetRefused(refused.code, refused.detail) from refused
        known = composition.release_of(location, pinned)
        _follow(known, release.image)
        Release.objects.filter(pk=known.pk).update(image_checked_at=clock(), image_gone_at=None)
        held.write(release=known)
        _forget(release, known)
        _go_on(held, deploy, f"Pinned {release.image} to {digest}.", clock, EventLevel.INFO)


def _follow_to_where_it_is(deploy: Deploy, release: Release) -> None:
    """Take the image from the repository that this push names: the same content may have been in another one before."""
    pushed = composition.parts_by_name(deploy).get("image")
    if pushed and pushed["value"]:
        _follow(release, pushed["value"])


def _follow(release: Release, image: str) -> None:
    there, here = parse(release.image), parse(image)
    if (there.host, there.repository) != (here.host, here.repository):
        release.image, release.image_gone_at = image, None
        release.save(update_fields=["image", "image_gone_at"])


def _forget(unpinned: Release, pinned: Release) -> None:
    """Remove the release that stood in for this one until its digest was known, unless something else names it."""
    if unpinned.pk != pinned.pk and not unpinned.deploys.exists():
        unpinned.delete()


def _go_on(held: Claim, deploy: Deploy, message: str, clock: Clock, level: EventLevel) -> None:
    held.write(step=DeployStep.ACTIVATE, step_started_at=clock(), attempts=0)
    events.record_step(deploy, "PIN", message, at=clock(), level=level)
