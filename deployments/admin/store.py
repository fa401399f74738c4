"""The content store's rows. Bundles are an organization's; blobs are everybody's, and therefore the operator's to see."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from unfold.contrib.filters.admin import BooleanRadioFilter

from deployments.admin.base import OperatorsAdmin, PortalAdmin, display
from deployments.admin.filters import OrganizationFilter, is_set, recent
from deployments.models import Blob, BlobPossession, Bundle, BundleFile


@admin.register(Bundle)
class BundleAdmin(PortalAdmin):
    """Immutable file trees."""

    to_organization = "organization"
    list_display = ("version", "organization", "standing", "file_count", "bytes", "created_at", "completed_at")
    list_filter = (
        OrganizationFilter,
        is_set("completed_at", "complete"),
        is_set("damaged_at", "damaged"),
        is_set("purged_at", "purged"),
        recent("created_at", "announced"),
    )
    empty_text = "Nothing was uploaded yet: a deploy brings its files along."
    search_fields = ("digest", "organization__slug")
    list_select_related = ("organization",)
    ordering = ("-pk",)
    fields = (
        "organization",
        "digest",
        ("file_count", "size"),
        ("created_at", "touched_at", "completed_at"),
        ("damaged_at", "purged_at"),
    )

    @display(description="state", label={"Here": "success", "Damaged": "danger", "Incomplete": "warning"})
    def standing(self, row: Bundle) -> str:
        """Say whether its bytes are here."""
        if row.purged_at:
            return "Purged"
        if row.damaged_at:
            return "Damaged"
        return "Here" if row.completed_at else "Incomplete"

    @display(description="size", ordering="size")
    def bytes(self, row: Bundle) -> str:
        """Say how large it is."""
        return filesizeformat(row.size)


@admin.register(BundleFile)
class BundleFileAdmin(PortalAdmin):
    """Lines of manifests."""

    to_organization = "bundle__organization"
    list_display = ("path", "bundle", "bytes", "executable")
    list_filter = (OrganizationFilter, ("executable", BooleanRadioFilter))
    search_fields = ("path", "bundle__digest")
    list_select_related = ("bundle",)
    ordering = ("-pk",)
    # Not the blob: its row knows what everybody uploaded.
    fields = ("bundle", "path", "size", "executable")

    @display(description="size", ordering="size")
    def bytes(self, row: BundleFile) -> str:
        """Say how large it is."""
        return filesizeformat(row.size)


@admin.register(BlobPossession)
class BlobPossessionAdmin(PortalAdmin):
    """What an organization has uploaded itself."""

    to_organization = "organization"
    list_display = ("blob", "organization", "created_at")
    list_filter = (OrganizationFilter, recent("created_at", "since"))
    search_fields = ("blob__sha256", "organization__slug")
    list_select_related = ("blob", "organization")
    ordering = ("-pk",)


@admin.register(Blob)
class BlobAdmin(OperatorsAdmin):
    """Stored bytes."""

    list_display = ("__str__", "standing", "bytes", "stored_at", "marked_at", "damaged_at")
    list_filter = (
        is_set("stored_at", "stored"),
        is_set("marked_at", "to be swept"),
        is_set("damaged_at", "damaged"),
    )
    search_fields = ("sha256", "storage_key")
    ordering = ("-pk",)

    @display(description="state", label={"Stored": "success", "Damaged": "danger", "To be swept": "warning"})
    def standing(self, row: Blob) -> str:
        """Say whether its bytes are here."""
        if row.damaged_at:
            return "Damaged"
        if row.marked_at:
            return "To be swept"
        return "Stored" if row.stored_at else "Announced"

    @display(description="size", ordering="size")
    def bytes(self, row: Blob) -> str:
        """Say how large it is."""
        return filesizeformat(row.size or 0)
