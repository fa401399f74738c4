"""What can be done with one row of history: its menu, and the same as a page for browsers without scripts."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments.access import Right
from deployments.views.answering import refusals_shown
from deployments.views.finding import find_deploy
from deployments.views.region import around
from deployments.views.rows import Row


@require_safe
@login_required
@never_cache
@refusals_shown()
def actions(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show what can be done with a deploy, for this person."""
    found = find_deploy(request, org, deployment, location, number)
    place = found.code_location
    about = around(request, place)
    context = {
        "location": place,
        "deployment": place.deployment,
        "deploy": found,
        "row": Row(found, about),
        "here": place.get_absolute_url(),
        "may_roll_back": Right.ROLL_BACK in about.rights,
    }
    template = "_actions" if getattr(request, "htmx", False) else "actions"
    return render(request, f"deployments/{template}.html", context)
