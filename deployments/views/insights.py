"""The Insights page: how well the places deliver that somebody may see."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments.access import Right, allows
from deployments.delivery import Failure, Tally, quantile
from deployments.insights import Insights, Spot, by_deployment, insights_of
from deployments.models import CodeLocation, Deployment, Organization
from deployments.periods import CHOICES, USUAL, period_of
from deployments.states import DeployKind
from deployments.views import plots
from deployments.views.answering import refusals_shown
from deployments.views.figures import NINE_OF_TEN, day_name, many, pace, share, span, step_name, tiles
from deployments.views.finding import find_deployment, find_location, find_organization, may_configure, person
from deployments.views.moments import ago

MOST_PLACES = 500


@dataclass(frozen=True)
class Line:
    """A deployment, or a code location, among others."""

    name: str
    link: str
    tally: Tally
    figures: dict[str, str]


@dataclass(frozen=True)
class Where:
    """The place that is looked at, from the outermost: None where it is wider. And the code locations there."""

    locations: QuerySet[CodeLocation]
    organization: Organization | None = None
    deployment: Deployment | None = None
    location: CodeLocation | None = None


@require_safe
@login_required
@never_cache
@refusals_shown()
def insights(request: HttpRequest) -> HttpResponse:
    """Show the four figures of a place in a period, as numbers, plots and a table."""
    place = request.GET.get("place", "").strip("/")
    where = _where(request, place)
    period = period_of(request.GET, today=timezone.now().date())
    found = insights_of(where.locations, period)
    context = {
        **_led(request, where),
        "place": place,
        "places": _places(request, place),
        "period": period,
        "periods": _periods(request, place),
        "chosen": _chosen(request),
        "is_empty": not (found.now.changes or found.before.changes),
        "example": _example(found, place),
        "is_nowhere": not found.spots,
        "longest": f"?{urlencode(_with_place(place) | {'days': CHOICES[-1]})}",
        "now": found.now,
        "no_leads": not found.now.leads,
        "no_restores": not found.now.restores,
        "of_locations": place.count("/") == 1,
        "tiles": tiles(found.now, found.before, period),
        "plots": _plots(found),
        "steps": _table(found),
        "lines": _lines(found, place, request),
        "sorts": _sorts(request),
        "failures": _failures(found),
    }
    return render(request, "deployments/insights.html", context)


def _where(request: HttpRequest, place: str) -> Where:
    """Answer what is at the place, "organization[/deployment[/location]]", as far as the person may see it. Raises Http404."""
    seen = CodeLocation.objects.visible_to(person(request))
    if "\0" in place:
        raise Http404
    match place.split("/"):
        case [""]:
            return Where(seen)
        case [org]:
            organization = find_organization(request, org)
            return Where(seen.filter(deployment__organization=organization), organization)
        case [org, deployment]:
            found = find_deployment(request, org, deployment)
            return Where(seen.filter(deployment=found), found.organization, found)
        case [org, deployment, location]:
            one = find_location(request, org, deployment, location)
            return Where(seen.filter(pk=one.pk), one.deployment.organization, one.deployment, one)
    raise Http404


def _led(request: HttpRequest, where: Where) -> dict[str, Any]:
    """Answer what the page's crumbs and tabs lead to."""
    asks = person(request)
    return {
        "organization": where.organization,
        "deployment": where.deployment,
        "location": where.location,
        "tab": "insights",
        "may_configure": where.deployment is not None and may_configure(request, where.deployment),
        "may_administer": where.organization is not None and allows(asks, Right.ADMINISTER, where.organization),
    }


def _places(request: HttpRequest, place: str) -> list[tuple[str, str, bool]]:
    """Answer what can be chosen: (value, word, is it chosen)."""
    rows = Deployment.objects.visible_to(person(request)).order_by("organization__slug", "slug")
    names = rows.values_list("organization__slug", "slug")[:MOST_PLACES]
    found = [("", "Everything you may see")]
    for org, slug in names:
        if (org, org) not in found:
            found.append((org, org))
        found.append((f"{org}/{slug}", f"{org}/{slug}"))
    if place and (place, place) not in found:
        found.append((place, place))
    return [(value, word, value == place) for value, word in found]


def _chosen(request: HttpRequest) -> dict[str, str]:
    """Answer what the address says of the period: a form sends it along."""
    return {name: request.GET[name] for name in ("days", "from", "to") if request.GET.get(name)}


def _periods(request: HttpRequest, place: str) -> list[tuple[int, str, bool]]:
    """Answer the usual periods: (days, address, is it chosen)."""
    said = _chosen(request)
    free = "from" in said or "to" in said
    now = 0 if free else int(said.get("days", USUAL))
    return [(days, f"?{urlencode(_with_place(place) | {'days': days})}", days == now) for days in CHOICES]


def _with_place(place: str) -> dict[str, Any]:
    return {"place": place} if place else {}


def _example(found: Insights, place: str) -> str:
    """Answer a place that can be deployed to, for a command to copy."""
    spots = [spot for spot, _ in found.spots]
    return f"{spots[0].place}/{spots[0].name}" if spots else f"{place or 'acme/production'}/shop"


