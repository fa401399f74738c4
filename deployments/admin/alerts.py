"""Alert channels, changed through the operations; incidents and notifications, to read. An address is written only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from deployments import access, operations
from deployments.access import Right
from deployments.admin.base import PortalAdmin, adopt, display, may_somewhere, person
from deployments.admin.filters import PLACES, DeploymentFilter, OrganizationFilter, is_set, recent
from deployments.alerting.channels import LONGEST_ADDRESS, hint
from deployments.models import AlertChannel, Deployment, Incident, Notification
from deployments.states import AlertKind, NotificationStatus
from portal.common.problems import Refusal

STATUS_COLORS = {NotificationStatus.SENT: "success", NotificationStatus.FAILED: "danger"}


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]  # its class is the model's
    """A channel, whose address can be written and not be read."""

    address = forms.CharField(
        max_length=LONGEST_ADDRESS,
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="E-mail addresses with commas between, the address of a webhook, or a PagerDuty integration key. "
        "Empty: what is set already stays.",
    )
    alerts = forms.MultipleChoiceField(
        choices=AlertKind.choices, initial=AlertKind.values, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )


@admin.register(AlertChannel)
class AlertChannelAdmin(PortalAdmin):
    """Who is told of what."""

    form = ChannelForm
    to_organization = "deployment__organization"
    to_deployment = "deployment"
    list_display = ("name", "deployment", "code_location", "kind", "standing", "last_sent_at", "failing_since")
    list_filter = (
        OrganizationFilter,
        DeploymentFilter,
        ("kind", ChoicesDropdownFilter),
        ("enabled", BooleanRadioFilter),
        is_set("failing_since", "failing", "Does not arrive", "Arrives"),
    )
    search_fields = ("name", "deployment__slug", "deployment__organization__slug")
    list_select_related = ("deployment__organization", "code_location__deployment__organization")
    autocomplete_fields = ("deployment", "code_location")
    ordering = ("deployment__organization__slug", "deployment__slug", "name")
    empty_text = "Nobody is told of anything yet. Add a channel: e-mail, Slack, Teams, PagerDuty or a webhook."
    asked = ("name", "code_location", "alerts", "renotify_minutes", "enabled")
    facts = ("address_hint", "last_sent_at", "failing_since", "last_error", "created_by_name", "created_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Ask for the address where it may be set; show what became of the newest notification."""
        if obj is None:
            return ["deployment", "kind", "address", *self.asked]
        may = self.has_change_permission(request, obj)
        facts = self.facts if may else self.facts[1:]
        return ["deployment", "kind", *(["address"] if may else []), *self.asked, *facts]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep its deployment and its kind."""
        return ["deployment", "kind", *self.facts] if obj else []

    def choices_of(self, name: str, request: HttpRequest) -> QuerySet[Any]:
        """Offer the deployments that the person may configure."""
        rows = Deployment.objects.allowing(person(request), Right.CONFIGURE)
        return rows.select_related("organization") if name == "deployment" else super().choices_of(name, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those create channels who configure a deployment."""
        return may_somewhere(request, Right.CONFIGURE, Deployment)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those change it who configure its deployment."""
        if obj is None:
            return self.has_add_permission(request)
        return access.allows(person(request), Right.CONFIGURE, obj.deployment)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those remove it who configure its deployment."""
        return self.has_change_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Answer what would go, without loading all that it was told."""
        return [str(each) for each in objs], {str(self.opts.verbose_name): len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create or change it through the operations. Raises Refusal."""
        said = form.cleaned_data
        if not change:
            if not said["address"]:
                raise Refusal("A channel needs an address.", code="bad_address")
            adopt(obj, operations.create_channel(actor=person(request), **said))
            return
        names = [name for name in form.changed_data if name != "address" or said["address"]]
        stored = AlertChannel.objects.select_related("deployment__organization").get(pk=obj.pk)
        fields = {name: said[name] for name in names}
        adopt(obj, operations.change_channel(channel=stored, actor=person(request), **fields))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove it through the operation. Raises Refusal."""
        operations.remove_channel(channel=obj, actor=person(request))

    @display(description="state", label={"Arrives": "success", "Does not arrive": "danger"})
    def standing(self, row: AlertChannel) -> str:
        """Say whether what is told there arrives."""
        if not row.enabled:
            return "Off"
        if row.failing_since:
            return "Does not arrive"
        return "Arrives" if row.last_sent_at else "Not used yet"

    @display(description="address")
    def address_hint(self, row: AlertChannel) -> str:
        """Answer as much of the address as everybody may know."""
        return hint(row.kind, row.address)


@admin.register(Incident)
class IncidentAdmin(PortalAdmin):
    """Code locations that failed to load, and until when."""

    to_organization = "code_location__deployment__organization"
    to_deployment = "code_location__deployment"
    to_location = "code_location"
    list_display = ("code_location", "opened_at", "closed_at")
    list_filter = (*PLACES, is_set("closed_at", "over", "Over", "Lasts"), recent("opened_at", "opened"))
    empty_text = "No code location ever failed to load."
    search_fields = ("code_location__name", "code_location__deployment__slug")
    list_select_related = ("code_location__deployment__organization",)
    ordering = ("-opened_at", "-pk")


@admin.register(Notification)
class NotificationAdmin(PortalAdmin):
    """What was told, and what became of it."""

    to_organization = "channel__deployment__organization"
    to_deployment = "channel__deployment"
    to_location = "code_location"
    list_display = ("title", "channel", "alert", "state", "attempts", "created_at", "sent_at", "error")
    list_filter = (
        *PLACES,
        ("status", ChoicesDropdownFilter),
        ("alert", ChoicesDropdownFilter),
        recent("created_at", "told"),
    )
    search_fields = ("title", "channel__name", "code_location__name")
    list_select_related = ("channel__deployment__organization",)
    ordering = ("-pk",)

    @display(description="status", ordering="status", label=STATUS_COLORS)
    def state(self, row: Notification) -> tuple[str, str]:
        """Say where it stands."""
        return row.status, row.get_status_display()
