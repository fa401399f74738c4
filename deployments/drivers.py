"""Which driver stands behind a deployment's target and platform. Rows in, drivers out."""

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from deployments.models import CodeLocation
from deployments.platforms import pinned
from deployments.platforms.base import Platform, PlatformRefused
from deployments.platforms.dagster import DagsterPlatform
from deployments.states import PlatformKind
from deployments.targets.base import Target
from deployments.targets.directory import DirectoryTarget
from portal.common.problems import Invalid


def target_path(location: CodeLocation) -> Path:
    """Answer the folder that holds this code location's releases."""
    deployment = location.deployment
    if deployment.target_root:
        return Path(deployment.target_root) / location.name
    return Path(settings.LASTGOOD_TARGET_ROOT) / deployment.organization.slug / deployment.slug / location.name


def target_for(location: CodeLocation) -> Target:
    """Answer the driver of this code location's target."""
    return DirectoryTarget(target_path(location))


def platform_for(location: CodeLocation) -> Platform | None:
    """Answer the driver of the location's platform, None when none is connected. Raises PlatformRefused."""
    deployment = location.deployment
    if not deployment.has_platform:
        return None
    try:
        # The operator's list may have changed since the address was set.
        refuse_foreign_host(deployment.platform_url)
    except Invalid as refused:
        raise PlatformRefused(refused.code, refused.detail) from refused
    folder = target_path(location)
    # Wherever a release lies, its paths are told the same, so that the same code has the same digest.
    roots = (f"{folder}/releases/*", f"{folder}/current")
    drivers = {PlatformKind.DAGSTER: DagsterPlatform}
    return drivers[PlatformKind(deployment.platform)](deployment.platform_url, client=pinned.client(), roots=roots)


def refuse_foreign_host(url: str) -> None:
    """Refuse an address that the operator did not allow, when it is set. Raises Invalid."""
    try:
        parts = urlsplit(url)
    except ValueError as odd:
        raise Invalid("The platform's address is none.", code="bad_platform_url") from odd
    # Before anything is repeated: what stands there may be a password.
    if "@" in url:
        raise Invalid("Put no user or password into the platform's address.", code="bad_platform_url")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(f"{url[:100]!r} is no http or https address.", code="bad_platform_url")
    if not _allowed(parts.hostname):
        raise Invalid(
            f"The portal may not call {parts.hostname}: an operator lists the hosts in LASTGOOD_PLATFORM_HOSTS.",
            code="host_not_allowed",
        )


def _allowed(host: str) -> bool:
    for entry in settings.LASTGOOD_PLATFORM_HOSTS:
        if entry.casefold() == host.casefold():
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry):
                return True
        except ValueError:
            continue
    return False
