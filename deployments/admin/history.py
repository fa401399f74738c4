"""Deploys and what they leave behind: rows of history, to read and to act on."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from deployments import configuration
from deployments.admin.acting import ActingAdmin
from deployments.admin.base import PortalAdmin, ReadOnlyInline, display
from deployments.admin.filters import PLACES, is_set
from deployments.admin.verbs import CANCEL, RETRY, ROLL_BACK
from deployments.models import Blame, Deploy, DeployEvent, Deployment, Hold, Load, LoadRun
from deployments.states import DeployStatus, EventLevel

STATUS_COLORS = {
    DeployStatus.SUCCEEDED: "success",
    DeployStatus.FAILED: "danger",
    DeployStatus.ERRORED: "danger",
    DeployStatus.RUNNING: "info",
    DeployStatus.QUEUED: "info",
    DeployStatus.HELD: "warning",
}
LEVEL_COLORS = {EventLevel.WARNING: "warning", EventLevel.ERROR: "danger"}


def as_json(said: Any) -> str:
    """Write what a row holds as JSON, for people; nothing where it holds nothing."""
    return json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) if said else ""


class OfLocationAdmin(PortalAdmin):
    """Rows of a code location."""

    to_organization = "code_location__deployment__organization"
    to_deployment = "code_location__deployment"
    to_location = "code_location"
    list_select_related: Any = ("code_location__deployment__organization",)


class EventInline(ReadOnlyInline):
    """What happened, in order."""

    model = DeployEvent
    fields = ("seq", "at", "step", "level", "message")
    readonly_fields = fields
    ordering = ("seq",)
    verbose_name_plural = "Events"


@admin.register(Deploy)
class DeployAdmin(ActingAdmin, OfLocationAdmin):
    """The acts."""

    verbs = (ROLL_BACK, CANCEL, RETRY)
    list_display = ("title", "code_location", "kind", "state", "description", "actor_name", "commit", "created_at")
    list_filter = (
        *PLACES,
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("actor_kind", ChoicesDropdownFilter),
        ("verified", BooleanRadioFilter),
    )
    search_fields = ("=number", "description", "actor_name", "code_location__name", "git__commit", "git__message")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    inlines = (EventInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "code_location",
                    "title",
                    "kind",
                    "status",
                    "description",
                    "actor_name",
                    "actor_kind",
                    "error",
                )
            },
        ),
        ("What", {"fields": ("release", "brought", "carries", "origins", "git", "metadata", "source_position")}),
        (
            "Related deploys",
            {"fields": (("restores", "scope", "acknowledged"), "previous", "retry_of", "superseded_by")},
        ),
        (
            "When",
            {
                "fields": (
                    ("created_at", "started_at", "activated_at"),
                    ("reloaded_at", "verified_at", "finished_at"),
                    ("verified", "verification", "platform_asked"),
                )
            },
        ),
        ("Pipeline", {"fields": (("step", "claims", "attempts"), ("fence", "live_seq", "next_check_at"))}),
    )

    def rows_to_act_on(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Load what the operations and the offers read."""
        return rows.with_places()  # type: ignore[no-any-return, attr-defined]

    def deployment_of(self, row: Any) -> Deployment:
        """Answer its deployment."""
        deployment: Deployment = row.code_location.deployment
        return deployment

    @display(description="number", ordering="number")
    def title(self, row: Deploy) -> str:
        """Number it as people do."""
        return f"#{row.number}"

    @display(description="status", ordering="status", label=STATUS_COLORS)
    def state(self, row: Deploy) -> tuple[str, str]:
        """Show where it stands."""
        return row.status, row.get_status_display()

    @display(description="parts")
    def brought(self, row: Deploy) -> str:
        """Answer what was pushed; of secrets the fingerprints."""
        settings = row.parts.get("settings")
        return as_json({**row.parts, "settings": configuration.shown(settings)} if settings else row.parts)

    @display(description="carried")
    def carries(self, row: Deploy) -> str:
        """Answer what it brings along for others; of secrets the fingerprints."""
        settings = configuration.nested({name: part["value"] for name, part in row.carried.items()})
        shown = configuration.flat(configuration.shown(settings))
        return as_json({name: {**part, "value": shown.get(name, part["value"])} for name, part in row.carried.items()})

    @display(description="commit")
    def commit(self, row: Deploy) -> str | None:
        """Shorten the commit."""
        return str(row.git.get("commit", ""))[:10] or None


