"""Code locations: created and muted through the operations; their facts are the pipeline's."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from deployments import access, operations
from deployments.access import Right
from deployments.admin.acting import ActingAdmin
from deployments.admin.base import WithPageAdmin, adopt, display, may_somewhere, person
from deployments.admin.filters import AnsweredFilter, DeploymentFilter, OrganizationFilter, is_set
from deployments.admin.places import RemovableAdmin
from deployments.admin.retention import RetentionPages, dry_run_of
from deployments.admin.verbs import HOLD, RESUME, ROLL_BACK_TO_LAST_GOOD
from deployments.models import CodeLocation, Deploy, Deployment, Hold


class HeldFilter(AnsweredFilter):
    """By whether it is held."""

    title = "held"
    parameter_name = "held"

    def matching(self) -> Q:
        """Answer the held."""
        return Q(_is_held())


class DriftFilter(AnsweredFilter):
    """By whether its target holds something else."""

    title = "drifted"
    parameter_name = "drift"

    def matching(self) -> Q:
        """Answer those that drifted."""
        return ~Q(drift="")


@admin.register(CodeLocation)
class CodeLocationAdmin(RetentionPages, ActingAdmin, WithPageAdmin, RemovableAdmin):
    """The units that are deployed."""

    to_organization = "deployment__organization"
    to_deployment = "deployment"
    to_location = "pk"
    verbs = (ROLL_BACK_TO_LAST_GOOD, HOLD, RESUME)
    list_display = ("name", "deployment", "live", "placed", "wanted", "standing", "checked_at", "team_page")
    list_filter = (
        OrganizationFilter,
        DeploymentFilter,
        HeldFilter,
        DriftFilter,
        is_set("live_deploy", "live", "Something is live", "Nothing is live"),
    )
    search_fields = ("name", "deployment__slug", "deployment__organization__slug")
    list_select_related = ("deployment__organization", "live_deploy", "placed_deploy", "wanted_deploy")
    autocomplete_fields = ("deployment",)
    ordering = ("deployment__organization__slug", "deployment__slug", "name")
    actions = (dry_run_of("location"),)
    empty_text = "Code locations appear by themselves with the first deploy or load. Or add one."
    facts = (
        "live",
        "placed",
        "wanted",
        "is_held",
        "drift",
        "checked_at",
        "last_load",
        "absent_since",
        "fence",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Say of each whether it is held."""
        rows = super().get_queryset(request)
        found: QuerySet[Any] = rows.annotate(held=_is_held())
        return found

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Ask for the name once; show the facts ever after."""
        return ["deployment", "name", *(("muted", *self.facts) if obj else ())]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep everything: it is named as its platform names it, and its facts are the pipeline's."""
        return ["deployment", "name", *self.facts] if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer the deployments that the person may configure."""
        rows = Deployment.objects.allowing(person(request), Right.CONFIGURE)
        return rows.select_related("organization") if name == "deployment" else super().choices_of(name, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those mute it who configure the deployment."""
        return self.has_add_permission(request) if obj is None else self.has_delete_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those create code locations who configure a deployment."""
        return may_somewhere(request, Right.CONFIGURE, Deployment)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those delete what is empty who configure the deployment."""
        return (
            self.has_add_permission(request)
            if obj is None
            else access.allows(person(request), Right.CONFIGURE, obj.deployment)
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create it, or mute it, through the operations. Raises Refusal."""
        if change:
            operations.change_code_location(location=obj, actor=person(request), muted=form.cleaned_data["muted"])
            return
        adopt(obj, operations.create_code_location(actor=person(request), **form.cleaned_data))

    def in_use(self, obj: Any) -> bool:
        """Say whether it has a history."""
        return bool(obj.deploys.exists() or obj.loads.exists() or obj.holds.exists())

    def deployment_of(self, row: Any) -> Deployment:
        """Answer its deployment."""
        deployment: Deployment = row.deployment
        return deployment

    @display(description="live", ordering="live_deploy__number")
    def live(self, row: CodeLocation) -> str:
        """Name the last placed deploy that succeeded."""
        return _number(row.live_deploy)

    @display(description="in place", ordering="placed_deploy__number")
    def placed(self, row: CodeLocation) -> str:
        """Name what the target holds."""
        return _number(row.placed_deploy)

    @display(description="wanted", ordering="wanted_deploy__number")
    def wanted(self, row: CodeLocation) -> str:
        """Name what we are bringing there."""
        return _number(row.wanted_deploy)

    @display(description="state", label={"Held": "warning", "Drifted": "danger", "Gone": "danger", "Muted": "info"})
    def standing(self, row: Any) -> str | None:
        """Say what is out of the ordinary there, the worst first."""
        if row.drift:
            return "Drifted"
        if row.absent_since:
            return "Gone"
        return "Held" if row.held else "Muted" if row.muted else None

    @display(description="held", label={"Held": "warning"})
    def is_held(self, row: Any) -> str | None:
        """Say whether new pushes are stored and not activated."""
        return "Held" if row.held else None


def _is_held() -> Exists:
    return Exists(Hold.objects.filter(code_location=OuterRef("pk"), released_at=None))


def _number(deploy: Deploy | None) -> str:
    return f"#{deploy.number}" if deploy else "–"
