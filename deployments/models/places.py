"""Places: organizations, their deployments, and the code locations that are deployed there."""

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse

from deployments.commits import LINK_FIELDS
from deployments.querysets import CodeLocationQuerySet, DeploymentQuerySet, OrganizationQuerySet
from deployments.states import DeployKind, PlatformKind, TargetKind
from portal.common.secret_field import SecretField

# One DNS label: safe in URLs, in paths, and case-insensitive file systems.
slug_rule = RegexValidator(
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    "Use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit.",
)
# A code location is named as its platform names it: Dagster allows dots, underscores, capitals, and by itself says
# "grpc:host:port" and "module:attribute".
location_rule = RegexValidator(
    r"^[A-Za-z0-9]([A-Za-z0-9_.:-]{0,126}[A-Za-z0-9_])?$",
    "Use 1 to 128 letters, digits, dots, colons, underscores and hyphens, beginning with a letter or digit.",
)

# Days: beyond it, dates run out.
LONGEST_RETENTION = 36_500
MOST_LABELS, LONGEST_LABEL = 100, 200
root_rule = RegexValidator(
    r"^(?!.*/\.\.?(/|$))/[^\x00\n]*[^/\x00\n]$",
    "Use an absolute folder, without “.” and “..” parts and without a slash at its end.",
)

# What each role is made of is said in `access.py`; these are the rights themselves.
RIGHTS: list[tuple[str, str | Any]] = [
    ("deploy_to", "May deploy"),
    ("roll_back", "May roll back, hold and resume"),
    ("configure", "May configure, and manage members and tokens"),
    ("administer", "May administer the whole organization"),
]


def labels_rule(value: object) -> None:
    """Let a list of at most a hundred texts pass. Raises ValidationError."""
    if not isinstance(value, list) or len(value) > MOST_LABELS:
        raise ValidationError(f"Use a list of at most {MOST_LABELS} labels.")
    if not all(isinstance(label, str) and 0 < len(label) <= LONGEST_LABEL for label in value):
        raise ValidationError(f"A label is a text of 1 to {LONGEST_LABEL} letters.")


def commit_link_rule(value: str) -> None:
    """Let an http or https address with known fields pass. Raises ValidationError."""
    names = re.findall(r"\{([^{}]*)\}", value)
    begins = value.startswith(("http://", "https://", "{repository}/"))
    if not begins or "commit" not in names or set(names) - LINK_FIELDS or re.search(r"[\s\"'<>\\]", value):
        raise ValidationError(
            "Use an address that begins with https:// or {repository}/ and has {commit} in it; {path} is the repository's."
        )


def default_retention_days() -> int:
    """Answer the operator's retention, in days."""
    return int(settings.LASTGOOD_RETENTION_DAYS)


class Organization(models.Model):
    """The tenant: owns deployments, members and what was uploaded."""

    slug = models.CharField(max_length=63, unique=True, validators=[slug_rule])
    name = models.CharField(max_length=150, blank=True)
    quota_bytes = models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Empty: the portal's own quota."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        permissions = RIGHTS

    def __str__(self) -> str:
        return self.slug


