"""Guardian's permissions as rows with real foreign keys, so that deletes cascade and no orphan grant outlives its object."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from deployments.models.places import Deployment, Organization


class OrganizationUserObjectPermission(UserObjectPermissionBase):
    """One right of one person on one organization and all its deployments."""

    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)


class OrganizationGroupObjectPermission(GroupObjectPermissionBase):
    """One right of one team on one organization and all its deployments."""

    content_object = models.ForeignKey(Organization, on_delete=models.CASCADE)


class DeploymentUserObjectPermission(UserObjectPermissionBase):
    """One right of one person on one deployment."""

    content_object = models.ForeignKey(Deployment, on_delete=models.CASCADE)


class DeploymentGroupObjectPermission(GroupObjectPermissionBase):
    """One right of one team on one deployment."""

    content_object = models.ForeignKey(Deployment, on_delete=models.CASCADE)
