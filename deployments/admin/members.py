"""Who holds which role on a place: a table below its form. What it does goes through `access`, which caps every grant.

Guardian's rows are one right each and are not what people think in: nobody edits them.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse

from deployments import access, operations
from deployments.access import Place, Role, label_of, may_grant, roles_to_grant
from deployments.admin.base import PortalAdmin, person
from portal.common.problems import Invalid, NotAllowed, Refusal

# So many accounts are offered to a superuser while typing; others type the whole name.
MOST_OFFERED = 500


@dataclass(frozen=True)
class Members:
    """What the table shows."""

    rows: list[tuple[access.Membership, bool]]
    roles: list[tuple[str, str]]
    offered: list[str]
    action: str


class GrantForm(forms.Form):
    """An account by its exact name, and a role; an empty role takes the role away."""

    username = forms.CharField(max_length=150)
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], required=False)


class MembersAdmin(PortalAdmin):
    """Places on which roles are granted."""

    change_form_outer_after_template = "admin/lastgood/members.html"

    def get_urls(self) -> list[Any]:
        """Add where the table is sent to."""
        name = f"deployments_{self.model._meta.model_name}_members"
        view = self.admin_site.admin_view(self.change_members)
        return [path("<int:object_id>/members/", view, name=name), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the members to those who may grant."""
        members = self._members(request, object_id) if object_id else None
        return super().changeform_view(request, object_id, form_url, {"members": members} | (extra_context or {}))

    def change_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Grant a role or take it away. Raises Http404, PermissionDenied."""
        place = self.get_object(request, str(object_id))
        if not may_grant(person(request), place):
            raise PermissionDenied("You may not see or change who has roles here.")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = GrantForm(request.POST)
        try:
            said = _change(form, place, person(request))
        except NotAllowed as refused:
            raise PermissionDenied(refused.detail) from refused
        except Refusal as refused:
            messages.error(request, refused.detail)
        else:
            self.log_change(request, place, said)
            messages.success(request, said)
        page = reverse(f"admin:deployments_{self.model._meta.model_name}_change", args=[object_id])
        # Who took the role away from themselves may not see the page any more.
        seen = self.has_view_permission(request, place)
        return HttpResponseRedirect(page if seen else reverse("admin:index"))

    def _members(self, request: HttpRequest, object_id: str) -> Members | None:
        place = self.get_object(request, object_id)
        if not may_grant(person(request), place):
            return None
        grantable = roles_to_grant(person(request), place)
        return Members(
            rows=[(member, member.role in grantable) for member in access.members(place)],
            roles=[(role.value, label_of(role)) for role in grantable],
            offered=_offered(person(request)),
            action=reverse(f"admin:deployments_{self.model._meta.model_name}_members", args=[place.pk]),
        )


def _change(form: GrantForm, place: Place, actor: User) -> str:
    """Grant or revoke, and say so. Raises NotAllowed, Invalid, LastAdmin."""
    if not form.is_valid():
        raise Invalid("Name an account and choose one of the roles.")
    user = operations.find_account(name=form.cleaned_data["username"], place=place)
    if not form.cleaned_data["role"]:
        operations.remove_role(user=user, place=place, actor=actor)
        return f"{user} has no role of their own on {place} any more."
    role = Role(form.cleaned_data["role"])
    operations.set_role(user=user, role=role, place=place, actor=actor)
    return f"{user} is {label_of(role)} of {place}."


def _offered(actor: User) -> list[str]:
    if not actor.is_superuser:
        return []
    names = User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)
    return list(names[:MOST_OFFERED])
