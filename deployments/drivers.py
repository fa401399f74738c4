"""Which driver stands behind a deployment's target and platform. Rows in, drivers out."""

import json
from pathlib import Path

from django.conf import settings

from deployments.hosts import is_allowed, refuse_foreign_platform, refuse_foreign_webhook
from deployments.models import CodeLocation, Deployment
from deployments.platforms import pinned
from deployments.platforms.airflow import DAGS_FOLDER, AirflowPlatform
from deployments.platforms.base import Platform, PlatformRefused
from deployments.platforms.dagster import DagsterPlatform
from deployments.states import PlatformKind, TargetKind
from deployments.targets.base import Target, TargetRefused
from deployments.targets.directory import DirectoryTarget
from deployments.targets.registry import Registry
from deployments.targets.webhook import WebhookTarget
from deployments.targets.workspace import WorkspaceTarget
from portal.common.problems import Invalid


def target_path(location: CodeLocation) -> Path:
    """Answer the folder that holds this code location's releases."""
    return target_path_of(location.deployment) / location.name


def target_path_of(deployment: Deployment) -> Path:
    """Answer the folder that holds the folders of this deployment's code locations."""
    if deployment.target_root:
        return Path(deployment.target_root)
    return Path(settings.LASTGOOD_TARGET_ROOT) / deployment.organization.slug / deployment.slug


def target_for(location: CodeLocation) -> Target:
    """Answer the driver of this code location's target. Raises TargetRefused."""
    deployment = location.deployment
    match TargetKind(deployment.target):
        case TargetKind.DIRECTORY:
            return DirectoryTarget(target_path(location))
        case TargetKind.WORKSPACE:
            file = Path(deployment.workspace_file)
            return WorkspaceTarget(target_path(location), workspace_file=file, location=location.name)
        case TargetKind.WEBHOOK:
            return _webhook(deployment)


def puts_of(location: CodeLocation) -> frozenset[str]:
    """Answer which parts of a release are put in place there: bundles, settings, image, runtime_version."""
    deployment = location.deployment
    match TargetKind(deployment.target):
        case TargetKind.WEBHOOK:
            return WebhookTarget.puts
        case TargetKind.WORKSPACE:
            puts = WorkspaceTarget.puts
        case TargetKind.DIRECTORY:
            puts = DirectoryTarget.puts
    # Files alone start no image: the operator's command does.
    return puts | {"image", "runtime_version"} if deployment.runs_command else puts


def registry_for(location: CodeLocation) -> Registry:
    """Answer the driver that asks registries about this code location's images."""
    deployment = location.deployment

    def credentials(host: str) -> tuple[str, str] | None:
        mine = deployment.registry.casefold() == host.casefold() and deployment.registry_user
        return (deployment.registry_user, deployment.registry_password) if mine else None

    return Registry(pinned.client(), allowed=registry_allowed, credentials=credentials)


def registry_allowed(host: str) -> bool:
    """Say whether the operator lets the portal ask this registry. Docker's has servers of several names."""
    names = {host, "docker.io"} if host in {"registry-1.docker.io", "auth.docker.io"} else {host}
    return any(is_allowed(name, settings.LASTGOOD_REGISTRY_HOSTS) for name in names)


def _webhook(deployment: Deployment) -> WebhookTarget:
    if not deployment.webhook_url or not deployment.webhook_secret:
        raise TargetRefused(
            "webhook_missing", f"{deployment} has no webhook: set its address and its secret, then deploy again."
        )
    try:
        refuse_foreign_webhook(deployment.webhook_url)
    except Invalid as refused:
        raise TargetRefused(refused.code, refused.detail) from refused
    return WebhookTarget(deployment.webhook_url, secret=deployment.webhook_secret, client=pinned.client())


def platform_for(location: CodeLocation) -> Platform | None:
    """Answer the driver of the location's platform, None when none is connected. Raises PlatformRefused."""
    return platform_of(location.deployment)


def platform_of(deployment: Deployment) -> Platform | None:
    """Answer the driver of a deployment's platform, for all of its code locations. Raises PlatformRefused."""
    if not deployment.has_platform:
        return None
    _refuse_foreign(deployment)
    folder = target_path_of(deployment)
    # Wherever a release lies, its paths are told the same, so that the same code has the same digest; and whoever asks,
    # execution or the observer, reads the same.
    roots = (f"{folder}/*/releases/*", f"{folder}/*/current")
    url, headers, client = deployment.platform_url, headers_of(deployment), pinned.client()
    if PlatformKind(deployment.platform) is PlatformKind.DAGSTER:
        return DagsterPlatform(url, headers=headers, client=client, roots=roots)
    return AirflowPlatform(
        url,
        headers=headers,
        client=client,
        user=deployment.platform_user,
        password=deployment.platform_password,
        bundle=deployment.dag_bundle or DAGS_FOLDER,
        roots=roots,
    )


def headers_of(deployment: Deployment) -> dict[str, str]:
    """Answer the headers with which the platform is asked."""
    try:
        found = json.loads(deployment.platform_headers or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _refuse_foreign(deployment: Deployment) -> None:
    try:
        # The operator's list may have changed since the address was set.
        refuse_foreign_platform(deployment.platform_url)
    except Invalid as refused:
        raise PlatformRefused(refused.code, refused.detail) from refused
