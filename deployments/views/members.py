"""Who has which role at a place and through what; and giving roles, changing them, taking them away."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments import access, operations
from deployments.access import ROLE_WORDS, Place, Right, Role, label_of, roles_to_grant
from deployments.membership import Member, member_of, page_of_members
from deployments.models import Deployment, Invitation, Organization
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_managed, person
from deployments.views.forms import read
from deployments.views.moments import ago, until
from portal.common.paging import linked
from portal.common.problems import Invalid, Refusal

MOST_INVITATIONS = 200


class NewMember(forms.Form):
    """A name or an address, and a role."""

    who = forms.CharField(max_length=254)
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role])


class ChangedMember(forms.Form):
    """A role."""

    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role])


@require_safe
@login_required
@never_cache
@refusals_shown()
def members(request: HttpRequest, org: str, deployment: str = "") -> HttpResponse:
    """Show who has which role there."""
    return show_members(request, org, deployment)


def show_members(
    request: HttpRequest, org: str, deployment: str = "", refusal: Refusal | None = None, **named: Any
) -> HttpResponse:
    """Draw the page; with what was refused, or an invitation that was just made."""
    place, invited = find_managed(request, org, deployment), named.get("invited")
    now, q = timezone.now(), request.GET.get("q", "").strip()[:100]
    found, page = page_of_members(place, q=q, cursor=request.GET.get("cursor"))
    # Those that can still be accepted, before any that are over.
    newest = _invitations(place).order_by("-expires_at", "pk")[:MOST_INVITATIONS]
    asked = sorted(newest, key=lambda row: (row.email, row.pk))
    context = _frame(place, request) | {
        "lines": [_line(each, place, request, now) for each in found],
        "q": q,
        "next": linked(request, page.next_cursor),
        "previous": linked(request, page.previous_cursor),
        "roles": [(label_of(role), ROLE_WORDS[role]) for role in Role if _fits(role, place)],
        "invitations": [
            {
                "row": row,
                "role": label_of(Role(row.role)),
                "until": until(row.expires_at, now),
                "over": row.expires_at <= now,
            }
            for row in asked
        ],
        "invited": invited,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 201 if invited else 200
    return render(request, "deployments/members.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@refusals_shown()
def add(request: HttpRequest, org: str, deployment: str = "") -> HttpResponse:
    """Ask who shall have which role; give it to an account that is there, or invite somebody new."""
    place = find_managed(request, org, deployment)
    if request.method != "POST":
        return _show_add(request, place, None)
    try:
        sent = read(NewMember, request)
        who, role = sent["who"].strip(), Role(sent["role"])
        user = _known(who, place)
        if user is None:
            return _invite(request, org, deployment, who, role)
        operations.set_role(user=user, role=role, place=place, actor=person(request))
    except Invalid as refused:
        return _show_add(request, place, refused)
    messages.success(request, f"{user} is {label_of(role)} of {place}.")
    return redirect(_address(place))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@refusals_shown(on=show_members)
def member(request: HttpRequest, org: str, member: int, deployment: str = "") -> HttpResponse:
    """Show one member's role there, and change it."""
    place = find_managed(request, org, deployment)
    found = _find(place, member)
    if request.method != "POST":
        context = _frame(place, request) | {"member": found, "choices": _choices(request, place, found.own)}
        fragment = bool(getattr(request, "htmx", False))
        template = "deployments/_member.html" if fragment else "deployments/member.html"
        return render(request, template, context)
    role = Role(read(ChangedMember, request)["role"])
    operations.set_role(user=found.user, role=role, place=place, actor=person(request))
    messages.success(request, f"{found.user} is {label_of(role)} of {place}.")
    return _back(request, place)


@require_POST
@login_required
@refusals_shown(on=show_members)
def remove(request: HttpRequest, org: str, member: int, deployment: str = "") -> HttpResponse:
    """Take a member's role there away."""
    place = find_managed(request, org, deployment)
    user = _find(place, member).user
    operations.remove_role(user=user, place=place, actor=person(request))
    messages.success(request, f"{user} has no role of their own on {place} any more.")
    return _back(request, place)


