"""The webhook of a Git source: its address, its secret, and how long its deliveries are remembered."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings

from deployments.models import GitSource, HookDelivery

REMEMBERED = timedelta(days=30)


def address_of(source: GitSource) -> str:
    """Answer the address that pushes are posted to. Nobody guesses it; the secret is checked all the same."""
    return f"{settings.SITE_URL.rstrip('/')}/api/v1/git-hooks/{source.hook}/"


def new_secret() -> str:
    """Answer what GitHub signs with, and GitLab sends."""
    return secrets.token_urlsafe(32)


def forget_old_deliveries(*, now: datetime) -> int:
    """Forget deliveries that nobody repeats any more, and answer how many those were."""
    return HookDelivery.objects.filter(taken_at__lt=now - REMEMBERED).delete()[0]
