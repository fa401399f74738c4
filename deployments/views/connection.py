"""The connection to a deployment's platform: what it is, whether it works, and changing that."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import drivers, history, operations
from deployments.access import Right, require
from deployments.models import CodeLocation, Deployment, RemoteAgent
from deployments.platforms.airflow import DAGS_FOLDER
from deployments.platforms.base import Connection
from deployments.states import PlatformKind, TargetKind
from deployments.views.answering import refusals_shown
from deployments.views.connected import connected
from deployments.views.finding import find_deployment, find_location, person
from deployments.views.forms import read
from deployments.views.moments import ago
from deployments.views.standing import fails_since, standing
from portal.common.problems import Invalid, Refusal

MOST_LOCATIONS = 500
MOST_AGENTS = 500
# What the form shows again when it was refused.
SAID = ("platform", "platform_url", "platform_user", "dag_bundle", "poll_seconds", "commit_link")
# What each target does with a release, and with runs that are in flight.
TARGETS = [
    (
        TargetKind.DIRECTORY,
        "The files of a release are put into a folder, and a link is swapped to it in one step. The simple one. It mixes: a run "
        "in flight whose later steps start after the swap reads the new files.",
    ),
    (
        TargetKind.WORKSPACE,
        "The same folders, and the code location's entry in Dagster's workspace.yaml is pointed at the release itself. Runs in "
        "flight stay on the release that they began with.",
    ),
    (
        TargetKind.WEBHOOK,
        "Something else runs an image: Kubernetes, Compose, ECS. It is told by a signed POST which image, pinned by its digest, "
        "and answers when it is done.",
    ),
]


# An Airflow reads what lies in place by itself, wherever its folder or its DAG bundle leads.
OF_AIRFLOW = {
    TargetKind.DIRECTORY: "The files of a release are put into a folder, and a link is swapped to it in one step. With "
    "Airflow's own folder, tasks of a run in flight that start after the swap take the new files. With the DAG bundle of "
    "Lastgood, each run finishes on the release that it began with."
}


class Changing(forms.Form):
    """The connection as it shall be. Empty headers and an empty password leave those that are set."""

    platform = forms.ChoiceField(choices=[(PlatformKind.DAGSTER, ""), (PlatformKind.AIRFLOW, "")], required=False)
    platform_url = forms.CharField(max_length=200, required=False)
    platform_user = forms.CharField(max_length=255, required=False)
    platform_password = forms.CharField(max_length=4000, required=False, strip=False)
    dag_bundle = forms.CharField(max_length=250, required=False)
    headers = forms.CharField(max_length=20_000, required=False)
    remove_headers = forms.BooleanField(required=False)
    poll_seconds = forms.IntegerField(min_value=5, max_value=3600)
    commit_link = forms.CharField(max_length=300, required=False)


class Muting(forms.Form):
    """Whether a code location is offline on purpose."""

    muted = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])


@require_safe
@login_required
@never_cache
@refusals_shown()
def connection(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Show how the deployment is connected."""
    return show_connection(request, org, deployment)


def show_connection(
    request: HttpRequest,
    org: str,
    deployment: str,
    location: str = "",
    refusal: Refusal | None = None,
    met: Connection | None = None,
    name: str = "",
) -> HttpResponse:
    """Draw the page; with what was refused, or with what the platform said of itself."""
    place = find_deployment(request, org, deployment)
    require(person(request), Right.CONFIGURE, place)
    context = {
        "deployment": place,
        "connected": connected(place, timezone.now()),
        "has_password": bool(place.platform_password),
        "headers": sorted(drivers.headers_of(place)),
        "said": _said(request, place),
        "kinds": [(kind, kind.label) for kind in (PlatformKind.DAGSTER, PlatformKind.AIRFLOW)],
        "targets": _targets(place),
        "agents": _agents(place),
        "lines": _lines(place),
        "met": met,
        "refusal": refusal,
    }
    return render(request, "deployments/connection.html", context, status=refusal.status if refusal else 200)


