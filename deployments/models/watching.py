"""What is known of a deployment's platform from asking it again and again; and whose turn it is to change what all share."""

from django.core.validators import RegexValidator
from django.db import models

from deployments.models.deploys import Deploy
from deployments.models.places import Deployment
from deployments.querysets import OfDeployment

# Host and pod names, mostly.
agent_rule = RegexValidator(
    r"^[A-Za-z0-9]([A-Za-z0-9_.:-]{0,126}[A-Za-z0-9_])?$",
    "Use 1 to 128 letters, digits, dots, colons, underscores and hyphens, beginning with a letter or digit.",
)


class PlatformWatch(models.Model):
    """How the connection to a platform stands. One row a deployment, written by whoever polls."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="watch")
    due_at = models.DateTimeField(db_index=True, help_text="When it is asked again.")
    # Somebody asks right now, until then at most: nobody else does.
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    unreachable_since = models.DateTimeField(null=True, blank=True)
    # {code, detail} of the newest failure.
    error = models.JSONField(null=True, blank=True)
    # What it said of itself, asked now and then.
    introduced_at = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=100, blank=True)
    may_reload = models.BooleanField(null=True, blank=True)
    cannot_tell = models.JSONField(default=list, blank=True, help_text="What this version cannot tell, in words.")
    # Of an Airflow: {at, total, by_release: {release name or "": runs}, more}; what runs right now.
    runs = models.JSONField(null=True, blank=True)
    notes = models.JSONField(default=list, blank=True, help_text="What could not be read when it answered last.")

    objects = OfDeployment.as_manager()

    def __str__(self) -> str:
        return f"platform of {self.deployment}"


class RemoteAgent(models.Model):
    """A remote execution agent of a deployment, as it reported itself: nothing that we could roll back."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="agents")
    name = models.CharField(max_length=128, validators=[agent_rule])
    version = models.CharField(max_length=100)
    reported_at = models.DateTimeField()
    reported_by_name = models.CharField(max_length=150)

    objects = OfDeployment.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "name"], name="one_agent_of_a_name_per_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.deployment}"


class WorkspaceTurn(models.Model):
    """A deployment's workspace file is shared by its code locations: its fence, and the reload that covers all edits.

    `edits` counts the changes of the file and is its fence; `loaded` is the edit up to which the last reload that was
    answered is known to have read it.
    """

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="workspace_turn")
    edits = models.BigIntegerField(default=0)
    loaded = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    # Whose reload it was: what its neighbours report from then on is its doing.
    deploy = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = OfDeployment.as_manager()

    def __str__(self) -> str:
        return f"workspace of {self.deployment}"
