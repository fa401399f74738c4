"""A deployment's Overview, and the history of one code location."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import history
from deployments.access import Right, rights_on
from deployments.models import CodeLocation
from deployments.views.answering import refreshing, refusals_shown, unchanged
from deployments.views.finding import find_deployment, find_location, find_locations, person
from deployments.views.lines import Facts, facts_of, lines_of
from deployments.views.region import region
from portal.common.problems import Refusal

MOST_LOCATIONS = 500
# Of a deployment with more, the others are found on the deployments page.
MOST_LINES = 40


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def overview(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Show a deployment: its code locations, and the history of the one that changed last."""
    locations = find_locations(request, org, deployment, most=MOST_LOCATIONS)
    if not locations:
        place = find_deployment(request, org, deployment)
        context = {"deployment": place, "may_configure": Right.CONFIGURE in rights_on(person(request), place)}
        return render(request, "deployments/empty.html", context)
    facts = facts_of(locations)
    moved = [location for location in locations if location.pk in facts.newest]
    chosen = max(moved, key=lambda each: facts.newest[each.pk].created_at) if moved else locations[0]
    return _answer(request, chosen, locations, facts)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def location_history(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show the history of one code location."""
    return show_history(request, org, deployment, location)


def show_history(
    request: HttpRequest, org: str, deployment: str, location: str, refusal: Refusal | None = None
) -> HttpResponse:
    """Draw the history page; with what was refused, if something was."""
    # What renews itself shows nothing of the others.
    alone = bool(getattr(request, "htmx", False))
    locations = [] if alone else find_locations(request, org, deployment, most=MOST_LOCATIONS)
    chosen = next((each for each in locations if each.name == location), None)
    if chosen is None:
        chosen = find_location(request, org, deployment, location)
        locations.append(chosen)
    return _answer(request, chosen, locations, facts_of(locations), refusal)


def _answer(
    request: HttpRequest,
    chosen: CodeLocation,
    locations: list[CodeLocation],
    facts: Facts,
    refusal: Refusal | None = None,
) -> HttpResponse:
    shown: dict[str, Any] = region(request, chosen, facts)
    fragment = bool(getattr(request, "htmx", False))
    if fragment and request.GET.get("seen") == shown["mark"]:
        return unchanged()
    shown |= {"deployment": chosen.deployment, "refusal": refusal, "lines": []}
    if fragment:
        return render(request, "deployments/_history.html", shown)
    # One code location is its deployment, as people speak: its history is the page. Of several, each has a line.
    if len(locations) > 1:
        good = history.last_good_numbers(locations[:MOST_LINES])
        shown["lines"] = lines_of(locations[:MOST_LINES], facts, shown["around"].now, last_good=good)
        shown["more_lines"] = len(locations) > MOST_LINES
    return render(request, "deployments/history.html", shown, status=refusal.status if refusal else 200)
