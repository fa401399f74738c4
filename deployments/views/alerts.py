"""A deployment's alerts: who is told of what, whether it arrives, and changing that."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import operations
from deployments.access import Right, require, rights_on
from deployments.alerting.channels import LONGEST_ADDRESS, hint
from deployments.models import AlertChannel, CodeLocation, Deployment, Notification
from deployments.states import AlertKind, ChannelKind, NotificationStatus
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_deployment, person
from deployments.views.forms import read
from deployments.views.moments import ago
from portal.common.problems import Invalid, Refusal

MOST_CHANNELS, MOST_NOTIFICATIONS = 200, 50
TONES = {
    NotificationStatus.SENT: "succeeded",
    NotificationStatus.FAILED: "failed",
    NotificationStatus.PENDING: "queued",
}


class Channel(forms.Form):
    """A channel, as it is asked for. An empty address leaves the one that is set."""

    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=ChannelKind.choices, required=False)
    address = forms.CharField(max_length=LONGEST_ADDRESS, required=False)
    alerts = forms.MultipleChoiceField(choices=AlertKind.choices, required=False)
    code_location = forms.CharField(max_length=128, required=False)
    renotify_minutes = forms.IntegerField(min_value=1, max_value=10_080, required=False)
    enabled = forms.BooleanField(required=False)


@require_safe
@login_required
@never_cache
@refusals_shown()
def alerts(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Show who is told of what, and what they were told last."""
    return show_alerts(request, org, deployment)


def show_alerts(
    request: HttpRequest, org: str, deployment: str, channel: str = "", refusal: Refusal | None = None
) -> HttpResponse:
    """Draw the page; with what was refused, if something was."""
    place = find_deployment(request, org, deployment)
    may = Right.CONFIGURE in rights_on(person(request), place)
    now = timezone.now()
    rows = AlertChannel.objects.filter(deployment=place).select_related("code_location").order_by("name")
    told = Notification.objects.filter(channel__deployment=place)
    told = told.select_related("channel", "code_location", "deploy").defer("body").order_by("-pk")[:MOST_NOTIFICATIONS]
    context = {
        "deployment": place,
        "may_configure": may,
        "channels": [_line(row, now, may_configure=may) for row in rows[:MOST_CHANNELS]],
        "told": [
            {"row": row, "tone": TONES[NotificationStatus(row.status)], "when": ago(row.created_at, now)}
            for row in told
        ],
        "refusal": refusal,
    }
    return render(request, "deployments/alerts.html", context, status=refusal.status if refusal else 200)


