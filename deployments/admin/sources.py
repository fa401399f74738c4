"""Git sources, changed through the operations; deliveries of their webhooks, to read. Secrets are written only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from deployments import access, operations, sourcing
from deployments.access import Right
from deployments.admin.base import PortalAdmin, adopt, display, may_somewhere, person
from deployments.admin.filters import PLACES, is_set, recent
from deployments.models import CodeLocation, Deployment, GitSource, HookDelivery
from deployments.operations.git_sources import LONGEST_KEY, LONGEST_TOKEN

STAYS = "Empty: what is set stays. “-” takes it away."


class BlindTextarea(UnfoldAdminTextareaWidget):  # type: ignore[misc]  # unfold ships no types
    """Lines that are taken and never shown, not even to who has just written them."""

    def format_value(self, value: Any) -> str:
        """Answer nothing."""
        return ""


class GitSourceForm(forms.ModelForm):  # type: ignore[type-arg]  # its class is the model's
    """A source, whose secrets can be written and not be read."""

    token = forms.CharField(
        max_length=LONGEST_TOKEN,
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=f"For https addresses. {STAYS}",
    )
    deploy_key = forms.CharField(
        max_length=LONGEST_KEY,
        required=False,
        strip=False,
        widget=BlindTextarea(attrs={"autocomplete": "off", "rows": 3}),
        help_text=f"For ssh addresses: a private key. {STAYS}",
    )
    rotate_hook_secret = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Make a new secret for the webhook: it is shown once, on the next page.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Not the stored ones, which Django would put there.
        self.initial = {**self.initial, "token": "", "deploy_key": ""}

    def settings(self) -> operations.GitSettings:
        """Answer what was said, as the operation takes it."""
        said = {name: self.cleaned_data[name] for name in ("url", "branch", "folder", "mount", "known_hosts")}
        said |= {name: self.cleaned_data[name] for name in ("poll_seconds", "paused", "rotate_hook_secret")}
        said |= {name: _secret(self.cleaned_data[name]) for name in ("token", "deploy_key")}
        return operations.GitSettings(**said)


def _secret(said: str) -> str | None:
    return {"": None, "-": ""}.get(said.strip(), said)


@admin.register(GitSource)
class GitSourceAdmin(PortalAdmin):
    """Where code locations' code is fetched from."""

    form = GitSourceForm
    to_organization = "code_location__deployment__organization"
    to_deployment = "code_location__deployment"
    to_location = "code_location"
    list_display = ("code_location", "url", "branch", "folder", "state", "asked_at", "last_deploy")
    list_filter = (*PLACES, ("paused", BooleanRadioFilter), is_set("error", "in trouble", "In trouble", "Well"))
    search_fields = ("url", "code_location__name", "code_location__deployment__slug")
    list_select_related = (
        "code_location__deployment__organization",
        "last_deploy__code_location__deployment__organization",
    )
    autocomplete_fields = ("code_location",)
    ordering = ("code_location__deployment__organization__slug", "code_location__deployment__slug", "pk")
    empty_text = "No code location is fetched from Git. Add a source, or set one up on a code location's Git page."
    asked = ("url", "branch", "folder", "mount", "token", "deploy_key", "known_hosts", "poll_seconds", "paused")
    seen = ("url", "branch", "folder", "mount", "known_hosts", "poll_seconds", "paused")
    facts = ("state", "trouble", "fetched_commit", "wanted_commit", "last_deploy", "asked_at", "due_at", "set_by_name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Ask for secrets where they may be set; show how it went."""
        if obj is None:
            return ["code_location", *self.asked]
        if not self.has_change_permission(request, obj):
            return ["code_location", *self.seen, *self.facts]
        return ["code_location", *self.asked, "rotate_hook_secret", "hook_address", *self.facts]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep its code location."""
        return ["code_location", "hook_address", *self.facts] if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer the code locations of deployments that the person may configure."""
        allowed = Deployment.objects.allowing(person(request), Right.CONFIGURE)
        rows = CodeLocation.objects.filter(deployment__in=allowed, git_source=None)
        return rows.select_related("deployment__organization")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those set one up who configure a deployment."""
        return may_somewhere(request, Right.CONFIGURE, Deployment)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those change it who configure its deployment."""
        if obj is None:
            return self.has_add_permission(request)
        return access.allows(person(request), Right.CONFIGURE, obj.code_location.deployment)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those remove it who configure its deployment."""
        return self.has_change_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Answer what would go, without loading every delivery."""
        return [str(each) for each in objs], {str(self.opts.verbose_name): len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Set it through the operation. Raises Refusal."""
        location = CodeLocation.objects.select_related("deployment__organization").get(pk=obj.code_location_id)
        made = operations.set_source(
            location=location, settings=form.settings(), actor=person(request), now=timezone.now()
        )
        adopt(obj, made.source)
        request.hook_secret = made.hook_secret  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove it through the operation. Raises Refusal."""
        operations.remove_source(source=obj, actor=person(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the webhook's secret."""
        return self._told_once(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Show the webhook's secret, if there is a new one."""
        return self._told_once(request, obj) or super().response_change(request, obj)

    def _told_once(self, request: HttpRequest, obj: GitSource) -> HttpResponse | None:
        # In no session and no message: this page is the only place.
        secret = getattr(request, "hook_secret", None)
        if not secret:
            return None
        context = self.admin_site.each_context(request) | {
            "title": "The webhook's secret",
            "opts": self.model._meta,
            "source": obj,
            "address": sourcing.address_of(obj),
            "secret": secret,
        }
        return render(request, "admin/lastgood/hook_secret.html", context)

    @display(description="webhook")
    def hook_address(self, row: GitSource) -> str:
        """Answer the address that pushes are posted to."""
        return sourcing.address_of(row)

    @display(description="state", label={"Well": "success", "In trouble": "danger", "Paused": "warning"})
    def state(self, row: GitSource) -> str:
        """Say how it stands."""
        return "Paused" if row.paused else "In trouble" if row.error else "Well"

    @display(description="trouble")
    def trouble(self, row: GitSource) -> str:
        """Answer the newest failure's words."""
        return f"{row.error['code']}: {row.error['detail']}" if row.error else ""


@admin.register(HookDelivery)
class HookDeliveryAdmin(PortalAdmin):
    """What webhooks told."""

    to_organization = "source__code_location__deployment__organization"
    to_deployment = "source__code_location__deployment"
    to_location = "source__code_location"
    list_display = ("name", "source", "commit", "taken_at")
    list_filter = (*PLACES, recent("taken_at", "taken"))
    search_fields = ("name", "commit", "source__code_location__name")
    list_select_related = ("source__code_location__deployment__organization",)
    ordering = ("-pk",)
