"""What deploys define. The chain of a code location grows with what changes, not with assets times deploys.

Only deploys that went live are in the chain, in the order of `live_seq`. A validity `[since, until)` says from which
of them on a version was in force, so that the set of any deploy is one indexed query; a change is the step that one
deploy made. Rows of assets outlive the artifacts of their deploys: nothing here is ever purged but what was only
kept to be read.
"""

from django.db import models
from django.db.models import Q

from assets.definitions.keys import LONGEST
from assets.definitions.prints import CHANGE_TYPES, PRINT
from assets.querysets import OfAsset, OfChain, ValidityQuerySet
from assets.states import ChangeKind, Sight, Source, World
from deployments.models import CodeLocation, Deploy
from deployments.querysets import OfCodeLocation, OfDeploy

PRINTS = PRINT * len(CHANGE_TYPES)


class AssetChain(models.Model):
    """The recorded sets of one code location, of one world. Its row is the lock under which they are recorded."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="asset_chains")
    world = models.CharField(max_length=8, choices=World.choices)
    # The metadata labels that the digests of its versions leave out.
    ignored = models.JSONField(default=list, blank=True)

    objects = OfCodeLocation.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code_location", "world"], name="one_chain_of_a_world")]

    def __str__(self) -> str:
        return f"{self.get_world_display()} of {self.code_location}"


class Asset(models.Model):
    """A key in a code location, with what the newest recorded set says of it. `current` None: it is gone."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="assets")
    chain = models.ForeignKey(AssetChain, on_delete=models.PROTECT, related_name="assets")
    key = models.CharField(max_length=LONGEST)
    current = models.ForeignKey(
        "AssetVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="current_of"
    )
    # Of the current version, or of the last one: for lists.
    group = models.CharField(max_length=200, blank=True)
    kinds = models.CharField(max_length=400, blank=True, help_text="Each with a space before and after it.")
    changed_seq = models.BigIntegerField(default=0, help_text="When it last changed, as live_seq.")

    objects = OfCodeLocation.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code_location", "key"], name="one_asset_of_a_key")]
        indexes = [models.Index(fields=["code_location", "group"], name="assets_of_a_group")]

    def __str__(self) -> str:
        return self.key


class AssetVersion(models.Model):
    """One distinct definition of an asset, as CI sent it, as the platform tells it, or both.

    `sent` and `read` are definitions in normal form, as JSON texts; empty: never seen so. The prints say, aspect by
    aspect, whether two versions differ, without reading them.
    """

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    # Who defined it first.
    deploy = models.ForeignKey(Deploy, on_delete=models.PROTECT, related_name="+")
    sent = models.TextField(blank=True)
    sent_digest = models.CharField(max_length=64, blank=True)
    sent_prints = models.CharField(max_length=PRINTS, blank=True)
    read = models.TextField(blank=True)
    read_digest = models.CharField(max_length=64, blank=True)
    read_prints = models.CharField(max_length=PRINTS, blank=True)

    objects = OfAsset.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "number"], name="one_version_of_a_number_per_asset"),
            models.CheckConstraint(condition=~Q(sent="", read=""), name="a_version_was_seen"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.asset}"


class Validity(models.Model):
    """From which deploy on, and up to which one, a version was in force: `[since, until)` in `live_seq`."""

    chain = models.ForeignKey(AssetChain, on_delete=models.PROTECT, related_name="validities")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="validities")
    version = models.ForeignKey(AssetVersion, on_delete=models.PROTECT, related_name="validities")
    since = models.BigIntegerField()
    until = models.BigIntegerField(null=True, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "validities"
        constraints = [
            models.UniqueConstraint(fields=["asset", "since"], name="one_version_at_a_time"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=models.F("since")), name="it_held_for_a_while"
            ),
        ]
        indexes = [models.Index(fields=["chain", "until", "since"], name="set_at_a_deploy")]

    def __str__(self) -> str:
        return f"{self.version} from {self.since} to {self.until or 'now'}"


class AssetSet(models.Model):
    """What one deploy was recorded to define: who said so, and how it was compared with the set before it."""

    chain = models.ForeignKey(AssetChain, on_delete=models.PROTECT, related_name="sets")
    deploy = models.ForeignKey(Deploy, on_delete=models.PROTECT, related_name="asset_sets")
    live_seq = models.BigIntegerField()
    source = models.CharField(max_length=8, choices=Source.choices)
    # Of all definitions, as sent; and the platform's digest of all that it serves: what is the same is not read again.
    digest = models.CharField(max_length=64, blank=True)
    platform_digest = models.CharField(max_length=64, blank=True)
    known_from = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    follows = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="followed_by")
    asset_count = models.PositiveIntegerField()
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField()

    objects = OfChain.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "live_seq"], name="one_set_at_a_time"),
            models.UniqueConstraint(fields=["deploy", "chain"], name="one_set_per_deploy"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_count} assets of {self.deploy}"


class AssetChange(models.Model):
    """One step of one asset, made by one deploy. `change_types` are words of the differ, each between spaces."""

    deploy = models.ForeignKey(Deploy, on_delete=models.PROTECT, related_name="asset_steps")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="changes")
    live_seq = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=ChangeKind.choices)
    change_types = models.CharField(max_length=120, blank=True)
    sight = models.CharField(max_length=8, choices=Sight.choices)
    before = models.ForeignKey(AssetVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(AssetVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = OfDeploy.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "live_seq"], name="one_change_of_an_asset_per_deploy"),
            models.CheckConstraint(
                condition=Q(before__isnull=False) | Q(after__isnull=False), name="a_change_has_a_side"
            ),
        ]
        indexes = [models.Index(fields=["deploy", "asset"], name="changes_of_a_deploy")]

    def __str__(self) -> str:
        return f"{self.asset} {self.kind.lower()} by {self.deploy}"


class AssetDependency(models.Model):
    """An edge of the newest recorded set: what is upstream of an asset. The upstream key need not be an asset of ours."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="asset_dependencies")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="upstream")
    upstream_key = models.CharField(max_length=LONGEST)

    objects = OfCodeLocation.as_manager()

    class Meta:
        verbose_name_plural = "asset dependencies"
        constraints = [models.UniqueConstraint(fields=["asset", "upstream_key"], name="one_edge_between_two_assets")]
        indexes = [models.Index(fields=["code_location", "upstream_key"], name="downstream_of_a_key")]

    def __str__(self) -> str:
        return f"{self.asset} reads {self.upstream_key}"


class SentSnapshot(models.Model):
    """What CI said that a deploy defines, kept until the deploy went live and it is recorded. One of each world."""

    deploy = models.ForeignKey(Deploy, on_delete=models.PROTECT, related_name="sent_snapshots")
    world = models.CharField(max_length=8, choices=World.choices)
    digest = models.CharField(max_length=64)
    asset_count = models.PositiveIntegerField()
    # Compressed JSON of the definitions in normal form; None once it is recorded, or its deploy can never go live.
    body = models.BinaryField(null=True, blank=True)
    sent_at = models.DateTimeField()
    sent_by_name = models.CharField(max_length=150)
    recorded_at = models.DateTimeField(null=True, blank=True)

    objects = OfDeploy.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deploy", "world"], name="one_snapshot_of_a_world_per_deploy")]
        indexes = [
            # A literal condition: SQLite can use it, unlike one with a parameter.
            models.Index(fields=["deploy"], condition=Q(body__isnull=False), name="snapshots_to_record"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_count} assets sent for {self.deploy}"