@require_safe
@login_required
@never_cache
@refusals_shown()
def new(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Ask what a new channel shall be."""
    return show_new(request, org, deployment)


def show_new(request: HttpRequest, org: str, deployment: str, refusal: Refusal | None = None) -> HttpResponse:
    """Draw the form of a new channel; with what was refused, if something was."""
    return _show_form(request, find_deployment(request, org, deployment), None, refusal)


@require_POST
@login_required
@refusals_shown(on=show_new)
def create(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Create a channel."""
    place = find_deployment(request, org, deployment)
    require(person(request), Right.CONFIGURE, place)
    sent = _read(request, place)
    made = operations.create_channel(deployment=place, actor=person(request), **sent)
    messages.success(request, f"“{made.name}” is there. Send a test, to see whether it arrives.")
    return redirect("deployments:alerts", org, deployment)


@require_safe
@login_required
@never_cache
@refusals_shown()
def channel(request: HttpRequest, org: str, deployment: str, channel: str) -> HttpResponse:
    """Ask what shall change of a channel."""
    return show_channel(request, org, deployment, channel)


def show_channel(
    request: HttpRequest, org: str, deployment: str, channel: str, refusal: Refusal | None = None
) -> HttpResponse:
    """Draw the form of a channel; with what was refused, if something was."""
    place = find_deployment(request, org, deployment)
    return _show_form(request, place, _find(place, channel), refusal)


@require_POST
@login_required
@refusals_shown(on=show_channel)
def change(request: HttpRequest, org: str, deployment: str, channel: str) -> HttpResponse:
    """Change a channel."""
    place = find_deployment(request, org, deployment)
    found = _find(place, channel)
    require(person(request), Right.CONFIGURE, place)
    sent = _read(request, place)
    sent.pop("kind")
    if not sent["address"]:
        sent.pop("address")
    changed = operations.change_channel(channel=found, actor=person(request), **sent)
    messages.success(request, f"“{changed.name}” is changed.")
    return redirect("deployments:alerts", org, deployment)


@require_POST
@login_required
@refusals_shown(on=show_alerts)
def remove(request: HttpRequest, org: str, deployment: str, channel: str) -> HttpResponse:
    """Remove a channel."""
    found = _find(find_deployment(request, org, deployment), channel)
    operations.remove_channel(channel=found, actor=person(request))
    messages.success(request, f"“{channel}” is removed.")
    return redirect("deployments:alerts", org, deployment)


@require_POST
@login_required
@refusals_shown(on=show_alerts)
def test(request: HttpRequest, org: str, deployment: str, channel: str) -> HttpResponse:
    """Send a test, and say whether it arrived."""
    found = _find(find_deployment(request, org, deployment), channel)
    operations.test_channel(channel=found, actor=person(request), clock=timezone.now)
    messages.success(request, f"The test of “{channel}” was taken.")
    return redirect("deployments:alerts", org, deployment)


def _find(place: Deployment, name: str) -> AlertChannel:
    rows = AlertChannel.objects.select_related("deployment__organization", "code_location")
    found = None if "\0" in name else rows.filter(deployment=place, name=name).first()
    if found is None:
        raise Http404
    return found


def _line(row: AlertChannel, now: Any, *, may_configure: bool) -> dict[str, Any]:
    return {
        "row": row,
        "alerts": [AlertKind(alert).label for alert in row.alerts if alert in AlertKind.values],
        "hint": hint(row.kind, row.address) if may_configure else "",
        "sent": ago(row.last_sent_at, now),
    }


def _read(request: HttpRequest, place: Deployment) -> dict[str, Any]:
    """Answer what was sent, the code location as its row. Raises Invalid."""
    sent = read(Channel, request)
    name = sent["code_location"]
    sent["code_location"] = CodeLocation.objects.filter(deployment=place, name=name).first() if name else None
    if name and sent["code_location"] is None:
        raise Invalid(f"{place} has no code location of this name.", code="no_such_code_location")
    return sent


def _show_form(
    request: HttpRequest, place: Deployment, found: AlertChannel | None, refusal: Refusal | None
) -> HttpResponse:
    require(person(request), Right.CONFIGURE, place)
    posted = request.method == "POST"
    chosen = request.POST.getlist("alerts") if posted else found.alerts if found else AlertKind.values
    kind = found.kind if found else request.POST.get("kind", "") or ChannelKind.EMAIL
    context = {
        "deployment": place,
        "channel": found,
        "said": request.POST if posted else _said(found),
        "kinds": [(value, label, value == kind) for value, label in ChannelKind.choices],
        "alerts": [(value, label, value in chosen) for value, label in AlertKind.choices],
        "enabled": bool(request.POST.get("enabled")) if posted else found is None or found.enabled,
        "locations": place.code_locations.order_by("name").values_list("name", flat=True)[:500],
        "hint": hint(found.kind, found.address) if found else "",
        "refusal": refusal,
    }
    fragment = bool(getattr(request, "htmx", False))
    template = "deployments/_alert_channel.html" if fragment else "deployments/alert_channel.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


def _said(found: AlertChannel | None) -> dict[str, Any]:
    """Answer what the form holds when it opens: everything but the address."""
    if found is None:
        return {}
    location = found.code_location.name if found.code_location else ""
    return {"name": found.name, "code_location": location, "renotify_minutes": found.renotify_minutes or ""}
