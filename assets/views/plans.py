"""What a rollback would do to the assets: a part of its dialog, which opens without waiting for it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assets import comparison
from assets.comparison import Step
from assets.states import ChangeKind
from assets.views.steps import SIGNS, titles
from deployments.access import Right, require
from deployments.models import CodeLocation, Deploy
from deployments.views.answering import refreshing, refusals_shown
from deployments.views.finding import find_location, person
from deployments.views.rollbacks import target_of

# Keys that the dialog shows at once, and unfolded; the comparison has all.
FIRST, SHOWN = 4, 30
# What goes away is what people look for first.
ORDER = (ChangeKind.REMOVED, ChangeKind.ADDED, ChangeKind.CHANGED)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def plan_assets(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show which assets a rollback would add, remove and change; on its own, it is the comparison of the two deploys."""
    place = find_location(request, org, deployment, location)
    require(person(request), Right.ROLL_BACK, place.deployment)
    target, served = target_of(place, request.GET.get("to", "")), place.served_deploy
    if served is None:
        raise Http404
    full = f"{place.get_absolute_url()}compare/?from={served.number}&to={target.number}"
    if not getattr(request, "htmx", False):
        return redirect(full)
    return render(request, "assets/_plan.html", {"full": full, **_compared(place, served, target)})


def _compared(place: CodeLocation, served: Deploy, target: Deploy) -> dict[str, Any]:
    found = comparison.compare(place, served, target)
    steps = sorted(found.steps, key=lambda step: (ORDER.index(ChangeKind(step.kind)), step.key))
    return {
        "known": bool(found.old and found.new),
        "counts": [(word, SIGNS[word], count) for word, count in found.counts.items() if count],
        "unchanged": found.unchanged,
        "first": [_told(step) for step in steps[:FIRST]],
        "rest": [_told(step) for step in steps[FIRST:SHOWN]],
        "more": max(0, len(steps) - SHOWN),
    }


def _told(step: Step) -> tuple[str, str, str, list[str]]:
    """Answer kind, sign, key and what of it changes."""
    kind = step.kind.lower()
    return kind, SIGNS[kind], step.key, titles(step.difference.change_types) if step.difference else []
