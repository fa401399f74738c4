"""Deploys and what they leave behind: rows of history, to read and to act on."""

from datetime import UTC
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from deployments import configuration, trouble
from deployments.admin.acting import ActingAdmin
from deployments.admin.base import PortalAdmin, ReadOnlyInline, WithPageAdmin, display
from deployments.admin.filters import PLACES, AnsweredFilter, is_set, recent
from deployments.admin.shown import as_json, error_words, short
from deployments.admin.verbs import CANCEL, RETRY, ROLL_BACK
from deployments.models import Blame, Deploy, DeployEvent, Deployment, Hold, Load, LoadRun
from deployments.states import DeployStatus, EventLevel
from deployments.views.moments import clock

STATUS_COLORS = {
    DeployStatus.SUCCEEDED: "success",
    DeployStatus.FAILED: "danger",
    DeployStatus.ERRORED: "danger",
    DeployStatus.RUNNING: "info",
    DeployStatus.QUEUED: "info",
    DeployStatus.HELD: "warning",
}
LEVEL_COLORS = {EventLevel.WARNING: "warning", EventLevel.ERROR: "danger"}


class OfLocationAdmin(PortalAdmin):
    """Rows of a code location."""

    to_organization = "code_location__deployment__organization"
    to_deployment = "code_location__deployment"
    to_location = "code_location"
    list_select_related: Any = ("code_location__deployment__organization",)


class EventInline(ReadOnlyInline):
    """What happened, in order."""

    model = DeployEvent
    fields = ("seq", "when", "step", "level", "message")
    readonly_fields = fields
    ordering = ("seq",)
    verbose_name_plural = "Events"

    @display(description="at")
    def when(self, row: DeployEvent) -> SafeString | str:
        """Answer the time of day, to the second."""
        return clock(row.at)


class StalledFilter(AnsweredFilter):
    """By whether nobody works on it though somebody should."""

    title = "stalled"
    parameter_name = "stalled"

    def matching(self) -> Q:
        """Answer those that the first page calls stalled."""
        return Q(pk__in=trouble.stalled(timezone.now()).values("pk"))


