"""Where a code location's code comes from, when the portal fetches it by itself."""

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from deployments.models.deploys import Deploy
from deployments.models.places import CodeLocation
from deployments.querysets import OfCodeLocation, OfGitSource
from portal.common.secret_field import SecretField


def new_hook() -> str:
    """Answer the part of a webhook's address that nobody guesses."""
    return secrets.token_urlsafe(18)


class GitSource(models.Model):
    """A branch of a Git repository, whose newest commit becomes a deploy: told by a push webhook, or found by asking.

    `wanted_commit` is what somebody told us of last, or nothing: then the branch is asked. `fetched_commit` is the
    last one that became a deploy, or was refused for good (`error` says why).
    """

    code_location = models.OneToOneField(CodeLocation, on_delete=models.CASCADE, related_name="git_source")
    url = models.CharField(max_length=500, help_text="https://…, ssh://… or git@host:path.")
    branch = models.CharField(max_length=250, default="main")
    folder = models.CharField(max_length=500, blank=True, help_text="The part of the repository that is deployed.")
    mount = models.CharField(max_length=200, default="dags")
    # One of the two, for repositories that are not public.
    token = SecretField(blank=True, default="")
    deploy_key = SecretField(blank=True, default="", help_text="A private SSH key, for ssh addresses.")
    known_hosts = models.TextField(blank=True, help_text="The server's SSH keys, as known_hosts has them.")
    # The address of its webhook, and the secret that GitHub signs with and GitLab sends.
    hook = models.CharField(max_length=64, unique=True, default=new_hook)
    hook_secret = SecretField(blank=True, default="")
    poll_seconds = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(0), MaxValueValidator(86_400)],
        help_text="How often the branch is asked for, in seconds; 0: only its webhook tells.",
    )
    paused = models.BooleanField(default=False)
    set_by_name = models.CharField(max_length=150)

    due_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="When it is looked at again.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    wanted_commit = models.CharField(max_length=64, blank=True)
    fetched_commit = models.CharField(max_length=64, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    error = models.JSONField(null=True, blank=True, help_text="{code, detail} of the newest failure.")
    last_deploy = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfCodeLocation.as_manager()

    def __str__(self) -> str:
        return f"{self.branch} for {self.code_location}"


class HookDelivery(models.Model):
    """A webhook's delivery that was taken: the same one again is a replay."""

    source = models.ForeignKey(GitSource, on_delete=models.CASCADE, related_name="deliveries")
    name = models.CharField(max_length=200)
    commit = models.CharField(max_length=64, blank=True)
    taken_at = models.DateTimeField()

    objects = OfGitSource.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "name"], name="one_delivery_of_a_name_per_source")]

    def __str__(self) -> str:
        return f"{self.name} for {self.source}"
