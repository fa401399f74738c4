"""Machines' accounts, tokens, and what was answered already."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from deployments import access, operations
from deployments.access import Right
from deployments.admin.base import OperatorsAdmin, PortalAdmin, adopt, display, may_somewhere, person
from deployments.admin.filters import OrganizationFilter, is_set, recent
from deployments.models import IdempotencyRecord, Invitation, Organization, ServiceAccount, Token
from deployments.operations.accounts import LONGEST_TOKEN_DAYS


@admin.register(ServiceAccount)
class ServiceAccountAdmin(PortalAdmin):
    """CI's accounts. Their roles are granted on organizations and deployments, as anybody's; their tokens are made there."""

    to_organization = "organization"
    list_display = ("name", "organization", "username", "created_by_name", "created_at")
    list_filter = (OrganizationFilter, recent("created_at", "made"))
    empty_text = (
        "Machines have accounts of their own: add one for CI, give it a role on a deployment, then make its token."
    )
    search_fields = ("name", "organization__slug", "user__username")
    list_select_related = ("organization", "user")
    autocomplete_fields = ("organization",)
    ordering = ("organization__slug", "name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Ask for organization and name; show the rest afterwards."""
        return ["organization", "name", *(["username", "created_by_name", "created_at"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep everything: history names it."""
        return ["organization", "name", "username", "created_by_name", "created_at"] if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer the organizations that the person administers."""
        return Organization.objects.allowing(person(request), Right.ADMINISTER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those create them who administer an organization."""
        return may_somewhere(request, Right.ADMINISTER, Organization)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those remove them who administer the organization."""
        if obj is None:
            return self.has_add_permission(request)
        return access.allows(person(request), Right.ADMINISTER, obj.organization)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Say that tokens and roles go with it. Deploys keep its name."""
        tokens = Token.objects.filter(user__service_account__in=objs).count()
        said = [f"{each}, with its roles" for each in objs]
        return said, {"service account": len(said), "tokens": tokens}, set(), []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create it through the operation. Raises Refusal."""
        made = operations.create_service_account(actor=person(request), now=timezone.now(), **form.cleaned_data)
        adopt(obj, made)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove it through the operation. Raises Refusal."""
        operations.remove_service_account(account=obj, actor=person(request))

    @display(description="account", ordering="user__username")
    def username(self, row: ServiceAccount) -> str:
        """Name the account that roles are granted to."""
        return row.user.get_username()


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """Whose, what for, for how long."""

    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_TOKEN_DAYS,
        initial=90,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Valid for so long.",
    )

    class Meta:
        model = Token
        fields = ("user", "name")


class OwnerFilter(DropdownFilter):  # type: ignore[misc]  # unfold ships no types
    """By who owns it."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer one's own, and machines'."""
        return [("me", "Me"), ("machine", "Service accounts")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        kept = {"me": Q(user_id=request.user.pk), "machine": Q(user__service_account__isnull=False)}
        return queryset.filter(kept[self.value()]) if self.value() in kept else queryset


@admin.register(Token)
class TokenAdmin(PortalAdmin):
    """Tokens: one's own, and those of the machines of organizations that one administers."""

    form = TokenForm
    list_display = ("name", "user", "state", "created", "expiry", "last_used_at", "created_by_name")
    list_filter = (
        OwnerFilter,
        is_set("last_used_at", "used", "Used", "Never used"),
        recent("created", "made"),
    )
    empty_text = "Add a token for the command line, or for CI."
    search_fields = ("name", "user__username")
    list_select_related = ("user",)
    ordering = ("-created",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Never show digests: nobody has use for them."""
        if obj is None:
            return ["user", "name", "days"]
        limits = ["role", "organization", "deployment"]
        return ["user", "name", "state", *limits, "created", "expiry", "last_used_at", "created_by_name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep everything: another token is another row."""
        return self.get_fields(request, obj) if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer oneself and the machines of one's organizations: nobody acts in another person's name."""
        administered = Organization.objects.allowing(person(request), Right.ADMINISTER)
        machines = Q(service_account__organization__in=administered)
        return User.objects.filter(Q(pk=request.user.pk) | machines).order_by("username")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with oneself."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        return {"user": request.user.pk} | given

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let everybody make tokens for themselves."""
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those revoke a token who see it."""
        return self.has_view_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Say which token stops working."""
        return [str(each) for each in objs], {"token": len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make it through the operation. Raises Refusal."""
        made, secret = operations.create_token(actor=person(request), **form.cleaned_data)
        adopt(obj, made)
        request.new_token = secret  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Revoke it through the operation. Raises Refusal."""
        operations.revoke_token(token=obj, actor=person(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the token, this once: it is stored nowhere, in no session and no message."""
        context = self.admin_site.each_context(request) | {
            "title": "Your new token",
            "opts": self.model._meta,
            "token": obj,
            "secret": request.new_token,  # type: ignore[attr-defined]
        }
        return render(request, "admin/lastgood/token.html", context)

    @display(description="state", label={"Valid": "success", "Expired": "danger"})
    def state(self, row: Token) -> str:
        """Say whether it opens anything."""
        return "Expired" if row.expiry and row.expiry <= timezone.now() else "Valid"


@admin.register(Invitation)
class InvitationAdmin(PortalAdmin):
    """Invitations, open and over. They are made and withdrawn on the pages of members; their links are shown nowhere."""

    list_display = ("email", "organization", "deployment", "role", "invited_by_name", "created_at", "accepted_by_name")
    list_filter = (is_set("accepted_at", "accepted", "Accepted", "Not accepted"),)
    search_fields = ("email", "invited_by_name", "accepted_by_name", "organization__slug")
    list_select_related = ("organization", "deployment__organization")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    fields = readonly_fields = (
        "email",
        "role",
        "organization",
        "deployment",
        "invited_by_name",
        "created_at",
        "expires_at",
        "accepted_at",
        "accepted_by_name",
        "withdrawn_at",
        "withdrawn_by_name",
    )


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(OperatorsAdmin):
    """Writes that were answered. Neither keys nor answers are shown."""

    list_display = ("user", "created_at", "status")
    list_filter = (recent("created_at", "answered"),)
    search_fields = ("user__username",)
    list_select_related = ("user",)
    ordering = ("-pk",)
    fields = ("user", "created_at", "status")
