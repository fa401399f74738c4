"""The rollback dialog: what will happen, why, and the asking."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import history, operations
from deployments.access import Right, require
from deployments.last_known_good import last_known_good
from deployments.models import CodeLocation, Deploy
from deployments.states import RollbackScope
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_location, person
from deployments.views.forms import RollingBack, read
from deployments.views.plan import shown_plan
from portal.common.problems import Refusal

LAST_GOOD = "last-good"
# What the dialog itself tells in full, where it stands.
TOLD_BELOW = {
    "barrier": "This rollback is refused as things stand: what is in its way, and what to do about it, stands below.",
    "acknowledgement_missing": "Tick each warning below that you have read, then confirm again.",
}


@require_safe
@login_required
@never_cache
@refusals_shown()
def dialog(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show what a rollback would do, and ask for the reason."""
    return show_dialog(request, org, deployment, location)


def show_dialog(
    request: HttpRequest, org: str, deployment: str, location: str, refusal: Refusal | None = None
) -> HttpResponse:
    """Draw the dialog: as a page, or as what goes into the page's dialog; with what was refused, if something was."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.ROLL_BACK, place.deployment)
    sent = request.POST if request.method == "POST" else request.GET
    target = target_of(place, sent.get("to", ""))
    shown = shown_plan(place, target, _scope(sent.get("scope", "")), timezone.now())
    outdated = refusal is not None and refusal.code == "plan_outdated"
    context: dict[str, Any] = {
        "shown": shown,
        "plan": shown.plan,
        # What was ticked was read in the old plan: the words of the new one are to be read, too.
        "acknowledged": [] if outdated else sent.getlist("acknowledge"),
        "location": place,
        "deployment": place.deployment,
        "description": sent.get("description", "")[:5000],
        "last_good": sent.get("to") == LAST_GOOD,
        "refusal": _in_short(refusal),
    }
    template = "deployments/_rollback.html" if getattr(request, "htmx", False) else "deployments/rollback.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


@require_POST
@login_required
@refusals_shown(on=show_dialog)
def roll_back(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Ask for the rollback, and show the deploy that it is."""
    place = find_location(request, org, deployment, location)
    sent = read(RollingBack, request)
    require(person(request), Right.ROLL_BACK, place.deployment)
    made = operations.request_rollback(
        location=place,
        to=sent["to"],
        description=sent["description"],
        scope=sent["scope"] or RollbackScope.ALL,
        plan_etag=sent["plan_etag"],
        acknowledged=request.POST.getlist("acknowledge"),
        actor=person(request),
        now=timezone.now(),
    )
    messages.success(request, f"Rollback #{made.number} to #{sent['to']} is queued.")
    return redirect(made)


def target_of(place: CodeLocation, to: str) -> Deploy:
    """Answer the deploy that is to be restored. Raises Http404, Refusal `no_last_good`."""
    rows = history.deploys_of(place)
    if to == LAST_GOOD:
        found = last_known_good(place)
        if found is None:
            raise Refusal(
                f"{place} has no last known good: choose a deploy of its history by its number.", code="no_last_good"
            )
        return rows.get(pk=found.pk)
    number = to.removeprefix("#")
    target = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if target is None:
        raise Http404
    return target


def _in_short(refusal: Refusal | None) -> Refusal | None:
    """Answer the refusal without what the dialog says again, barrier by barrier."""
    if refusal is None or refusal.code not in TOLD_BELOW:
        return refusal
    return Refusal(TOLD_BELOW[refusal.code], code=refusal.code)


def _scope(asked: str) -> str:
    return asked if asked in RollbackScope.values else RollbackScope.ALL
