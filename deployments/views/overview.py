"""The deployments page, a deployment's Overview, and the history of one code location."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import history
from deployments.access import Right, rights_on
from deployments.models import CodeLocation, Deploy, Deployment
from deployments.views.answering import refreshing, refusals_shown, unchanged
from deployments.views.connected import connected
from deployments.views.finding import find_deployment, find_location, person
from deployments.views.moments import ago
from deployments.views.region import region
from deployments.views.rows import told
from deployments.views.standing import fails_since, standing
from portal.common.problems import Refusal

MOST_LOCATIONS = 500


@require_safe
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Show every deployment that the person may see, with its code locations."""
    text = request.GET.get("q", "").strip()
    deployments = Deployment.objects.visible_to(person(request)).select_related("organization", "watch")
    deployments = deployments.order_by("organization__slug", "slug")
    locations = history.code_locations().filter(deployment__in=deployments.order_by().values("pk"))
    if text:
        locations = history.locations_named(locations, text)
    found = _in_order(locations)
    places = _places(list(deployments[:MOST_LOCATIONS]), found, hide_empty=bool(text))
    context = {"places": places, "q": text, "whole": len(found) < MOST_LOCATIONS, "most": MOST_LOCATIONS}
    return render(request, "deployments/home.html", context)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def overview(request: HttpRequest, org: str, deployment: str) -> HttpResponse:
    """Show a deployment: its code locations, and the history of the one that changed last."""
    place = find_deployment(request, org, deployment)
    locations = _in_order(history.code_locations().filter(deployment=place))
    if not locations:
        context = {"deployment": place, "may_configure": Right.CONFIGURE in rights_on(person(request), place)}
        return render(request, "deployments/empty.html", context)
    newest = history.newest_deploys(locations)
    moved = [location for location in locations if location.pk in newest]
    chosen = max(moved, key=lambda each: newest[each.pk].created_at) if moved else locations[0]
    return _answer(request, chosen, locations)


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
    chosen = find_location(request, org, deployment, location)
    locations = _in_order(history.code_locations().filter(deployment_id=chosen.deployment_id))
    return _answer(request, chosen, locations, refusal)


def _answer(
    request: HttpRequest, chosen: CodeLocation, locations: list[CodeLocation], refusal: Refusal | None = None
) -> HttpResponse:
    shown: dict[str, Any] = region(request, chosen)
    fragment = bool(getattr(request, "htmx", False))
    if fragment and request.GET.get("seen") == shown["mark"]:
        return unchanged()
    shown |= {"deployment": chosen.deployment, "refusal": refusal, "lines": []}
    if fragment:
        return render(request, "deployments/_history.html", shown)
    # One code location is its deployment, as people speak: its history is the page. Of several, each has a line.
    if len(locations) > 1:
        good = history.last_good_numbers(locations)
        shown["lines"] = [line | {"last_good": good.get(line["location"].pk)} for line in _lines(locations)]
    return render(request, "deployments/history.html", shown, status=refusal.status if refusal else 200)


def _in_order(locations: Any) -> list[CodeLocation]:
    return list(locations.order_by("deployment__organization__slug", "deployment__slug", "name")[:MOST_LOCATIONS])


def _lines(locations: list[CodeLocation]) -> list[dict[str, Any]]:
    """Answer a line for each code location: how it stands, what is live, when that changed."""
    prefetch_related_objects(locations, "live_deploy__release__mounts__bundle")
    holds, newest, now = history.active_holds(locations), history.newest_deploys(locations), timezone.now()
    failing = fails_since(locations)
    return [
        {
            "location": each,
            "chips": standing(
                each, hold=holds.get(each.pk), newest=newest.get(each.pk), fails_since=failing.get(each.pk)
            ),
            "newest": newest.get(each.pk),
            "updated": ago(_updated(each, newest.get(each.pk)), now),
            "live_words": told(each.live_deploy),
        }
        for each in locations
    ]


def _updated(location: CodeLocation, last: Deploy | None) -> datetime | None:
    """Answer when something was deployed or loaded there last."""
    moments = [last.finished_at or last.created_at] if last else []
    moments += [location.last_load.reported_at] if location.last_load else []
    return max(moments, default=None)


def _places(deployments: list[Deployment], locations: list[CodeLocation], *, hide_empty: bool) -> list[dict[str, Any]]:
    """Group the lines by deployment, deployments without any included."""
    lines = _lines(locations)
    by_deployment: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        by_deployment.setdefault(line["location"].deployment_id, []).append(line)
    now = timezone.now()
    places = [
        {"deployment": each, "lines": by_deployment.get(each.pk, []), "connected": connected(each, now)}
        for each in deployments
    ]
    return [place for place in places if place["lines"] or not hide_empty]
