"""Pinning a release: retention keeps it, whatever its age, until somebody unpins it."""

from datetime import datetime

from django.contrib.auth.models import User

from deployments.access import Right, require
from deployments.models import Release
from portal.common.problems import Refusal


class PinRefused(Refusal):
    """A pin or an unpin that makes no sense now: its code says why."""


def pin(*, release: Release, actor: User, now: datetime) -> Release:
    """Have retention keep the release. Raises NotAllowed, PinRefused `artifact_gone` or `pinned`."""
    require(actor, Right.CONFIGURE, release.code_location.deployment)
    # The same row that retention's conditional update looks at: of a purge and a pin that race, one loses cleanly.
    free = Release.objects.filter(pk=release.pk, purged_at=None, pinned_at=None)
    if not free.update(pinned_at=now, pinned_by_name=actor.get_username()):
        release.refresh_from_db()
        if release.purged_at:
            raise PinRefused(f"The files of {release} were purged: there is nothing to keep.", code="artifact_gone")
        raise PinRefused(f"{release} is pinned already, by {release.pinned_by_name}.", code="pinned")
    release.refresh_from_db()
    return release


def unpin(*, release: Release, actor: User, now: datetime) -> Release:
    """Let retention decide on the release again, as of `now`. Raises NotAllowed, PinRefused `not_pinned`."""
    require(actor, Right.CONFIGURE, release.code_location.deployment)
    pinned = Release.objects.filter(pk=release.pk, pinned_at__lte=now)
    if not pinned.update(pinned_at=None, pinned_by_name=""):
        raise PinRefused(f"{release} is not pinned.", code="not_pinned")
    release.refresh_from_db()
    return release