@require_POST
@login_required
@refusals_shown(on=show_members)
def withdraw(request: HttpRequest, org: str, invitation: int, deployment: str = "") -> HttpResponse:
    """Make an invitation's link worthless."""
    place = find_managed(request, org, deployment)
    found = _invitations(place).filter(pk=invitation).first()
    if found is None:
        raise Http404
    operations.withdraw_invitation(invitation=found, actor=person(request), now=timezone.now())
    messages.success(request, f"The invitation of {found.email} is withdrawn.")
    return redirect(_address(place))


def _invite(request: HttpRequest, org: str, deployment: str, email: str, role: Role) -> HttpResponse:
    place = find_managed(request, org, deployment)
    row, secret = operations.invite(email=email, role=role, place=place, actor=person(request), now=timezone.now())
    link = settings.SITE_URL.rstrip("/") + reverse("deployments:invitation-link", args=[secret])
    invited = {
        "row": row,
        "role": label_of(role),
        "link": link,
        "mailed": operations.mail_invitation(invitation=row, link=link),
    }
    return show_members(request, org, deployment, invited=invited)


def _known(who: str, place: Place) -> Any:
    """Answer the account of this name or address; None for an address that is nobody's. Raises Invalid."""
    try:
        return operations.find_account(name=who, place=place)
    except Invalid as absent:
        if absent.code == "no_such_account" and "@" in who:
            return None
        if absent.code == "no_such_account":
            raise Invalid(
                f"There is no account {who!r} that could have a role here: type its whole name. To invite somebody who "
                "has none, write their e-mail address.",
                code="no_such_account",
            ) from absent
        raise


def _show_add(request: HttpRequest, place: Place, refusal: Refusal | None) -> HttpResponse:
    chosen = request.POST.get("role", Role.VIEWER.value)
    context = _frame(place, request) | {
        "choices": _choices(request, place, Role(chosen) if chosen in set(Role) else Role.VIEWER),
        "who": request.POST.get("who", ""),
        "sends_mail": bool(settings.LASTGOOD_SMTP and settings.LASTGOOD_EMAIL_FROM),
        "refusal": refusal,
    }
    template = "deployments/_member_add.html" if getattr(request, "htmx", False) else "deployments/member_add.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


def _frame(place: Place, request: HttpRequest) -> dict[str, Any]:
    """Answer what every page about a place's members is told."""
    home = place if isinstance(place, Organization) else place.organization
    return {
        "place": place,
        "organization": home,
        "deployment": place if isinstance(place, Deployment) else None,
        "may_administer": home is place or access.allows(person(request), Right.ADMINISTER, home),
        "here": _address(place),
        "name": place.name or place.slug,
        "tab": "members",
    }


def _line(found: Member, place: Place, request: HttpRequest, now: Any) -> dict[str, Any]:
    strongest = found.strongest
    return {
        "member": found,
        "is_you": found.user.pk == request.user.pk,
        "role": "Superuser" if found.user.is_superuser else label_of(strongest) if strongest else "",
        "through": [
            {"role": label_of(each.role), "place": each.place, "here": each.place == place} for each in found.through
        ],
        "seen": ago(found.user.last_login, now),
    }


def _choices(request: HttpRequest, place: Place, chosen: Role | None) -> list[tuple[str, str, str, bool]]:
    grantable = roles_to_grant(person(request), place)
    return [(role.value, label_of(role), ROLE_WORDS[role], role is chosen) for role in grantable]


def _find(place: Place, user_id: int) -> Member:
    found = member_of(place, user_id)
    if found is None:
        raise Http404
    return found


def _invitations(place: Place) -> Any:
    rows = Invitation.objects.open().select_related("organization", "deployment__organization")
    if isinstance(place, Organization):
        return rows.filter(organization=place, deployment=None)
    return rows.filter(deployment=place)


def _fits(role: Role, place: Place) -> bool:
    return isinstance(place, Organization) or role is not Role.ORGANIZATION_ADMIN


def _address(place: Place) -> str:
    if isinstance(place, Organization):
        return reverse("deployments:organization-members", args=[place.slug])
    return reverse("deployments:members", args=[place.organization.slug, place.slug])


def _back(request: HttpRequest, place: Place) -> HttpResponse:
    """Go back to the list; who took the right to see it away from themselves goes home."""
    return redirect(_address(place) if access.may_grant(person(request), place) else "deployments:home")
