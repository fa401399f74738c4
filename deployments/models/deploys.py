"""Deploys: the acts. A rollback is one too. With what they leave behind: events, loads, holds, blame."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.models.bundles import Bundle
from deployments.models.places import CodeLocation
from deployments.models.releases import Release
from deployments.querysets import DeployQuerySet, OfCodeLocation, OfDeploy
from deployments.states import (
    FINISHED,
    ActorKind,
    DeployKind,
    DeployStatus,
    DeployStep,
    EventKind,
    EventLevel,
    RollbackScope,
)


class Deploy(models.Model):
    """One act of making a release live in a code location; one row of history, never edited and never removed.

    `parts` holds what was asked: {image?, bundles? {mount: digest or None}, runtime_version?, settings?};
    `carried` the parts of held deploys that this one brings along: {part: {value, from}}; `origins` says, once the
    release is composed, which deploy number each part of it came with. Parts are named `image`, `runtime_version`,
    `bundle:<mount>` and `settings:<group>/<name>`.
    """

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="deploys")
    number = models.BigIntegerField()
    kind = models.CharField(max_length=16, choices=DeployKind.choices)
    status = models.CharField(max_length=16, choices=DeployStatus.choices)
    description = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="deploys"
    )
    # History outlives accounts.
    actor_name = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=16, choices=ActorKind.choices)

    parts = models.JSONField(default=dict, blank=True)
    carried = models.JSONField(default=dict, blank=True)
    origins = models.JSONField(default=dict, blank=True)
    # What `parts` names, as rows: retention keeps what an unfinished deploy needs.
    bundles = models.ManyToManyField(Bundle, blank=True, related_name="deploys")
    release = models.ForeignKey(Release, null=True, blank=True, on_delete=models.PROTECT, related_name="deploys")
    # Of a rollback: what of the restored deploy it takes, and which warnings were read and accepted, by their names.
    scope = models.CharField(max_length=16, choices=RollbackScope.choices, blank=True)
    acknowledged = models.JSONField(default=list, blank=True)
    restores = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="restored_by")
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="retries")
    superseded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="supersedes"
    )
    previous = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="followed_by")
    git = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    source_position = models.BigIntegerField(null=True, blank=True)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    reloaded_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # "Activated" is ours to say, "verified" the platform's: None means nobody could say, and `verification` why.
    verified = models.BooleanField(null=True, blank=True)
    verification = models.CharField(max_length=500, blank=True)
    platform_asked = models.BooleanField(default=False, help_text="A platform was connected when this ran.")
    error = models.JSONField(null=True, blank=True)
    # {added, removed, changed}: written by whoever records what deploys define; None while nobody knows.
    asset_counts = models.JSONField(null=True, blank=True)
    # The order of going live: a sequence of the server, whatever clocks do.
    live_seq = models.BigIntegerField(null=True, blank=True)

    # The pipeline's own notes.
    step = models.CharField(max_length=16, choices=DeployStep.choices, blank=True)
    fence = models.BigIntegerField(default=0)
    claims = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True)
    step_started_at = models.DateTimeField(null=True, blank=True)
    seen_before = models.JSONField(null=True, blank=True)
    # An order that something else carries out: since when, and what it answered, {outcome, message}.
    ordered_at = models.DateTimeField(null=True, blank=True)
    called_back = models.JSONField(null=True, blank=True)
    # Runs of similar deploys, kept when one ends: like the one numbered before it, like the one numbered after it.
    continues = models.BooleanField(default=False)
    continued = models.BooleanField(default=False)
    last_event = models.PositiveIntegerField(default=0)

    objects = DeployQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_location", "number"], name="one_deploy_of_a_number_per_code_location"
            ),
            models.UniqueConstraint(
                fields=["code_location"],
                condition=Q(status=DeployStatus.RUNNING),
                name="one_running_deploy_per_code_location",
            ),
            models.UniqueConstraint(
                fields=["code_location"],
                condition=Q(status=DeployStatus.QUEUED, kind=DeployKind.ROLLBACK),
                name="one_queued_rollback_per_code_location",
            ),
            models.UniqueConstraint(fields=["code_location", "live_seq"], name="one_deploy_went_live_at_a_time"),
            models.CheckConstraint(
                condition=~Q(status=DeployStatus.RUNNING) | Q(release__isnull=False),
                name="a_running_deploy_has_a_release",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeployStatus.SUCCEEDED) | Q(live_seq__isnull=False),
                name="what_succeeded_went_live",
            ),
            models.CheckConstraint(
                condition=Q(live_seq__isnull=True) | Q(status=DeployStatus.SUCCEEDED),
                name="only_what_succeeded_went_live",
            ),
            models.CheckConstraint(
                condition=~Q(kind=DeployKind.ROLLBACK) | Q(restores__isnull=False),
                name="a_rollback_restores_a_deploy",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=FINISHED) | Q(finished_at__isnull=False), name="what_ended_has_an_end"
            ),
        ]
        indexes = [
            # Not partial ones: SQLite cannot prove that a parameter fits an index's condition, and would read all rows.
            models.Index(fields=["status", "lease_expires_at"], name="what_is_due"),
            models.Index(fields=["code_location", "status", "number"], name="by_status"),
            models.Index(fields=["code_location", "source_position"], name="source_order"),
            models.Index(fields=["code_location", "finished_at"], name="what_was_live_then"),
            models.Index(fields=["code_location", "continued", "-number"], name="ends_of_runs"),
            models.Index(fields=["code_location", "continues", "-number"], name="beginnings_of_runs"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} of {self.code_location}"

    @property
    def is_rollback(self) -> bool:
        """Say whether this act restores an older one."""
        return self.kind == DeployKind.ROLLBACK

    @property
    def is_finished(self) -> bool:
        """Say whether nothing will change this row's status any more."""
        return self.status in FINISHED

    def get_absolute_url(self) -> str:
        """Answer its page."""
        location = self.code_location
        deployment = location.deployment
        return reverse(
            "deployments:deploy",
            args=[deployment.organization.slug, deployment.slug, location.name, self.number],
        )


