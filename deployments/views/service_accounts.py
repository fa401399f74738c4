"""The machines of an organization: what each may do, where, and with which tokens."""

from collections import defaultdict
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments import operations
from deployments.access import ROLE_WORDS, Place, Right, Role, label_of, require
from deployments.membership import grants_in
from deployments.models import Deployment, Organization, ServiceAccount
from deployments.views import tokens
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_organization, person
from deployments.views.forms import read
from portal.common.paging import linked, page_of
from portal.common.problems import Invalid, Refusal


class NewAccount(forms.Form):
    """A machine's name, and the role that it gets at once."""

    name = forms.CharField(max_length=63)
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], required=False)
    place = forms.CharField(max_length=150, required=False)


@require_safe
@login_required
@never_cache
@refusals_shown()
def service_accounts(request: HttpRequest, org: str) -> HttpResponse:
    """Show the organization's machines."""
    return show_accounts(request, org)


def show_accounts(request: HttpRequest, org: str, made: dict[str, Any] | None = None) -> HttpResponse:
    """Draw the page; with the token that was just made, this once."""
    organization = _find_organization(request, org)
    rows = ServiceAccount.objects.filter(organization=organization).select_related("user", "organization")
    page = page_of(rows, key="name", descending=False, cursor=request.GET.get("cursor"), limit=20)
    held = defaultdict(list)
    for line in tokens.lines_of([account.user_id for account in page.rows], timezone.now()):
        held[line["row"].user_id].append(line)
    grants = grants_in(organization, [account.user for account in page.rows])
    context = {
        "organization": organization,
        "may_administer": True,
        "tab": "service-accounts",
        "here": _address(organization),
        "accounts": [
            {"row": account, "roles": grants[account.user_id], "tokens": held[account.user_id]} for account in page.rows
        ],
        "next": linked(request, page.next_cursor),
        "previous": linked(request, page.previous_cursor),
        "made": made,
        "site": settings.SITE_URL.rstrip("/"),
    }
    return render(request, "deployments/service_accounts.html", context, status=201 if made else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@refusals_shown()
def add(request: HttpRequest, org: str) -> HttpResponse:
    """Ask what a new machine is called and may do, and make its account."""
    organization = _find_organization(request, org)
    if request.method != "POST":
        return _show_add(request, organization, None)
    try:
        made = _make(request, organization)
    except Refusal as refused:
        return _show_add(request, organization, refused)
    messages.success(request, f"{made} is there. Make a token for it, and give that to whatever runs as it.")
    return redirect(_address(organization))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@refusals_shown()
def add_token(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Ask what a new token of the machine is for, and make it."""
    account = _find(request, org, name)
    back = _address(account.organization)
    if request.method != "POST":
        return tokens.show_form(request, account.user, back, None, whose=str(account))
    try:
        made = tokens.make(request, account.user)
    except Invalid as refused:
        return tokens.show_form(request, account.user, back, refused, whose=str(account))
    return show_accounts(request, org, made=made)


@require_POST
@login_required
@refusals_shown()
def revoke(request: HttpRequest, org: str, name: str, token: str) -> HttpResponse:
    """Make one of the machine's tokens worthless."""
    account = _find(request, org, name)
    found = tokens.find_token(token, [account.user_id])
    operations.revoke_token(token=found, actor=person(request))
    messages.success(request, f"“{found.name}” of {account} opens nothing any more.")
    return redirect(_address(account.organization))


@require_POST
@login_required
@refusals_shown()
def remove(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Remove a machine's account, with its roles and tokens."""
    account = _find(request, org, name)
    operations.remove_service_account(account=account, actor=person(request))
    messages.success(request, f"{account} is removed. History keeps its name.")
    return redirect(_address(account.organization))


def _make(request: HttpRequest, organization: Organization) -> ServiceAccount:
    """Make the account and give it its role: both or neither. Raises Refusal."""
    sent, actor = read(NewAccount, request), person(request)
    place = _named(organization, sent["place"])
    with transaction.atomic():
        made = operations.create_service_account(
            organization=organization, name=sent["name"], actor=actor, now=timezone.now()
        )
        if sent["role"]:
            operations.set_role(user=made.user, role=Role(sent["role"]), place=place, actor=actor)
    return made


def _named(organization: Organization, name: str) -> Place:
    """Answer the place of this name in the organization. Raises Invalid: a wrong one must not become the whole."""
    if name in ("", str(organization)):
        return organization
    rows = Deployment.objects.filter(organization=organization).select_related("organization")
    found = rows.filter(slug=name.removeprefix(f"{organization}/")).first()
    if found is None:
        raise Invalid(f"There is no place {name!r} in {organization}.", code="no_such_place")
    return found


def _show_add(request: HttpRequest, organization: Organization, refusal: Refusal | None) -> HttpResponse:
    said = request.POST
    role = said.get("role", Role.DEPLOYER.value)
    machines = [each for each in Role if each is not Role.ORGANIZATION_ADMIN]
    context = {
        "organization": organization,
        "back": _address(organization),
        "said": said,
        "choices": [(each.value, label_of(each), ROLE_WORDS[each], each.value == role) for each in machines],
        "places": [(str(place), said.get("place") == str(place)) for place in _places(organization)],
        "refusal": refusal,
    }
    fragment = bool(getattr(request, "htmx", False))
    template = "deployments/_service_account_add.html" if fragment else "deployments/service_account_add.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


def _places(organization: Organization) -> list[Place]:
    rows = Deployment.objects.filter(organization=organization).select_related("organization").order_by("slug")
    return [organization, *rows[: tokens.MOST_PLACES]]


def _find_organization(request: HttpRequest, org: str) -> Organization:
    """Answer the organization of the address, for those who administer it. Raises Http404, NotAllowed."""
    found = find_organization(request, org)
    require(person(request), Right.ADMINISTER, found)
    return found


def _find(request: HttpRequest, org: str, name: str) -> ServiceAccount:
    organization = _find_organization(request, org)
    rows = ServiceAccount.objects.select_related("user", "organization")
    found = rows.filter(organization=organization, name=name).first()
    if found is None:
        raise Http404
    return found


def _address(organization: Organization) -> str:
    return reverse("deployments:service-accounts", args=[organization.slug])
