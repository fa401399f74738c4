"""The rows. One file a subject."""

from deployments.models.accounts import IdempotencyRecord, ServiceAccount, Token
from deployments.models.bundles import Blob, BlobPossession, Bundle, BundleFile
from deployments.models.deploys import Blame, Deploy, DeployEvent, Hold, Load
from deployments.models.grants import (
    DeploymentGroupObjectPermission,
    DeploymentUserObjectPermission,
    OrganizationGroupObjectPermission,
    OrganizationUserObjectPermission,
)
from deployments.models.places import CodeLocation, Deployment, Organization
from deployments.models.releases import Release, ReleaseBundle

__all__ = [
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
    "Hold",
    "IdempotencyRecord",
    "Load",
    "Organization",
    "OrganizationGroupObjectPermission",
    "OrganizationUserObjectPermission",
    "Release",
    "ReleaseBundle",
    "ServiceAccount",
    "Token",
]
