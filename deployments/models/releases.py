"""Releases: the immutable what, identified by the digest of its content."""

from django.db import models

from deployments.models.bundles import Bundle
from deployments.models.places import CodeLocation
from deployments.querysets import OfRelease, ReleaseQuerySet


class Release(models.Model):
    """Image, bundles at their mounts, runtime version and settings, of one code location.

    `digest` names all of it; `code_digest` the same without settings: what blame and blocking go by.
    """

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="releases")
    digest = models.CharField(max_length=64)
    code_digest = models.CharField(max_length=64, db_index=True)
    image = models.CharField(max_length=500, blank=True)
    image_digest = models.CharField(max_length=100, blank=True)
    runtime_version = models.CharField(max_length=100, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    settings_digest = models.CharField(max_length=64, blank=True)
    provisional = models.BooleanField(default=False)
    # What the platform serves when this release runs; learned from a load that was seen to be this release's.
    definitions_digest = models.CharField(max_length=64, blank=True)
    # When the registry was last asked for the image, and since when it does not have it.
    image_checked_at = models.DateTimeField(null=True, blank=True)
    image_gone_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    pinned_at = models.DateTimeField(null=True, blank=True)
    pinned_by_name = models.CharField(max_length=150, blank=True)
    # Touched by whoever asks for this release while retention looks at it: one of the two loses cleanly.
    asked_for_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)
    purged_because = models.CharField(max_length=200, blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_location", "digest"], name="one_release_of_a_digest_per_code_location"
            ),
        ]

    def __str__(self) -> str:
        return self.digest[:12]


class ReleaseBundle(models.Model):
    """A bundle at its mount. `bundle` stays after a purge: the row says what it was."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="mounts")
    mount = models.CharField(max_length=200)
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="mounts")

    objects = OfRelease.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "mount"], name="one_bundle_per_mount")]

    def __str__(self) -> str:
        return f"{self.mount}={self.bundle}"
