"""One's own tokens: what each may do and when it was used last; making one, which is shown once; revoking it."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments import operations
from deployments.access import ROLE_WORDS, Place, Right, Role, label_of
from deployments.models import Deployment, Organization, Token
from deployments.models.accounts import REFERENCE_LENGTH
from deployments.operations.accounts import LONGEST_TOKEN_DAYS
from deployments.views.answering import refusals_shown
from deployments.views.finding import person
from deployments.views.forms import read
from deployments.views.moments import ago, until
from portal.common.problems import Invalid, Refusal

MOST_TOKENS, MOST_PLACES = 200, 500
LIFETIMES = (7, 30, 90, 180, LONGEST_TOKEN_DAYS)
SOON = 7  # days


class NewToken(forms.Form):
    """What a token is for, how long it works, and what it is limited to."""

    name = forms.CharField(max_length=100)
    days = forms.IntegerField()
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], required=False)
    place = forms.CharField(max_length=150, required=False)


@require_safe
@login_required
@never_cache
@refusals_shown()
def tokens(request: HttpRequest) -> HttpResponse:
    """Show one's own tokens."""
    return show_tokens(request)


def show_tokens(request: HttpRequest, made: dict[str, Any] | None = None) -> HttpResponse:
    """Draw the page; with the token that was just made, this once."""
    context = {
        "tokens": lines_of([person(request).pk], timezone.now()),
        "made": made,
        "site": settings.SITE_URL.rstrip("/"),
        "here": reverse("deployments:tokens"),
    }
    return render(request, "deployments/tokens.html", context, status=201 if made else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@refusals_shown()
def add(request: HttpRequest) -> HttpResponse:
    """Ask what a new token is for, and make it."""
    user, back = person(request), reverse("deployments:tokens")
    if request.method != "POST":
        return show_form(request, user, back, None)
    try:
        return show_tokens(request, made=make(request, user))
    except Invalid as refused:
        return show_form(request, user, back, refused)


@require_POST
@login_required
@refusals_shown()
def revoke(request: HttpRequest, token: str) -> HttpResponse:
    """Make one of one's own tokens worthless."""
    found = find_token(token, [person(request).pk])
    operations.revoke_token(token=found, actor=person(request))
    messages.success(request, f"“{found.name}” opens nothing any more.")
    return redirect("deployments:tokens")


def make(request: HttpRequest, user: User) -> dict[str, Any]:
    """Make a token for this account as the request asks, and answer what is shown of it. Raises NotAllowed, Invalid."""
    sent = read(NewToken, request)
    role = Role(sent["role"]) if sent["role"] else None
    named = next((place for place in places_of(user) if str(place) == sent["place"]), None)
    if sent["place"] and named is None:
        raise Invalid(f"There is no place {sent['place']!r} that this token could be for.", code="no_role_there")
    row, secret = operations.create_token(
        user=user, name=sent["name"], days=sent["days"], role=role, place=named, actor=person(request)
    )
    example = f"{named}" if isinstance(named, Deployment) else "acme/production"
    return {"row": row, "secret": secret, "example": f"{example}/shop"}


def show_form(request: HttpRequest, user: User, back: str, refusal: Refusal | None, whose: str = "") -> HttpResponse:
    """Draw the form of a new token; with what was refused, if something was."""
    said = request.POST
    chosen = said.get("days", "90")
    context = {
        "back": back,
        "whose": whose,
        "said": said,
        "lifetimes": [(days, str(days) == chosen) for days in LIFETIMES],
        "roles": [(r.value, label_of(r), ROLE_WORDS[r], said.get("role") == r.value) for r in Role],
        "places": [(str(place), said.get("place") == str(place)) for place in places_of(user)],
        "refusal": refusal,
    }
    template = "deployments/_token_add.html" if getattr(request, "htmx", False) else "deployments/token_add.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


def places_of(user: User) -> list[Place]:
    """Answer the places that a token of this account could be limited to."""
    whole = Organization.objects.allowing(user, Right.VIEW).order_by("slug")[:MOST_PLACES]
    part = Deployment.objects.visible_to(user).select_related("organization")
    return [*whole, *part.order_by("organization__slug", "slug")[:MOST_PLACES]]


def lines_of(user_ids: list[int], now: datetime) -> list[dict[str, Any]]:
    """Answer what is shown of the tokens of these accounts, newest first."""
    rows = Token.objects.filter(user__in=user_ids).select_related("user", "organization", "deployment__organization")
    return [_line(row, now) for row in rows.order_by("-created", "digest")[:MOST_TOKENS]]


def find_token(reference: str, user_ids: list[int]) -> Token:
    """Answer the token of these accounts that is named so in addresses. Raises Http404."""
    rows = Token.objects.filter(user__in=user_ids).select_related("user__service_account__organization")
    whole = len(reference) == REFERENCE_LENGTH and reference.isalnum() and reference.isascii()
    found: Token | None = rows.filter(digest__startswith=reference).first() if whole else None
    if found is None:
        raise Http404
    return found


def _line(row: Token, now: datetime) -> dict[str, Any]:
    left = (row.expiry - now).days if row.expiry else None
    role = label_of(Role(row.role)) if row.role in set(Role) else ""
    return {
        "row": row,
        "role": role,
        "place": row.organization or row.deployment,
        "used": ago(row.last_used_at, now),
        "made": ago(row.created, now),
        "until": until(row.expiry, now),
        "expired": row.expiry is not None and row.expiry <= now,
        "soon": left is not None and 0 <= left < SOON,
    }
