"""How platforms answer, and whose turn it is to change a shared workspace: to read. And agents, which can be forgotten."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from deployments import access, operations
from deployments.access import Right
from deployments.admin.base import PortalAdmin, display, may_somewhere, person
from deployments.admin.filters import DeploymentFilter, OrganizationFilter, is_set
from deployments.models import Deployment, PlatformWatch, RemoteAgent, WorkspaceTurn


@admin.register(PlatformWatch)
class PlatformWatchAdmin(PortalAdmin):
    """How the connection to each platform stands."""

    to_organization = "deployment__organization"
    to_deployment = "deployment"
    list_display = ("deployment", "standing", "version", "answered_at", "unreachable_since", "failures", "due_at")
    list_filter = (
        OrganizationFilter,
        DeploymentFilter,
        is_set("unreachable_since", "reachable", "Not reachable", "Reachable"),
    )
    search_fields = ("deployment__slug", "deployment__organization__slug", "version")
    list_select_related = ("deployment__organization",)
    ordering = ("deployment__organization__slug", "deployment__slug")
    empty_text = "No platform is connected yet: a deployment's Connection page does that."

    @display(description="state", label={"Answers": "success", "Silent": "danger"})
    def standing(self, row: PlatformWatch) -> str:
        """Say whether it answers."""
        if row.unreachable_since:
            return "Silent"
        return "Answers" if row.answered_at else "Not asked yet"


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


@admin.register(RemoteAgent)
class RemoteAgentAdmin(PortalAdmin):
    """Remote execution agents, as they reported themselves. One that is no more would bar rollbacks for ever."""

    to_organization = "deployment__organization"
    to_deployment = "deployment"
    list_display = ("name", "deployment", "version", "reported_at", "reported_by_name")
    list_filter = (OrganizationFilter, DeploymentFilter)
    search_fields = ("name", "version", "deployment__slug", "deployment__organization__slug")
    empty_text = "Remote execution agents report themselves over the API; none did."
    list_select_related = ("deployment__organization",)
    ordering = ("deployment__organization__slug", "deployment__slug", "name")
    fields = ("deployment", "name", "version", "reported_at", "reported_by_name")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those forget an agent who configure its deployment."""
        if obj is None:
            return may_somewhere(request, Right.CONFIGURE, Deployment)
        return access.allows(person(request), Right.CONFIGURE, obj.deployment)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Forget it through the operation. Raises Refusal."""
        operations.forget_agent(deployment=obj.deployment, name=obj.name, actor=person(request))
