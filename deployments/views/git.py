"""The repository that a code location's code is fetched from: how that goes, and setting it up."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import operations, sourcing
from deployments.access import Right, require, rights_on
from deployments.commits import commit_url, without_credentials
from deployments.models import CodeLocation, GitSource
from deployments.operations import GitSettings
from deployments.operations.git_sources import LONGEST_KEY, LONGEST_TOKEN
from deployments.views.answering import refreshing, refusals_shown, unchanged
from deployments.views.finding import find_location, person
from deployments.views.forms import read
from deployments.views.moments import ago
from portal.common.problems import Refusal

SAID = ("url", "branch", "folder", "mount", "known_hosts", "poll_seconds")
DEFAULTS = {"url": "", "branch": "main", "folder": "", "mount": "dags", "known_hosts": "", "poll_seconds": 60}


class Setting(forms.Form):
    """A Git source as it shall be. Empty secrets leave those that are set."""

    url = forms.CharField(max_length=500)
    branch = forms.CharField(max_length=250)
    folder = forms.CharField(max_length=500, required=False)
    mount = forms.CharField(max_length=200)
    token = forms.CharField(max_length=LONGEST_TOKEN, required=False)
    remove_token = forms.BooleanField(required=False)
    deploy_key = forms.CharField(max_length=LONGEST_KEY, required=False, strip=False)
    remove_deploy_key = forms.BooleanField(required=False)
    known_hosts = forms.CharField(max_length=LONGEST_KEY, required=False, strip=False)
    poll_seconds = forms.IntegerField(min_value=0, max_value=86_400)


class Pausing(forms.Form):
    """Whether it is fetched from, or not for now."""

    paused = forms.ChoiceField(choices=[("on", "on"), ("off", "off")])


@dataclass(frozen=True)
class Fetched:
    """A Git source as the page tells of it."""

    source: GitSource
    now: datetime

    @property
    def chip(self) -> tuple[str, str]:
        """Say in a word how it stands, with a tone."""
        source = self.source
        if source.paused:
            return "held", "Paused"
        if source.lease_expires_at and source.lease_expires_at > self.now:
            return "busy", "Being fetched"
        if source.failures:
            return "bad", "Cannot be fetched"
        if sourcing.was_refused(source):
            return "bad", "Newest commit refused"
        if source.error:
            return "warn", "Announced commit is outdated"
        return ("ok", "Up to date") if source.fetched_commit else ("busy", "Not fetched yet")

    @property
    def commit(self) -> str:
        """Answer the short name of the commit that was looked at last."""
        return self.source.fetched_commit[:12]

    @property
    def commit_url(self) -> str | None:
        """Answer that commit's page at its forge."""
        git = {"commit": self.source.fetched_commit, "url": self.source.url}
        return commit_url(git, self.source.code_location.deployment.commit_link)

    @property
    def is_refused(self) -> bool:
        """Say whether that commit was refused for good, and became no deploy."""
        return sourcing.was_refused(self.source)

    @property
    def asked(self) -> SafeString | str:
        """Say when the branch was asked for last."""
        return ago(self.source.asked_at, self.now)

    @property
    def next(self) -> str:
        """Say when it is asked for again."""
        source = self.source
        if source.paused:
            return "Not while it is paused"
        if source.due_at is None:
            return "When its webhook tells of a push" if not source.poll_seconds else "Once this is done"
        seconds = int((source.due_at - self.now).total_seconds())
        return "Now" if seconds <= 0 else f"In {seconds} s" if seconds < 120 else f"In {seconds // 60} min"

    @property
    def mark(self) -> str:
        """Answer what changes when the words do; the seconds until it is asked again do not count."""
        source = self.source
        said = (source.asked_at, source.fetched_commit, source.wanted_commit, source.failures, source.paused, self.chip)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def source(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show where the code comes from, and how fetching it goes."""
    return show_source(request, org, deployment, location)


def show_source(
    request: HttpRequest,
    org: str,
    deployment: str,
    location: str,
    refusal: Refusal | None = None,
    secret: str | None = None,
) -> HttpResponse:
    """Draw the page; with what was refused, or with the webhook's secret, which is shown this once."""
    place = find_location(request, org, deployment, location)
    rights, found = rights_on(person(request), place.deployment), _source_of(place)
    fetched = Fetched(found, timezone.now()) if found else None
    context: dict[str, Any] = {
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "fetched": fetched,
        "source": found,
        "may_configure": Right.CONFIGURE in rights,
        "may_deploy": Right.DEPLOY in rights,
    }
    if getattr(request, "htmx", False):
        seen = fetched is not None and request.GET.get("seen") == fetched.mark
        return unchanged() if seen else render(request, "deployments/_git_status.html", context)
    if Right.CONFIGURE in rights:
        context |= {
            "said": _said(request.POST if refusal else None, found),
            "hook": sourcing.address_of(found) if found else "",
            "secret": secret,
            "has": {"token": bool(found and found.token), "deploy_key": bool(found and found.deploy_key)},
        }
    context["refusal"] = refusal
    status = refusal.status if refusal else 201 if secret else 200
    return render(request, "deployments/git.html", context, status=status)


@require_POST
@login_required
@never_cache
@refusals_shown(on=show_source)
def change(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Set where the code comes from."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.CONFIGURE, place.deployment)
    found = _source_of(place)
    settings = _settings(read(Setting, request), paused=bool(found and found.paused))
    return _set(request, place, settings, f"The code of {place} is fetched from there.")


@require_POST
@login_required
@never_cache
@refusals_shown(on=show_source)
def renew_secret(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Make a new secret for the webhook, and show it once."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.CONFIGURE, place.deployment)
    found = _there(place)
    kept = {name: getattr(found, name) for name in (*SAID, "paused")}
    return _set(request, place, GitSettings(**kept, rotate_hook_secret=True), "The webhook has a new secret.")


@require_POST
@login_required
@refusals_shown(on=show_source)
def fetch(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Have the branch looked at now."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.DEPLOY, place.deployment)
    found = operations.fetch_now(source=_there(place), actor=person(request), now=timezone.now())
    messages.success(request, f"{found.branch} is being looked at: what is new there becomes a deploy.")
    return _to_page(place)


@require_POST
@login_required
@refusals_shown(on=show_source)
def pause(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Stop fetching for now, or go on."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.CONFIGURE, place.deployment)
    paused = read(Pausing, request)["paused"] == "on"
    operations.pause_source(source=_there(place), paused=paused, actor=person(request), now=timezone.now())
    words = "Nothing is fetched until somebody lets it go on." if paused else "Fetching goes on."
    messages.success(request, words)
    return _to_page(place)


@require_POST
@login_required
@refusals_shown(on=show_source)
def remove(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Fetch no more."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.CONFIGURE, place.deployment)
    operations.remove_source(source=_there(place), actor=person(request))
    messages.success(request, f"{place} is fetched from nowhere any more. What was deployed stays.")
    return _to_page(place)


def _set(request: HttpRequest, place: CodeLocation, settings: GitSettings, words: str) -> HttpResponse:
    made = operations.set_source(location=place, settings=settings, actor=person(request), now=timezone.now())
    messages.success(request, words)
    if made.hook_secret is None:
        return _to_page(place)
    # Not by a redirect: what is told once is kept nowhere on its way.
    names = place.deployment.organization.slug, place.deployment.slug, place.name
    return show_source(request, *names, secret=made.hook_secret)


def _settings(sent: dict[str, Any], *, paused: bool) -> GitSettings:
    return GitSettings(
        url=sent["url"],
        branch=sent["branch"],
        folder=sent["folder"],
        mount=sent["mount"],
        known_hosts=_lines(sent["known_hosts"]),
        poll_seconds=sent["poll_seconds"],
        paused=paused,
        token="" if sent["remove_token"] else sent["token"] or None,
        deploy_key="" if sent["remove_deploy_key"] else _lines(sent["deploy_key"]) or None,
    )


def _lines(text: str) -> str:
    """Answer a text with the line ends that keys have, and not those of forms."""
    return text.replace("\r\n", "\n")


def _said(typed: QueryDict | None, found: GitSource | None) -> dict[str, Any]:
    """Answer what the form holds: what was typed when that was refused, else what is set; but no secret."""
    if typed is not None and "url" in typed:
        again = {name: typed.get(name, "") for name in SAID}
        return again | {"url": without_credentials(again["url"])[:500]}
    return {name: getattr(found, name) for name in SAID} if found else DEFAULTS


def _source_of(place: CodeLocation) -> GitSource | None:
    rows = GitSource.objects.select_related("code_location__deployment__organization", "last_deploy")
    return rows.filter(code_location=place).first()


def _there(place: CodeLocation) -> GitSource:
    found = _source_of(place)
    if found is None:
        raise Http404
    return found


def _to_page(place: CodeLocation) -> HttpResponse:
    return redirect("deployments:git", place.deployment.organization.slug, place.deployment.slug, place.name)