class Deployment(models.Model):
    """A place where pipelines run: one Dagster or one Airflow installation."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="deployments")
    slug = models.CharField(max_length=63, validators=[slug_rule])
    name = models.CharField(max_length=150, blank=True)
    platform = models.CharField(max_length=16, choices=PlatformKind.choices, default=PlatformKind.NONE)
    platform_url = models.URLField(blank=True, help_text="The base URL of the Dagster webserver, path prefix included.")
    # {header: value} as JSON: how a proxy before the platform knows us.
    platform_headers = SecretField(blank=True, default="")
    # An Airflow gives out tokens for these; where one is given as a header, they are not needed.
    platform_user = models.CharField(max_length=255, blank=True)
    platform_password = SecretField(blank=True, default="")
    dag_bundle = models.CharField(
        max_length=250,
        blank=True,
        default="dags-folder",
        help_text="The DAG bundle in Airflow that reads our releases; dags-folder is Airflow's own name for its folder.",
    )
    poll_seconds = models.PositiveIntegerField(
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(3600)],
        help_text="How often the platform is asked whether something was loaded, in seconds.",
    )
    commit_link = models.CharField(
        max_length=300,
        blank=True,
        validators=[commit_link_rule],
        help_text="Where a commit's page is, when it is not found by itself: "
        "https://git.example.com/{path}/commits/{commit}, or {repository}/-/commit/{commit}.",
    )
    target = models.CharField(max_length=16, choices=TargetKind.choices, default=TargetKind.DIRECTORY)
    # Touches the host: only a superuser sets it. Empty means the managed folder.
    target_root = models.CharField(
        max_length=1024,
        blank=True,
        validators=[root_rule],
        help_text="Absolute folder for this deployment's releases. Empty: a managed folder.",
    )
    workspace_file = models.CharField(
        max_length=1024,
        blank=True,
        validators=[root_rule],
        help_text="Absolute path of the workspace.yaml whose entries are pointed at releases.",
    )
    # Runs on the host: only a superuser sets it.
    activation_command = models.CharField(
        max_length=1000,
        blank=True,
        help_text="What runs after a release was put in place, as words without a shell: it applies image, runtime version "
        "and settings, which it finds in current/.lastgood.",
    )
    command_patience = models.PositiveIntegerField(
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds after which the command has failed.",
    )
    webhook_url = models.URLField(
        blank=True, help_text="Where orders are posted to, when something else runs the image."
    )
    webhook_secret = SecretField(blank=True, default="")
    webhook_patience = models.PositiveIntegerField(
        default=600,
        validators=[MinValueValidator(5), MaxValueValidator(86_400)],
        help_text="Seconds after which an order that nobody answered has failed.",
    )
    # The one registry that gets these: host[:port].
    registry = models.CharField(max_length=255, blank=True, help_text="Host of the image registry: ghcr.io")
    registry_user = models.CharField(max_length=255, blank=True)
    registry_password = SecretField(blank=True, default="")
    retention_days = models.PositiveIntegerField(
        default=default_retention_days, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_RETENTION)]
    )
    # Labels that differ from place to place or from load to load, and say nothing about the code.
    ignored_metadata = models.JSONField(
        default=list,
        blank=True,
        validators=[labels_rule],
        help_text="Labels of asset metadata that do not count as changes, as JSON: "
        '["dagster/table_name", "dagster/code_references", "dagster/auto_created_stub_asset"].',
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        permissions = RIGHTS
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="one_deployment_of_a_name_per_organization"),
            models.CheckConstraint(
                condition=models.Q(retention_days__gte=1, retention_days__lte=LONGEST_RETENTION),
                name="retention_is_a_day_to_a_century",
            ),
            # Two deployments in one folder would put each other's releases away.
            models.UniqueConstraint(
                fields=["target_root"], condition=~models.Q(target_root=""), name="one_deployment_per_target_root"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization.slug}/{self.slug}"

    @property
    def has_platform(self) -> bool:
        """Say whether there is a running system that we can ask."""
        return self.platform != PlatformKind.NONE and bool(self.platform_url)

    @property
    def puts_images(self) -> bool:
        """Say whether what is put in place here is an image, which a registry keeps, and not files, which we keep."""
        return self.target == TargetKind.WEBHOOK

    @property
    def reads_files(self) -> bool:
        """Say whether the platform reads by itself what lies in place, file by file, and is not told to load it."""
        return self.platform == PlatformKind.AIRFLOW

    @property
    def runs_command(self) -> bool:
        """Say whether the operator's command runs after a release was put in place here."""
        return bool(self.activation_command) and self.target != TargetKind.WEBHOOK

    def get_absolute_url(self) -> str:
        """Answer its Overview page."""
        return reverse("deployments:overview", args=[self.organization.slug, self.slug])


class CodeLocation(models.Model):
    """The unit that is deployed: has a history, and three facts about what is where."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="code_locations")
    name = models.CharField(max_length=128, validators=[location_rule])
    # What we are bringing there; what the target holds; the last placed deploy that succeeded.
    wanted_deploy = models.ForeignKey("Deploy", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    placed_deploy = models.ForeignKey("Deploy", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    live_deploy = models.ForeignKey("Deploy", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Grows with every claim, cancel and overtake; the target knows it too.
    fence = models.BigIntegerField(default=0)
    next_number = models.BigIntegerField(default=1)
    next_live_seq = models.BigIntegerField(default=1)
    # What the target was last seen to hold instead of the placed deploy; empty: nothing odd.
    drift = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # What the platform reported last; and whether it is known to be offline on purpose, so that nobody is told.
    last_load = models.ForeignKey("Load", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    muted = models.BooleanField(
        default=False, help_text="Planned offline: its failures are recorded, and alert nobody."
    )
    # The platform does not list it any more; an error that often heals by itself was seen, and is not believed yet.
    absent_since = models.DateTimeField(null=True, blank=True)
    unsettled_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CodeLocationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "name"], name="one_code_location_of_a_name_per_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment}/{self.name}"

    @property
    def served_deploy(self) -> Any:
        """Answer the deploy whose code the platform has now: the observed one that came after what we placed, or that.

        None when nobody knows. Costs no query where `last_load__deploy` and `placed_deploy` are loaded.
        """
        load, placed = self.last_load, self.placed_deploy
        if load is None or load.deploy is None or load.deploy.kind != DeployKind.OBSERVED:
            return placed
        newer = placed is None or placed.activated_at is None or placed.activated_at < load.reported_at
        return load.deploy if newer else placed

    def get_absolute_url(self) -> str:
        """Answer its history on the deployment's Overview page."""
        deployment = self.deployment
        return reverse("deployments:history", args=[deployment.organization.slug, deployment.slug, self.name])
