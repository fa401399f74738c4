"""The content store's rows. Bundles are an organization's; blobs are everybody's, and therefore the operator's to see."""

from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter

from deployments.admin.base import OperatorsAdmin, PortalAdmin
from deployments.admin.filters import OrganizationFilter, is_set
from deployments.models import Blob, BlobPossession, Bundle, BundleFile


@admin.register(Bundle)
class BundleAdmin(PortalAdmin):
    """Immutable file trees."""

    to_organization = "organization"
    list_display = (
        "version",
        "organization",
        "file_count",
        "size",
        "created_at",
        "completed_at",
        "damaged_at",
        "purged_at",
    )
    list_filter = (
        OrganizationFilter,
        is_set("completed_at", "complete"),
        is_set("damaged_at", "damaged"),
        is_set("purged_at", "purged"),
    )
    search_fields = ("digest", "organization__slug")
    list_select_related = ("organization",)
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    fields = (
        "organization",
        "digest",
        ("file_count", "size"),
        ("created_at", "touched_at", "completed_at"),
        ("damaged_at", "purged_at"),
    )


@admin.register(BundleFile)
class BundleFileAdmin(PortalAdmin):
    """Lines of manifests."""

    to_organization = "bundle__organization"
    list_display = ("path", "bundle", "size", "executable")
    list_filter = (OrganizationFilter, ("executable", BooleanRadioFilter))
    search_fields = ("path", "bundle__digest")
    list_select_related = ("bundle",)
    ordering = ("-pk",)
    # Not the blob: its row knows what everybody uploaded.
    fields = ("bundle", "path", "size", "executable")


@admin.register(BlobPossession)
class BlobPossessionAdmin(PortalAdmin):
    """What an organization has uploaded itself."""

    to_organization = "organization"
    list_display = ("blob", "organization", "created_at")
    list_filter = (OrganizationFilter,)
    search_fields = ("blob__sha256", "organization__slug")
    list_select_related = ("blob", "organization")
    date_hierarchy = "created_at"
    ordering = ("-pk",)


@admin.register(Blob)
class BlobAdmin(OperatorsAdmin):
    """Stored bytes."""

    list_display = ("__str__", "size", "stored_at", "marked_at", "damaged_at")
    list_filter = (is_set("stored_at", "stored"), is_set("marked_at", "to be swept"), is_set("damaged_at", "damaged"))
    search_fields = ("sha256", "storage_key")
    date_hierarchy = "stored_at"
    ordering = ("-pk",)
