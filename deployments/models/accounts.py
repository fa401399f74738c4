"""Accounts of machines, tokens, and the memory of requests that were answered."""

from django.conf import settings
from django.db import models
from knox.models import AbstractAuthToken, AuthTokenManager

from deployments.models.places import Deployment, Organization
from deployments.querysets import InvitationQuerySet, OfOrganization, OperatorsOnly, TokenQuerySet

REFERENCE_LENGTH = 20


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
    """A bearer token, stored as a hash. Its rights are its account's of the moment, as far as it is not limited."""

    name = models.CharField(max_length=100)
    created_by_name = models.CharField(max_length=150, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # The limits: no more than this role's rights, and only at this place. They go with the place, and the token with them:
    # one that lost its limits would open more.
    role = models.CharField(max_length=32, blank=True)
    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    deployment = models.ForeignKey(Deployment, null=True, blank=True, on_delete=models.CASCADE, related_name="+")

    objects = AuthTokenManager.from_queryset(TokenQuerySet)()

    class Meta:
        default_permissions = ("view", "delete")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization=None) | models.Q(deployment=None),
                name="a_token_is_limited_to_one_place_at_most",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @property
    def reference(self) -> str:
        """Answer what names it in addresses: enough of its digest to find it, of no use to anybody who reads it."""
        return str(self.digest)[:REFERENCE_LENGTH]


class Invitation(models.Model):
    """A link that gives one person a role at one place, once. Its secret is stored as a hash."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    deployment = models.ForeignKey(
        Deployment, null=True, blank=True, on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(max_length=32)
    email = models.EmailField()
    digest = models.CharField(max_length=64, unique=True)
    # It grants in this account's name, with the rights that the account has when it is accepted.
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    invited_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by_name = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by_name = models.CharField(max_length=150, blank=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.email} to {self.place}"

    @property
    def place(self) -> Organization | Deployment:
        """Answer where it gives a role."""
        return self.deployment or self.organization


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
