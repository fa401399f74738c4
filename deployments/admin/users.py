"""Accounts of people: the operator's. What a person may do is granted on places, not here."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from deployments.admin.base import OperatorsAdmin, display
from deployments.admin.filters import recent

# Django's and allauth's own pages ask for model permissions, which mean nothing here; groups hold nothing that we grant.
for registered in (User, Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(registered)


@admin.register(User)
class PersonAdmin(OperatorsAdmin, UserAdmin):  # type: ignore[misc,type-arg]  # ours is untyped below
    """People. Machines' accounts are made and removed as service accounts."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "full_name", "standing", "last_login", "date_joined")
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
        recent("last_login", "signed in"),
        recent("date_joined", "joined"),
    )
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    @display(description="name", ordering="last_name")
    def full_name(self, row: User) -> str:
        """Answer the first and the last name."""
        return row.get_full_name()

    @display(description="state", label={"Operator": "info", "Deactivated": "danger"})
    def standing(self, row: User) -> str:
        """Say whether the account opens anything, and whether it opens everything."""
        if not row.is_active:
            return "Deactivated"
        return "Operator" if row.is_superuser else "Active"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer the people, to superusers."""
        people = User.objects.filter(service_account=None).order_by("username")
        return people if self.has_module_permission(request) else people.none()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let superusers make accounts."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers change them."""
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers delete any account but their own."""
        return self.has_module_permission(request) and (obj is None or obj.pk != request.user.pk)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Say that tokens and roles go with the account. Deploys keep its name."""
        return [f"{each}, with tokens and roles" for each in objs], {"user": len(objs)}, set(), []


@admin.register(Authenticator)
class AuthenticatorAdmin(OperatorsAdmin):
    """Second factors. Their keys are shown to nobody; whoever lost theirs has it removed here, and sets up another."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    ordering = ("user__username", "type")
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Answer them to superusers."""
        rows: QuerySet[Any] = Authenticator.objects.select_related("user")
        return rows if self.has_module_permission(request) else rows.none()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers remove them."""
        return self.has_module_permission(request)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Say whose it is."""
        return [f"{each} of {each.user}" for each in objs], {"second factor": len(objs)}, set(), []
