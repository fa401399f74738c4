"""The content store's rows: blobs, who possesses them, and the manifests that name them."""

from django.db import models

from deployments.models.places import Organization
from deployments.querysets import BundleQuerySet, OfBundle, OfOrganization, OperatorsOnly


class Blob(models.Model):
    """Some bytes, stored once for everybody. `storage_key` is random and empty until the bytes are here.

    A random key, because the bytes may be swept and uploaded again at the same time: deleting the old object must
    never hit the new one.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes; known once they are here.")
    storage_key = models.CharField(max_length=100, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    # Set when a collection found that nothing names it; it is swept after a grace time, unless something names it again.
    marked_at = models.DateTimeField(null=True, blank=True, db_index=True)
    damaged_at = models.DateTimeField(null=True, blank=True)

    objects = OperatorsOnly.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(storage_key="") | models.Q(size__isnull=False),
                name="a_stored_blob_has_a_size",
            )
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class BlobPossession(models.Model):
    """This organization has itself uploaded these bytes: nobody learns from us what others have."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="possessions")
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="possessions")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "blob"], name="possessed_once_per_organization")]

    def __str__(self) -> str:
        return f"{self.blob} of {self.organization}"


class Bundle(models.Model):
    """An immutable file tree, identified by the digest of its manifest. Its row outlives its bytes."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="bundles")
    digest = models.CharField(max_length=64)
    file_count = models.PositiveIntegerField()
    size = models.BigIntegerField(help_text="Bytes, all files together.")
    created_at = models.DateTimeField(auto_now_add=True)
    # Asked for again: an upload that goes on is not forgotten under its hands.
    touched_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True, help_text="When every byte was here.")
    # A stored byte was found wrong: not to be put in place until it was uploaded again.
    damaged_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="one_bundle_of_a_digest_per_organization"),
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def version(self) -> str:
        """The short name that people read: the first twelve digits of the digest."""
        return self.digest[:12]


class BundleFile(models.Model):
    """One line of a manifest. Its reference keeps the blob."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=4096)
    executable = models.BooleanField(default=False)
    # As the manifest said; kept here, because what the blob's row knows may be another organization's knowledge.
    size = models.BigIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="files")

    objects = OfBundle.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bundle", "path"], name="one_file_of_a_path_per_bundle")]

    def __str__(self) -> str:
        return self.path
