"""Taking files in, from those who may deploy somewhere in the organization."""

from datetime import datetime
from typing import IO, Any

from django.contrib.auth.models import User

from deployments.access import Right
from deployments.bundles import store
from deployments.bundles.manifest import read_manifest
from deployments.models import Deployment, Organization
from portal.common.problems import NotAllowed


def register_bundle(*, organization: Organization, files: Any, actor: User, now: datetime) -> store.Registered:
    """Take a manifest, and answer what is to be uploaded. Raises NotAllowed, Invalid, TooLarge."""
    _require_deploying(actor, organization)
    return store.register(organization=organization, files=read_manifest(files), now=now)


def upload_blob(*, organization: Organization, sha256: str, stream: IO[bytes], actor: User, now: datetime) -> None:
    """Take the bytes of a blob. Raises NotAllowed, Absent, Invalid, TooLarge, StoreFull."""
    _require_deploying(actor, organization)
    store.upload(organization=organization, sha256=sha256, stream=stream, now=now)


def _require_deploying(actor: User, organization: Organization) -> None:
    if Organization.objects.allowing(actor, Right.DEPLOY).filter(pk=organization.pk).exists():
        return
    if not Deployment.objects.allowing(actor, Right.DEPLOY).filter(organization=organization).exists():
        raise NotAllowed(
            f"You may not deploy anywhere in {organization}: ask one of its administrators for a role that can."
        )