class DeployEvent(models.Model):
    """One line of what happened, in the order of `seq`, which has no holes and never goes back."""

    deploy = models.ForeignKey(Deploy, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=EventKind.choices)
    step = models.CharField(max_length=32, blank=True)
    level = models.CharField(max_length=8, choices=EventLevel.choices, default=EventLevel.INFO)
    message = models.TextField()

    objects = OfDeploy.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deploy", "seq"], name="one_event_of_a_seq_per_deploy")]

    def __str__(self) -> str:
        return f"{self.deploy_id}.{self.seq} {self.message[:60]}"


class Load(models.Model):
    """What a platform reported: a code location was loaded, or failed to load."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="loads")
    deploy = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.PROTECT, related_name="loads")
    reported_at = models.DateTimeField()
    version_key = models.CharField(max_length=300, blank=True)
    server_id = models.CharField(max_length=100, blank=True)
    ok = models.BooleanField()
    error = models.JSONField(null=True, blank=True)
    definitions_digest = models.CharField(max_length=64, blank=True)
    asset_count = models.PositiveIntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # What this version of the platform could not tell, in words.
    missing = models.JSONField(default=list, blank=True)
    # What it is known by, whatever its server and time: of a load its definitions and metadata, of a failure its error.
    likeness = models.CharField(max_length=64, blank=True)
    # The same code once more: a reload, or a restarted server.
    again = models.BooleanField(default=False)
    # A neighbour's deploy had the whole workspace loaded anew.
    reloaded_by = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.PROTECT, related_name="reloads")
    run = models.ForeignKey("LoadRun", null=True, blank=True, on_delete=models.PROTECT, related_name="loads")
    # The definitions that were served, as compressed JSON, until somebody read them.
    raw = models.BinaryField(null=True, blank=True)

    objects = OfCodeLocation.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["code_location", "-id"], name="newest_loads"),
            # A literal condition: SQLite can use it, unlike one with a parameter.
            models.Index(fields=["id"], condition=Q(raw__isnull=False), name="unread_loads"),
        ]

    def __str__(self) -> str:
        return f"{self.code_location} {'loaded' if self.ok else 'failed to load'} at {self.reported_at:%Y-%m-%d %H:%M}"


class LoadRun(models.Model):
    """Consecutive loads that are alike, kept when each is written: so many, from the first to the last."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="load_runs")
    likeness = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    newest = models.ForeignKey(Load, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = OfCodeLocation.as_manager()

    class Meta:
        indexes = [models.Index(fields=["code_location", "-id"], name="newest_load_runs")]

    def __str__(self) -> str:
        return f"{self.count} loads of {self.code_location}"


class Hold(models.Model):
    """New pushes are stored but not activated, until somebody resumes."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="holds")
    deploy = models.ForeignKey(
        Deploy,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="holds",
        help_text="The rollback that holds.",
    )
    reason = models.TextField()
    created_at = models.DateTimeField()
    created_by_name = models.CharField(max_length=150)
    until = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by_name = models.CharField(max_length=150, blank=True)

    objects = OfCodeLocation.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_location"],
                condition=Q(released_at__isnull=True),
                name="one_hold_per_code_location",
            ),
        ]

    def __str__(self) -> str:
        return f"Hold of {self.code_location}"


class Blame(models.Model):
    """Code that a rollback left: refused by its content, whatever tag it comes back with, until it is rolled back to."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.PROTECT, related_name="blames")
    code_digest = models.CharField(max_length=64)
    blamed_by = models.ForeignKey(Deploy, on_delete=models.PROTECT, related_name="blames")
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by_name = models.CharField(max_length=150, blank=True)

    objects = OfCodeLocation.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_location", "code_digest"],
                condition=Q(lifted_at__isnull=True),
                name="blamed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code_digest[:12]} in {self.code_location}"