@require_POST
@login_required
@never_cache
@refusals_shown(on=show_connection)
def test(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Ask the platform what it is and what we may do there, and show what it answers."""
    place = find_deployment(request, org, deployment)
    met = operations.test_connection(deployment=place, actor=person(request))
    return show_connection(request, org, deployment, met=met)


@require_POST
@login_required
@refusals_shown(on=show_connection)
def change(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Change the connection."""
    place = find_deployment(request, org, deployment)
    require(person(request), Right.CONFIGURE, place)
    operations.change_deployment(deployment=place, actor=person(request), **_fields(read(Changing, request), place))
    messages.success(request, f"The connection of {place} is changed.")
    return redirect("deployments:connection", org, deployment)


@require_POST
@login_required
@refusals_shown(on=show_connection)
def mute(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Say that a code location is offline on purpose, or that it is not any more."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.CONFIGURE, place.deployment)
    muted = read(Muting, request)["muted"] == "on"
    operations.change_code_location(location=place, actor=person(request), muted=muted)
    words = "planned offline: its failures are recorded, and alert nobody" if muted else "expected to load"
    messages.success(request, f"{place.name} is {words}.")
    return redirect("deployments:connection", org, deployment)


@require_POST
@login_required
@refusals_shown(on=show_connection)
def forget_agent(request: HttpRequest, org: str, deployment: str, name: str) -> HttpResponse:
    """Forget a remote agent that is no more."""
    place = find_deployment(request, org, deployment)
    operations.forget_agent(deployment=place, name=name, actor=person(request))
    messages.success(request, f"The agent {name} is forgotten, until it reports itself again.")
    return redirect("deployments:connection", org, deployment)


def headers_in(text: str) -> dict[str, str]:
    """Answer the headers of a text that has one `Name: value` a line. Raises Invalid, repeating no value."""
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            raise Invalid(f"Line {number} of the headers is not “Name: value”.", code="bad_headers")
        found[name.strip()] = value.strip()
    return found


def _fields(sent: dict[str, Any], place: Deployment) -> dict[str, Any]:
    """Answer what changes, as the operation takes it. Raises Invalid."""
    headers = headers_in(sent["headers"])
    if headers and sent["remove_headers"]:
        raise Invalid("Write new headers, or remove those that are set: not both.", code="bad_headers")
    url = sent["platform_url"]
    fields = {"poll_seconds": sent["poll_seconds"], "commit_link": sent["commit_link"], "platform_url": url}
    kind = PlatformKind(sent["platform"] or _kind_of(place))
    fields["platform"] = kind if url else PlatformKind.NONE
    if headers or sent["remove_headers"]:
        fields["platform_headers"] = headers
    if fields["platform"] == PlatformKind.AIRFLOW:
        fields |= {"platform_user": sent["platform_user"], "dag_bundle": sent["dag_bundle"] or DAGS_FOLDER}
        # Without a user there is nobody to whom a password belongs.
        if sent["platform_password"] or not sent["platform_user"]:
            fields["platform_password"] = sent["platform_password"] if sent["platform_user"] else ""
    return fields


def _kind_of(place: Deployment) -> PlatformKind:
    """Answer which kind the form is for when it opens."""
    return PlatformKind.DAGSTER if place.platform == PlatformKind.NONE else PlatformKind(place.platform)


def _said(request: HttpRequest, place: Deployment) -> dict[str, Any]:
    """Answer what the form holds when it opens: everything but passwords and the values of headers."""
    if "poll_seconds" in request.POST:
        return {"platform": _kind_of(place)} | {name: request.POST[name] for name in SAID if name in request.POST}
    return {
        "platform": _kind_of(place),
        "platform_url": place.platform_url if place.has_platform else "",
        "platform_user": place.platform_user,
        "dag_bundle": place.dag_bundle,
        "poll_seconds": place.poll_seconds,
        "commit_link": place.commit_link,
    }


def _targets(place: Deployment) -> list[tuple[str, str, bool]]:
    """Answer each way of putting releases in place that makes sense there: its name, what it does, and whether it is used."""
    if not place.reads_files:
        return [(kind.label, words, kind == place.target) for kind, words in TARGETS]
    return [
        (kind.label, OF_AIRFLOW.get(kind, words), kind == place.target)
        for kind, words in TARGETS
        if kind != TargetKind.WORKSPACE or kind == place.target
    ]


def _agents(place: Deployment) -> list[tuple[RemoteAgent, SafeString | str]]:
    """Answer the remote agents, and when each reported itself."""
    now = timezone.now()
    agents = RemoteAgent.objects.filter(deployment=place).order_by("name")[:MOST_AGENTS]
    return [(agent, ago(agent.reported_at, now)) for agent in agents]


def _lines(place: Deployment) -> list[dict[str, Any]]:
    locations: list[CodeLocation] = list(
        history.code_locations().filter(deployment=place).order_by("name")[:MOST_LOCATIONS]
    )
    holds, newest, failing = history.active_holds(locations), history.newest_deploys(locations), fails_since(locations)
    return [
        {
            "location": each,
            "chips": standing(
                each, hold=holds.get(each.pk), newest=newest.get(each.pk), fails_since=failing.get(each.pk)
            ),
        }
        for each in locations
    ]
