"""Holding a code location, and letting go."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import operations
from deployments.access import Right, require
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_location, person
from deployments.views.forms import Holding, read
from deployments.views.overview import show_history
from portal.common.problems import Refusal


@require_safe
@login_required
@never_cache
@refusals_shown()
def dialog(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Ask why new pushes shall be held."""
    return show_dialog(request, org, deployment, location)


def show_dialog(
    request: HttpRequest, org: str, deployment: str, location: str, refusal: Refusal | None = None
) -> HttpResponse:
    """Draw the dialog: as a page, or as what goes into the page's dialog; with what was refused, if something was."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.ROLL_BACK, place.deployment)
    context = {
        "location": place,
        "deployment": place.deployment,
        "reason": request.POST.get("reason", ""),
        "until": request.POST.get("until", ""),
        "refusal": refusal,
    }
    template = "deployments/_hold.html" if getattr(request, "htmx", False) else "deployments/hold.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


@require_POST
@login_required
@refusals_shown(on=show_dialog)
def hold(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Hold new pushes."""
    place = find_location(request, org, deployment, location)
    sent = read(Holding, request)
    operations.hold(
        location=place, reason=sent["reason"], until=sent["until"], actor=person(request), now=timezone.now()
    )
    messages.success(request, f"{place} is held: new pushes are stored, and wait.")
    return redirect(place)


@require_POST
@login_required
@refusals_shown(on=show_history)
def resume(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Lift the hold."""
    place = find_location(request, org, deployment, location)
    activated = operations.resume(location=place, actor=person(request), now=timezone.now())
    words = f"#{activated.number} is queued." if activated else "The next push goes live."
    messages.success(request, f"{place} is resumed. {words}")
    return redirect(activated or place)
