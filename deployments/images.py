"""Which images of history are still there: asked now and then, so that a row says so before somebody needs it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F

from deployments.drivers import registry_allowed
from deployments.execution.imaging import look_for
from deployments.models import Release
from deployments.states import TargetKind
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.images import parse

logger = logging.getLogger(__name__)
CHECKED_EVERY = timedelta(hours=24)
AT_ONCE = 200
# Registries may be slow: what is left comes first an hour later.
LONGEST = timedelta(minutes=10)


def check_images(*, clock: Callable[[], datetime]) -> int:
    """Ask about the images that nobody asked about for a day, the longest unasked first. Answers how many are gone."""
    among = Release.objects.filter(purged_at=None, code_location__deployment__target=TargetKind.WEBHOOK).exclude(
        image_digest=""
    )
    due = among.exclude(image_checked_at__gt=clock() - CHECKED_EVERY).select_related(
        "code_location__deployment__organization"
    )
    gone, ends_at = 0, clock() + LONGEST
    silent_hosts: set[str] = set()
    for release in due.order_by(F("image_checked_at").asc(nulls_first=True), "pk")[:AT_ONCE]:
        if clock() > ends_at:
            break
        try:
            host = parse(release.image).api_hostname
            if host in silent_hosts:
                continue
            if registry_allowed(host):
                gone += not look_for(release, clock=clock)
                continue
        except (TargetRefused, TargetUnreachable) as silent:
            if isinstance(silent, TargetUnreachable):
                silent_hosts.add(host)
            logger.warning("Image %s of %s could not be looked for: %s", release.image, release.code_location, silent)
        # The others come first the next time.
        Release.objects.filter(pk=release.pk).update(image_checked_at=clock())
    return gone