@admin.register(DeployEvent)
class DeployEventAdmin(PortalAdmin):
    """What happened, line by line."""

    to_organization = "deploy__code_location__deployment__organization"
    to_deployment = "deploy__code_location__deployment"
    to_location = "deploy__code_location"
    list_display = ("deploy", "seq", "at", "kind", "step", "loudness", "message")
    list_filter = (*PLACES, ("level", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    search_fields = ("message", "step", "=deploy__number")
    date_hierarchy = "at"
    ordering = ("-pk",)
    list_select_related = ("deploy__code_location__deployment__organization",)
    fields = ("deploy", "seq", "at", "kind", "step", "level", "message")

    @display(description="level", ordering="level", label=LEVEL_COLORS)
    def loudness(self, row: DeployEvent) -> tuple[str, str]:
        """Show how loud it is."""
        return row.level, row.get_level_display()


@admin.register(Load)
class LoadAdmin(OfLocationAdmin):
    """What platforms reported."""

    list_display = ("code_location", "reported_at", "ok", "deploy_number", "version_key", "asset_count")
    list_filter = (*PLACES, ("ok", BooleanRadioFilter), is_set("deploy", "deploy", "Of a deploy", "Observed"))
    search_fields = ("code_location__name", "version_key", "server_id", "=deploy__number")
    date_hierarchy = "reported_at"
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization", "deploy")

    @display(description="deploy", ordering="deploy__number")
    def deploy_number(self, row: Load) -> str | None:
        """Number the deploy that was loaded."""
        return f"#{row.deploy.number}" if row.deploy else None


@admin.register(LoadRun)
class LoadRunAdmin(OfLocationAdmin):
    """Consecutive loads that are alike."""

    list_display = ("code_location", "count", "first_at", "last_at")
    list_filter = PLACES
    search_fields = ("code_location__name", "likeness")
    date_hierarchy = "last_at"
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization",)


@admin.register(Hold)
class HoldAdmin(OfLocationAdmin):
    """Who held what, and why. Holding and resuming are actions of code locations."""

    list_display = ("code_location", "in_force", "reason", "created_by_name", "created_at", "until", "released_by_name")
    list_filter = (*PLACES, is_set("released_at", "released", "Released", "In force"))
    search_fields = ("code_location__name", "reason", "created_by_name", "released_by_name")
    date_hierarchy = "created_at"
    ordering = ("-pk",)

    @display(description="state", label={"Held": "warning"})
    def in_force(self, row: Hold) -> str:
        """Say whether it holds now."""
        return "Released" if row.released_at else "Held"


@admin.register(Blame)
class BlameAdmin(OfLocationAdmin):
    """Code that a rollback left, and that is refused until somebody rolls back to it on purpose."""

    list_display = ("short_digest", "code_location", "rollback", "created_at", "lifted_at", "lifted_by_name")
    list_filter = (*PLACES, is_set("lifted_at", "lifted", "Lifted", "Blocked"))
    search_fields = ("code_digest", "code_location__name", "=blamed_by__number")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization", "blamed_by")

    @display(description="code", ordering="code_digest")
    def short_digest(self, row: Blame) -> str:
        """Shorten the digest."""
        return row.code_digest[:12]

    @display(description="blamed by", ordering="blamed_by__number")
    def rollback(self, row: Blame) -> str:
        """Number the rollback that left it."""
        return f"#{row.blamed_by.number}"
