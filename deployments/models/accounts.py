"""Accounts of machines, tokens, and the memory of requests that were answered."""

from django.conf import settings
from django.db import models
from knox.models import AbstractAuthToken, AuthTokenManager

from deployments.models.places import Organization
from deployments.querysets import OfOrganization, OperatorsOnly, TokenQuerySet


class ServiceAccount(models.Model):
    """CI's account: has grants of its own, belongs to one organization, and never signs in with a password."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="service_account")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="service_accounts")
    name = models.CharField(max_length=100)
    created_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfOrganization.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="one_service_account_of_a_name_per_organization"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"


class Token(AbstractAuthToken):  # type: ignore[misc]  # knox ships no types
    """A bearer token, stored as a hash. Its rights are its account's of the moment."""

    name = models.CharField(max_length=100)
    created_by_name = models.CharField(max_length=150, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = AuthTokenManager.from_queryset(TokenQuerySet)()

    class Meta:
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"


class IdempotencyRecord(models.Model):
    """One answered write. Committed with its effect, so that either both are there or neither."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key_mac = models.CharField(max_length=64)
    request_mac = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)

    objects = OperatorsOnly.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key_mac"], name="one_answer_per_idempotency_key")]

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"
