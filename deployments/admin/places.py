"""Organizations and deployments: changed through the operations, their members in a table below."""

from typing import Any

from django.contrib import admin
from django.db import IntegrityError
from django.db.models import Count, OuterRef, ProtectedError, QuerySet, Subquery
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from deployments import access, operations
from deployments.access import Right
from deployments.admin.base import PortalAdmin, WithPageAdmin, adopt, display, may_somewhere, person
from deployments.admin.deployment_form import SECRETS, DeploymentForm, said, sections
from deployments.admin.filters import OrganizationFilter
from deployments.admin.members import MembersAdmin
from deployments.admin.retention import RetentionPages, dry_run_of
from deployments.models import Deployment, Organization
from deployments.operations.places import HOST_FIELDS
from portal.common.problems import Refusal


class RemovableAdmin(PortalAdmin):
    """Places that may be deleted while they are empty: what has a history stays."""

    def in_use(self, obj: Any) -> bool:
        """Say whether something is in it."""
        raise NotImplementedError

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Answer what would go, without loading a history to say that it stays."""
        protected = [f"all that is in {each}" for each in objs if self.in_use(each)]
        return [str(each) for each in objs], {str(self.opts.verbose_name): len(objs)}, set(), protected

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it. Raises Refusal when somebody put something in meanwhile."""
        try:
            obj.delete()
        except (ProtectedError, IntegrityError) as used:
            raise Refusal(f"{obj} is not empty.", code="in_use") from used


@admin.register(Organization)
class OrganizationAdmin(MembersAdmin, RemovableAdmin):
    """Tenants."""

    to_organization = "pk"
    list_display = ("slug", "name", "places", "created_at")
    empty_text = "There is no organization yet. Add the first one: deployments, members and uploads belong to one."
    search_fields = ("slug", "name")
    ordering = ("slug",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the deployments that the person sees of each."""
        seen = Deployment.objects.visible_to(person(request)).filter(organization=OuterRef("pk")).order_by()
        count = seen.values("organization").annotate(count=Count("pk")).values("count")
        rows: QuerySet[Any] = super().get_queryset(request).annotate(places_seen=Subquery(count))
        return rows

    @display(description="deployments")
    def places(self, row: Any) -> int:
        """Answer how many there are."""
        return row.places_seen or 0

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show the quota to those who set it: it is the operator's disk."""
        return [
            "slug",
            "name",
            *(["quota_bytes"] if person(request).is_superuser else []),
            *(["created_at"] if obj else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep the slug: folders on targets are named by it."""
        return ["slug", "created_at"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let superusers create tenants."""
        return person(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those change it who administer it."""
        if obj is None:
            return may_somewhere(request, Right.ADMINISTER, Organization)
        return access.allows(person(request), Right.ADMINISTER, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers delete what is empty."""
        return person(request).is_superuser

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create it, or change its name and quota. Raises Refusal."""
        if change:
            access.require(person(request), Right.ADMINISTER, obj)
            obj.save(update_fields=[name for name in form.changed_data if name in {"name", "quota_bytes"}])
            return
        made = operations.create_organization(slug=obj.slug, name=obj.name, actor=person(request))
        if form.cleaned_data.get("quota_bytes") is not None:
            made.quota_bytes = form.cleaned_data["quota_bytes"]
            made.save(update_fields=["quota_bytes"])
        adopt(obj, made)

    def in_use(self, obj: Any) -> bool:
        """Say whether it has deployments, machines' accounts or uploads."""
        return bool(obj.deployments.exists() or obj.service_accounts.exists() or obj.bundles.exists())


@admin.register(Deployment)
class DeploymentAdmin(MembersAdmin, RetentionPages, WithPageAdmin, RemovableAdmin):
    """Places where pipelines run."""

    form = DeploymentForm
    to_organization = "organization"
    to_deployment = "pk"
    list_display = ("__str__", "name", "platform", "answer", "where", "retention", "created_at", "team_page")
    empty_text = "There is no deployment that you may see. Add one: a place where a Dagster or an Airflow runs."
    list_filter = (OrganizationFilter, ("platform", ChoicesDropdownFilter), ("target", ChoicesDropdownFilter))
    search_fields = ("slug", "name", "organization__slug", "organization__name", "platform_url")
    list_select_related = ("organization", "watch")
    autocomplete_fields = ("organization",)
    ordering = ("organization__slug", "slug")
    actions = (dry_run_of("deployment"),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show what touches the host to those who set it."""
        host = HOST_FIELDS if person(request).is_superuser else ()
        shown = [
            "organization",
            "slug",
            "name",
            "platform",
            "platform_url",
            "platform_user",
            "dag_bundle",
            "poll_seconds",
            "commit_link",
            "webhook_patience",
            "registry",
            "registry_user",
            "retention_days",
            "ignored_metadata",
            *host,
        ]
        # Who may only look would be shown what is stored.
        shown += SECRETS if obj is None or self.has_change_permission(request, obj) else ()
        return [*shown, "created_at"] if obj else shown

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        """Put together what belongs together."""
        return sections(self.get_fields(request, obj))

    @display(description="platform's answer", label={"Answers": "success", "Silent": "danger"})
    def answer(self, row: Deployment) -> str | None:
        """Say whether its platform answers; nothing where none is connected, or none was asked."""
        watch = getattr(row, "watch", None)
        if watch is None or not row.has_platform:
            return None
        return "Silent" if watch.unreachable_since else "Answers" if watch.answered_at else None

    @display(description="target", ordering="target")
    def where(self, row: Deployment) -> str:
        """Name the kind of target in a word."""
        return row.target.capitalize()

    @display(description="keeps", ordering="retention_days")
    def retention(self, row: Deployment) -> str:
        """Say for how long releases are kept."""
        return f"{row.retention_days} days"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep organization and slug: the folders on the target are named by them."""
        return ["organization", "slug", "created_at"] if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer the organizations in which the person may create deployments."""
        return Organization.objects.allowing(person(request), Right.ADMINISTER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those create deployments who administer an organization."""
        return may_somewhere(request, Right.ADMINISTER, Organization)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those change it who configure it."""
        if obj is None:
            return may_somewhere(request, Right.CONFIGURE, Deployment)
        return access.allows(person(request), Right.CONFIGURE, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let the organization's administrators delete what is empty."""
        if obj is None:
            return self.has_add_permission(request)
        return access.allows(person(request), Right.ADMINISTER, obj.organization)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change it through the operations. Raises Refusal."""
        if change:
            fields = said(form.cleaned_data, form.changed_data)
            operations.change_deployment(deployment=obj, actor=person(request), **fields)
            return
        adopt(
            obj, operations.create_deployment(actor=person(request), **said(form.cleaned_data, list(form.cleaned_data)))
        )

    def in_use(self, obj: Any) -> bool:
        """Say whether it has code locations."""
        return bool(obj.code_locations.exists())