def _plots(found: Insights) -> dict[str, plots.Plot]:
    steps, tallies = found.period.steps, found.steps
    short, full = [day_name(step) for step in steps], [step_name(step) for step in steps]

    def told(words: Callable[[Tally], str]) -> list[str]:
        return [f"{name}: {words(tally)}" for name, tally in zip(full, tallies, strict=True)]

    kept = [
        [("live", each.live - each.rolled_back), ("left", each.rolled_back), ("failed", each.failed)]
        for each in tallies
    ]
    return {
        "frequency": plots.stacked(kept, short, told(_counts)),
        "lead": plots.spans([_pair(each.leads) for each in tallies], short, told(lambda each: _spread(each.leads))),
        "rate": plots.shares([each.failure_rate for each in tallies], short, told(_rate)),
        "restore": plots.spans(
            [_pair(each.restores) for each in tallies], short, told(lambda each: _spread(each.restores))
        ),
    }


def _pair(seconds: Any) -> tuple[float, float] | None:
    median, most = quantile(seconds, 0.5), quantile(seconds, NINE_OF_TEN)
    return None if median is None or most is None else (median, most)


def _counts(tally: Tally) -> str:
    more = [f"{tally.rolled_back:,} of them rolled back from"] if tally.rolled_back else []
    more += [f"{tally.failed:,} failed"] if tally.failed else []
    return ", ".join([f"{many(tally.live, 'deploy')} went live", *more])


def _spread(seconds: Any) -> str:
    pair = _pair(seconds)
    return "nothing" if pair is None else f"median {span(pair[0])}, nine of ten at most {span(pair[1])}"


def _rate(tally: Tally) -> str:
    return (
        f"{share(tally.failure_rate)}, {tally.failures:,} of {many(tally.changes, 'deploy')}"
        if tally.changes
        else "nothing"
    )


def _table(found: Insights) -> list[tuple[str, Tally, dict[str, str]]]:
    """Answer the plots' figures, newest first: what each step is called, its counts, and the others in words."""
    rows = [
        (step_name(step), tally, _words(tally, (step.last - step.first).days + 1))
        for step, tally in zip(found.period.steps, found.steps, strict=True)
    ]
    return rows[::-1]


def _words(tally: Tally, days: int) -> dict[str, str]:
    return {
        "pace": " ".join(pace(tally.live, days)),
        "lead": span(quantile(tally.leads, 0.5)),
        "lead_most": span(quantile(tally.leads, NINE_OF_TEN)),
        "rate": share(tally.failure_rate),
        "restore": span(quantile(tally.restores, 0.5)),
        "restore_most": span(quantile(tally.restores, NINE_OF_TEN)),
    }


# What a column is sorted by, and whether the largest comes first. What has no figure comes last.
SORTS: dict[str, tuple[str, bool, Callable[[Tally], float | None]]] = {
    "deploys": ("Deploys", True, lambda tally: tally.live),
    "lead": ("Lead time", False, lambda tally: quantile(tally.leads, 0.5)),
    "rate": ("Change failure rate", True, lambda tally: tally.failure_rate),
    "restore": ("Time to restore", True, lambda tally: quantile(tally.restores, 0.5)),
}


def _lines(found: Insights, place: str, request: HttpRequest) -> list[Line]:
    """Answer the deployments at the place, or the code locations of the one that it is, in the order that is asked for."""
    if place.count("/") == 2:
        return []
    if place.count("/") == 1:
        rows = [(spot.name, f"{place}/{spot.name}", tally) for spot, tally in found.spots]
    else:
        rows = [(name, name, tally) for name, tally in by_deployment(found.spots).items()]
    said = _chosen(request)
    lines = [
        Line(name, f"?{urlencode({'place': to} | said)}", tally, _words(tally, found.period.days))
        for name, to, tally in sorted(rows)
    ]
    _, largest_first, key = SORTS.get(request.GET.get("sort", ""), SORTS["deploys"])
    known = [line for line in lines if key(line.tally) is not None]
    return sorted(known, key=lambda line: key(line.tally) or 0, reverse=largest_first) + [
        line for line in lines if key(line.tally) is None
    ]


def _sorts(request: HttpRequest) -> list[tuple[str, str, str]]:
    """Answer the columns' heads: title, address, and how it is sorted now."""
    chosen = request.GET.get("sort", "")
    chosen = chosen if chosen in SORTS else "deploys"
    heads = []
    for name, (title, largest_first, _) in SORTS.items():
        query = request.GET.copy()
        query["sort"] = name
        order = "descending" if largest_first else "ascending"
        heads.append((title, f"?{query.urlencode()}#compared", order if name == chosen else ""))
    return heads


def _failures(found: Insights) -> list[dict[str, Any]]:
    now = timezone.now()
    return [_failure(spot, failure, now) for spot, failure in found.failures]


def _failure(spot: Spot, failure: Failure, now: datetime) -> dict[str, Any]:
    restored = failure.restored
    names = [spot.organization, spot.deployment, spot.name]
    return {
        "spot": spot,
        "number": failure.change.number,
        "link": reverse("deployments:deploy", args=[*names, failure.change.number]),
        "went_live": failure.went_live,
        "when": ago(datetime.fromtimestamp(failure.began, UTC), now),
        "restored": restored and restored.number,
        "restored_link": restored and reverse("deployments:deploy", args=[*names, restored.number]),
        "by_rollback": restored and restored.kind == DeployKind.ROLLBACK,
        "after": span(failure.seconds),
    }