@admin.register(Deploy)
class DeployAdmin(ActingAdmin, WithPageAdmin, OfLocationAdmin):
    """The acts."""

    verbs = (ROLL_BACK, CANCEL, RETRY)
    list_display = ("title", "state", "code_location", "kind", "gist", "by", "commit", "created_at", "team_page")
    list_filter = (
        *PLACES,
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("actor_kind", ChoicesDropdownFilter),
        ("verified", BooleanRadioFilter),
        StalledFilter,
        recent("created_at", "asked for"),
    )
    empty_text = "Deploys appear here when somebody, or CI, deploys: lastgood deploy ORGANIZATION/DEPLOYMENT/LOCATION …"
    search_fields = ("=number", "description", "actor_name", "code_location__name", "git__commit", "git__message")
    # By the key, which has an index; and rows are written in the order in which they were asked for.
    ordering = ("-pk",)
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
                    "what_went_wrong",
                )
            },
        ),
        (
            "What",
            {"fields": ("release", "brought", "carries", "came_with", "commit_said", "labels", "source_position")},
        ),
        (
            "Related deploys",
            {"fields": (("restores", "scope", "warnings_read"), "previous", "retry_of", "superseded_by")},
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
    def brought(self, row: Deploy) -> SafeString | str:
        """Answer what was pushed; of secrets the fingerprints."""
        settings = row.parts.get("settings")
        return as_json({**row.parts, "settings": configuration.shown(settings)} if settings else row.parts)

    @display(description="carried")
    def carries(self, row: Deploy) -> SafeString | str:
        """Answer what it brings along for others; of secrets the fingerprints."""
        settings = configuration.nested({name: part["value"] for name, part in row.carried.items()})
        shown = configuration.flat(configuration.shown(settings))
        return as_json({name: {**part, "value": shown.get(name, part["value"])} for name, part in row.carried.items()})

    @display(description="came with")
    def came_with(self, row: Deploy) -> SafeString | str:
        """Answer which deploy each part came with."""
        return as_json(row.origins)

    @display(description="git")
    def commit_said(self, row: Deploy) -> SafeString | str:
        """Answer what was said of the commit."""
        return as_json(row.git)

    @display(description="metadata")
    def labels(self, row: Deploy) -> SafeString | str:
        """Answer what was said beside it."""
        return as_json(row.metadata)

    @display(description="warnings that were read")
    def warnings_read(self, row: Deploy) -> str:
        """Name them."""
        return ", ".join(row.acknowledged)

    @display(description="error")
    def what_went_wrong(self, row: Deploy) -> str:
        """Say why it failed."""
        return error_words(row.error)

    @display(description="description", ordering="description")
    def gist(self, row: Deploy) -> str | None:
        """Shorten the description."""
        return short(row.description)

    @display(description="by", ordering="actor_name")
    def by(self, row: Deploy) -> str:
        """Say who asked for it."""
        return row.actor_name

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
    list_display = ("deploy", "seq", "when", "kind", "step", "loudness", "message")
    list_filter = (*PLACES, ("level", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), recent("at", "at"))
    search_fields = ("message", "step", "=deploy__number")
    ordering = ("-pk",)
    list_select_related = ("deploy__code_location__deployment__organization",)
    fields = ("deploy", "seq", "at", "kind", "step", "level", "message")

    @display(description="at", ordering="at")
    def when(self, row: DeployEvent) -> str:
        """Answer the time, to the second."""
        return f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @display(description="level", ordering="level", label=LEVEL_COLORS)
    def loudness(self, row: DeployEvent) -> tuple[str, str]:
        """Show how loud it is."""
        return row.level, row.get_level_display()


@admin.register(Load)
class LoadAdmin(OfLocationAdmin):
    """What platforms reported."""

    list_display = ("code_location", "reported_at", "outcome", "deploy_number", "version_key", "asset_count")
    list_filter = (
        *PLACES,
        ("ok", BooleanRadioFilter),
        is_set("deploy", "deploy", "Of a deploy", "Observed"),
        recent("reported_at", "reported"),
    )
    empty_text = "Loads appear here once a platform is connected: a deployment's Connection page does that."
    search_fields = ("code_location__name", "version_key", "server_id", "=deploy__number")
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization", "deploy")

    def get_queryset(self, request: Any) -> QuerySet[Any]:
        """Answer the rows without what was served, which is large."""
        rows: QuerySet[Any] = super().get_queryset(request).defer("raw")
        return rows

    @display(description="outcome", ordering="ok", label={"Loaded": "success", "Failed": "danger"})
    def outcome(self, row: Load) -> str:
        """Say whether it was loaded."""
        return "Loaded" if row.ok else "Failed"

    @display(description="deploy", ordering="deploy__number")
    def deploy_number(self, row: Load) -> str | None:
        """Number the deploy that was loaded."""
        return f"#{row.deploy.number}" if row.deploy else None


@admin.register(LoadRun)
class LoadRunAdmin(OfLocationAdmin):
    """Consecutive loads that are alike."""

    list_display = ("code_location", "count", "first_at", "last_at")
    list_filter = (*PLACES, recent("last_at", "last"))
    search_fields = ("code_location__name", "likeness")
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization",)


@admin.register(Hold)
class HoldAdmin(OfLocationAdmin):
    """Who held what, and why. Holding and resuming are actions of code locations."""

    list_display = ("code_location", "in_force", "reason", "created_by_name", "created_at", "until", "released_by_name")
    list_filter = (*PLACES, is_set("released_at", "released", "Released", "In force"), recent("created_at", "held"))
    empty_text = "Nothing was ever held. A rollback that succeeded holds its code location; so does Hold on its page."
    search_fields = ("code_location__name", "reason", "created_by_name", "released_by_name")
    ordering = ("-pk",)

    @display(description="state", label={"Held": "warning"})
    def in_force(self, row: Hold) -> str:
        """Say whether it holds now."""
        return "Released" if row.released_at else "Held"


@admin.register(Blame)
class BlameAdmin(OfLocationAdmin):
    """Code that a rollback left, and that is refused until somebody rolls back to it on purpose."""

    list_display = (
        "short_digest",
        "code_location",
        "standing",
        "rollback",
        "created_at",
        "lifted_at",
        "lifted_by_name",
    )
    list_filter = (*PLACES, is_set("lifted_at", "lifted", "Lifted", "Blocked"), recent("created_at", "blamed"))
    empty_text = "No code is blamed. A rollback blames the code that it leaves."
    search_fields = ("code_digest", "code_location__name", "=blamed_by__number")
    ordering = ("-pk",)
    list_select_related = ("code_location__deployment__organization", "blamed_by")

    @display(description="code", ordering="code_digest")
    def short_digest(self, row: Blame) -> str:
        """Shorten the digest."""
        return row.code_digest[:12]

    @display(description="state", label={"Blocked": "danger"})
    def standing(self, row: Blame) -> str:
        """Say whether it is refused."""
        return "Lifted" if row.lifted_at else "Blocked"

    @display(description="blamed by", ordering="blamed_by__number")
    def rollback(self, row: Blame) -> str:
        """Number the rollback that left it."""
        return f"#{row.blamed_by.number}"
