"""Accepting an invitation: the link leads to a page that says to what, for those who have an account and those who have none.

The secret is in the link only: the session keeps what the database keeps of it, and the address bar shows it no longer.
"""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from deployments import operations
from deployments.access import ROLE_WORDS, Role, label_of
from deployments.models import Invitation, Organization
from deployments.operations.inviting import digest_of
from deployments.views.answering import refusals_shown
from deployments.views.finding import person
from deployments.views.forms import read
from deployments.views.moments import until
from portal.common.problems import Absent, Refusal

SESSION_KEY = "invitation"
BACKEND = "django.contrib.auth.backends.ModelBackend"


class NewAccount(forms.Form):
    """What somebody new is called, and the password, twice."""

    username = forms.CharField(max_length=150)
    password = forms.CharField(max_length=1000, strip=False)
    again = forms.CharField(max_length=1000, strip=False)

    def clean_again(self) -> str:
        """Have it typed the same twice."""
        if self.cleaned_data["again"] != self.cleaned_data.get("password", self.cleaned_data["again"]):
            raise forms.ValidationError("The two passwords are not the same.")
        return str(self.cleaned_data["again"])


@require_safe
@never_cache
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """Remember the invitation, and go on without its secret."""
    try:
        found = operations.open_invitation(digest=digest_of(secret), now=timezone.now())
    except (Absent, UnicodeEncodeError):
        return _gone(request)
    request.session[SESSION_KEY] = found.digest
    return redirect("deployments:invitation")


@require_safe
@never_cache
def invitation(request: HttpRequest) -> HttpResponse:
    """Show what the invitation gives, and ask who takes it."""
    return show_invitation(request)


def show_invitation(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    """Draw the page; with what was refused, if something was."""
    now = timezone.now()
    found = _remembered(request, now)
    if found is None:
        return _gone(request)
    role = Role(found.role)
    context = {
        "invitation": found,
        "whole": isinstance(found.place, Organization),
        "role": label_of(role),
        "words": ROLE_WORDS[role],
        "until": until(found.expires_at, now),
        "username": request.POST.get("username", ""),
        "refusal": refusal,
    }
    return render(request, "deployments/invitation.html", context, status=refusal.status if refusal else 200)


@require_POST
@login_required
@refusals_shown(on=show_invitation)
def accept(request: HttpRequest) -> HttpResponse:
    """Give the role to the account that is signed in."""
    now = timezone.now()
    found = _remembered(request, now)
    if found is None:
        return _gone(request)
    operations.accept_invitation(invitation=found, user=person(request), now=now)
    return _welcome(request, found)


@sensitive_post_parameters("password", "again")
@require_POST
@refusals_shown(on=show_invitation)
def join(request: HttpRequest) -> HttpResponse:
    """Make an account, give it the role, and sign it in."""
    now = timezone.now()
    found = _remembered(request, now)
    if found is None:
        return _gone(request)
    sent = read(NewAccount, request)
    user = operations.join(invitation=found, username=sent["username"], password=sent["password"], now=now)
    login(request, user, backend=BACKEND)
    return _welcome(request, found)


def _remembered(request: HttpRequest, now: datetime) -> Invitation | None:
    try:
        return operations.open_invitation(digest=str(request.session.get(SESSION_KEY, "")), now=now)
    except Absent:
        return None


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    request.session.pop(SESSION_KEY, None)
    messages.success(request, f"Welcome: you are {label_of(Role(found.role))} of {found.place}.")
    place: Any = found.deployment
    return redirect(place.get_absolute_url() if place else "deployments:home")


def _gone(request: HttpRequest) -> HttpResponse:
    """Say the same of what was used, withdrawn, is too old, and was never there."""
    return render(request, "deployments/invitation_gone.html", status=404)
