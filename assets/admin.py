"""The operator's view of what deploys define: rows to read. They are written by recording, and by nobody else."""

from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from assets.models import (
    Asset,
    AssetChain,
    AssetChange,
    AssetDependency,
    AssetSet,
    AssetVersion,
    SentSnapshot,
    Validity,
)
from assets.states import ChangeKind
from deployments.admin.base import PortalAdmin, display
from deployments.admin.filters import PLACES, is_set, recent

KIND_COLORS = {ChangeKind.ADDED: "success", ChangeKind.REMOVED: "danger", ChangeKind.CHANGED: "info"}


class OfPlaceAdmin(PortalAdmin):
    """Rows of a code location, by whatever path they belong to it."""

    empty_text = (
        "Assets are recorded when a deploy goes live, from what the platform serves or CI sends with the deploy."
    )

    to_location = "code_location"
    list_select_related: Any = ("code_location__deployment__organization",)

    def __init_subclass__(cls) -> None:
        """Find the places above the code location."""
        cls.to_deployment = f"{cls.to_location}__deployment"
        cls.to_organization = f"{cls.to_deployment}__organization"


@admin.register(Asset)
class AssetAdmin(OfPlaceAdmin):
    """The keys, and what the newest recorded set says of each."""

    list_display = ("key", "code_location", "group", "kinds", "version_number", "changed_seq")
    list_filter = (*PLACES, is_set("current", "there", "There", "Gone"))
    search_fields = ("key", "group")
    ordering = ("key", "pk")
    list_select_related: Any = ("code_location__deployment__organization", "current")

    @display(description="version", ordering="current__number")
    def version_number(self, row: Asset) -> int | None:
        """Number the version in force."""
        return row.current.number if row.current else None


@admin.register(AssetVersion)
class AssetVersionAdmin(OfPlaceAdmin):
    """The distinct definitions of each asset."""

    to_location = "asset__code_location"
    list_display = ("asset", "number", "deploy", "sent_digest", "read_digest")
    list_filter = PLACES
    search_fields = ("asset__key", "sent_digest", "read_digest")
    ordering = ("-pk",)
    list_select_related: Any = ("asset", "deploy__code_location__deployment__organization")

    def get_queryset(self, request: Any) -> Any:
        """Answer the rows without the definitions, which are read one by one."""
        return super().get_queryset(request).defer("sent", "read")


@admin.register(AssetChange)
class AssetChangeAdmin(OfPlaceAdmin):
    """The steps that deploys made."""

    to_location = "asset__code_location"
    list_display = ("asset", "deploy", "what", "change_types", "sight", "live_seq")
    list_filter = (*PLACES, ("kind", ChoicesDropdownFilter), ("sight", ChoicesDropdownFilter))
    search_fields = ("asset__key", "change_types", "=deploy__number")
    ordering = ("-pk",)
    list_select_related: Any = ("asset", "deploy__code_location__deployment__organization")

    @display(description="kind", ordering="kind", label=KIND_COLORS)
    def what(self, row: AssetChange) -> tuple[str, str]:
        """Show what happened."""
        return row.kind, row.get_kind_display()


@admin.register(AssetSet)
class AssetSetAdmin(OfPlaceAdmin):
    """What was recorded of each deploy."""

    to_location = "chain__code_location"
    list_display = ("deploy", "source", "asset_count", "added", "removed", "changed", "note", "recorded_at")
    list_filter = (*PLACES, ("source", ChoicesDropdownFilter), recent("recorded_at", "recorded"))
    search_fields = ("note", "=deploy__number", "digest")
    ordering = ("-pk",)
    list_select_related: Any = ("deploy__code_location__deployment__organization",)


@admin.register(AssetChain)
class AssetChainAdmin(OfPlaceAdmin):
    """Which worlds a code location's assets are of, and what does not count as a change there."""

    list_display = ("code_location", "world", "ignored")
    list_filter = (*PLACES, ("world", ChoicesDropdownFilter))
    search_fields = ("code_location__name",)
    ordering = ("-pk",)


@admin.register(Validity)
class ValidityAdmin(OfPlaceAdmin):
    """From which deploy on, and up to which one, each version was in force."""

    to_location = "asset__code_location"
    list_display = ("asset", "version_number", "since", "until")
    list_filter = PLACES
    search_fields = ("asset__key",)
    ordering = ("-pk",)
    list_select_related: Any = ("asset", "version")

    @display(description="version", ordering="version__number")
    def version_number(self, row: Validity) -> int:
        """Number the version."""
        return row.version.number


@admin.register(AssetDependency)
class AssetDependencyAdmin(OfPlaceAdmin):
    """Which asset reads which key."""

    list_display = ("asset", "upstream_key", "code_location")
    list_filter = PLACES
    search_fields = ("asset__key", "upstream_key")
    ordering = ("-pk",)
    list_select_related: Any = ("asset", "code_location__deployment__organization")


@admin.register(SentSnapshot)
class SentSnapshotAdmin(OfPlaceAdmin):
    """What CI said that deploys define, and whether it was recorded."""

    to_location = "deploy__code_location"
    list_display = ("deploy", "world", "asset_count", "sent_by_name", "sent_at", "recorded_at")
    list_filter = (
        *PLACES,
        ("world", ChoicesDropdownFilter),
        is_set("recorded_at", "recorded", "Recorded", "Waits"),
        recent("sent_at", "sent"),
    )
    search_fields = ("=deploy__number", "sent_by_name", "digest")
    ordering = ("-pk",)
    list_select_related: Any = ("deploy__code_location__deployment__organization",)
