"""How platforms answer, and whose turn it is to change a shared workspace: to read."""

from django.contrib import admin

from deployments.admin.base import PortalAdmin
from deployments.admin.filters import DeploymentFilter, OrganizationFilter, is_set
from deployments.models import PlatformWatch, WorkspaceTurn


@admin.register(PlatformWatch)
class PlatformWatchAdmin(PortalAdmin):
    """How the connection to each platform stands."""

    to_organization = "deployment__organization"
    to_deployment = "deployment"
    list_display = ("deployment", "version", "answered_at", "unreachable_since", "failures", "due_at")
    list_filter = (
        OrganizationFilter,
        DeploymentFilter,
        is_set("unreachable_since", "reachable", "Not reachable", "Reachable"),
    )
    search_fields = ("deployment__slug", "deployment__organization__slug", "version")
    list_select_related = ("deployment__organization",)
    date_hierarchy = "answered_at"
    ordering = ("deployment__organization__slug", "deployment__slug")


@admin.register(WorkspaceTurn)
class WorkspaceTurnAdmin(PortalAdmin):
    """How often each shared workspace file was changed, and who had it loaded again."""

    to_organization = "deployment__organization"
    to_deployment = "deployment"
    list_display = ("deployment", "edits", "loaded", "deploy", "began_at", "ended_at")
    list_filter = (OrganizationFilter, DeploymentFilter)
    search_fields = ("deployment__slug", "deployment__organization__slug")
    list_select_related = ("deployment__organization", "deploy__code_location__deployment__organization")
    ordering = ("deployment__organization__slug", "deployment__slug")
