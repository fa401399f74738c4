"""Releases and their bundles: what was or can be put in place. Of secret settings the fingerprints are shown."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from deployments import configuration
from deployments.admin.acting import ActingAdmin
from deployments.admin.base import PortalAdmin, ReadOnlyInline, display
from deployments.admin.filters import PLACES, is_set, recent
from deployments.admin.history import OfLocationAdmin
from deployments.admin.shown import as_json
from deployments.admin.verbs import PIN, UNPIN
from deployments.models import Deployment, Release, ReleaseBundle


class MountInline(ReadOnlyInline):
    """The bundles at their mounts."""

    model = ReleaseBundle
    fields = ("mount", "bundle")
    readonly_fields = fields
    ordering = ("mount",)
    verbose_name_plural = "Bundles"


@admin.register(Release)
class ReleaseAdmin(ActingAdmin, OfLocationAdmin):
    """The immutable what."""

    verbs = (PIN, UNPIN)
    list_display = ("__str__", "code_location", "image", "runtime_version", "created_at", "keeping")
    list_filter = (
        *PLACES,
        is_set("pinned_at", "pinned", "Pinned", "Not pinned"),
        is_set("purged_at", "artifacts", "Purged", "Here"),
        ("provisional", BooleanRadioFilter),
        recent("created_at", "made"),
    )
    search_fields = ("digest", "code_digest", "image", "image_digest", "runtime_version", "code_location__name")
    ordering = ("-pk",)
    inlines = (MountInline,)
    fields = (
        "code_location",
        "digest",
        "code_digest",
        "image",
        "image_digest",
        "runtime_version",
        "settings_digest",
        "what_is_set",
        "definitions_digest",
        "provisional",
        ("created_at", "asked_for_at"),
        ("pinned_at", "pinned_by_name"),
        ("purged_at", "purged_because"),
    )

    def deployment_of(self, row: Any) -> Deployment:
        """Answer its deployment."""
        deployment: Deployment = row.code_location.deployment
        return deployment

    @display(description="settings")
    def what_is_set(self, row: Release) -> SafeString | str:
        """Answer the settings; of secrets, and of what is purged, the fingerprints."""
        return as_json(configuration.shown(row.settings))

    @display(description="kept", label={"Pinned": "success", "Purged": "warning"})
    def keeping(self, row: Release) -> str | None:
        """Say whether it is pinned, or purged."""
        if row.purged_at:
            return "Purged"
        return "Pinned" if row.pinned_at else None


@admin.register(ReleaseBundle)
class ReleaseBundleAdmin(PortalAdmin):
    """Bundles at their mounts."""

    to_organization = "release__code_location__deployment__organization"
    to_deployment = "release__code_location__deployment"
    to_location = "release__code_location"
    list_display = ("mount", "bundle", "release", "location")
    list_filter = PLACES
    search_fields = ("mount", "bundle__digest", "release__digest", "release__code_location__name")
    list_select_related = ("bundle", "release__code_location__deployment__organization")
    ordering = ("-pk",)
    fields = ("release", "mount", "bundle")

    @display(description="code location")
    def location(self, row: ReleaseBundle) -> str:
        """Name the code location."""
        return str(row.release.code_location)
