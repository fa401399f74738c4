"""The rows. One file a subject."""

from deployments.models.accounts import IdempotencyRecord, Invitation, ServiceAccount, Token
from deployments.models.alerts import AlertChannel, Incident, Notification
from deployments.models.bundles import Blob, BlobPossession, Bundle, BundleFile
from deployments.models.deploys import Blame, Deploy, DeployEvent, Hold, Load, LoadRun
from deployments.models.grants import (
    DeploymentGroupObjectPermission,
    DeploymentUserObjectPermission,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
)
from deployments.models.places import CodeLocation, Deployment, Organization
from deployments.models.releases import Release, ReleaseBundle
from deployments.models.sources import GitSource, HookDelivery
from deployments.models.surveys import Survey
from deployments.models.watching import PlatformWatch, RemoteAgent, WorkspaceTurn

__all__ = [
    "AlertChannel",
    "Blame",
    "Blob",
    "BlobPossession",
    "Bundle",
    "BundleFile",
    "CodeLocation",
    "Deploy",
    "DeployEvent",
    "Deployment",
    "DeploymentGroupObjectPermission",
    "DeploymentUserObjectPermission",
    "GitSource",
    "Hold",
    "HookDelivery",
    "IdempotencyRecord",
    "Incident",
    "Invitation",
    "Load",
    "LoadRun",
    "Notification",
    "Organization",
    "OrganizationGroupObjectPermission",
    "OrganizationUserObjectPermission",
    "PlatformWatch",
    "Release",
    "ReleaseBundle",
    "RemoteAgent",
    "ServiceAccount",
    "Survey",
    "Token",
    "WorkspaceTurn",
]
