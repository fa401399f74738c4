"""Who is told of what: channels, incidents that are told of once, and the notifications that go out."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from deployments.models.deploys import Deploy, Load
from deployments.models.places import CodeLocation, Deployment
from deployments.querysets import OfChannel, OfCodeLocation, OfDeployment
from deployments.states import AlertKind, ChannelKind, NotificationStatus
from portal.common.secret_field import SecretField


def alerts_rule(value: object) -> None:
    """Let a list of known kinds of alerts pass. Raises ValidationError."""
    if not isinstance(value, list) or not value or set(map(str, value)) - set(AlertKind.values):
        raise ValidationError(f"Choose at least one of: {', '.join(AlertKind.values)}.")


def all_alerts() -> list[str]:
    """Answer every kind of alert."""
    return list(AlertKind.values)


class AlertChannel(models.Model):
    """A way to tell people what happens in a deployment, or in one of its code locations."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="alert_channels")
    code_location = models.ForeignKey(
        CodeLocation,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="alert_channels",
        help_text="Empty: all code locations of the deployment.",
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=ChannelKind.choices)
    # An address is a secret: whoever knows it can write there.
    address = SecretField()
    alerts = models.JSONField(default=all_alerts, validators=[alerts_rule])
    renotify_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text="Tell again after so many minutes while a code location still fails to load. Empty: once.",
    )
    enabled = models.BooleanField(default=True)
    created_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    # What became of the newest notification: a channel that does not work shows it.
    last_sent_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    objects = OfDeployment.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "name"], name="one_alert_channel_of_a_name_per_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.deployment}"


class Incident(models.Model):
    """A code location that fails to load, from the first failure to the load that recovers it: told of once."""

    code_location = models.ForeignKey(CodeLocation, on_delete=models.CASCADE, related_name="incidents")
    began_with = models.ForeignKey(Load, on_delete=models.PROTECT, related_name="+")
    ended_with = models.ForeignKey(Load, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = OfCodeLocation.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_location"],
                condition=Q(closed_at__isnull=True),
                name="one_open_incident_per_code_location",
            ),
        ]

    def __str__(self) -> str:
        return f"Incident of {self.code_location} since {self.opened_at:%Y-%m-%d %H:%M}"


class Notification(models.Model):
    """One message for one channel: written down with what it tells of, sent afterwards, tried again until it is taken."""

    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="notifications")
    alert = models.CharField(max_length=20, choices=AlertKind.choices, blank=True)  # empty: a test
    code_location = models.ForeignKey(
        CodeLocation, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    incident = models.ForeignKey(
        Incident, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    deploy = models.ForeignKey(Deploy, null=True, blank=True, on_delete=models.PROTECT, related_name="notifications")
    # The same happening is told of once: what it is, in one word.
    subject = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    body = models.TextField()
    link = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=NotificationStatus.choices, default=NotificationStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(help_text="When it is sent, or tried again.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = OfChannel.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "subject"], name="told_once_per_channel"),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="notifications_due"),
            models.Index(fields=["channel", "-id"], name="newest_notifications"),
        ]

    def __str__(self) -> str:
        return self.title
