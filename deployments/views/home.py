"""The deployments page: every place that somebody may see, by organization, and what there needs attention."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import history
from deployments.access import Right
from deployments.models import CodeLocation, Deployment, Organization
from deployments.views.answering import refusals_shown
from deployments.views.connected import Connected, connected
from deployments.views.filters import query_of
from deployments.views.finding import person
from deployments.views.lines import Facts, Line, facts_of, lines_of
from deployments.views.strips import strips_of
from portal.common.paging import slice_of

# Those that are looked at, and those that one page lists.
MOST_LOCATIONS = 500
A_PAGE = 40
# What a chip's tone means to somebody who looks for it, the most urgent first.
STATES = {"bad": "failing", "warn": "to look at", "busy": "deploying", "held": "held", "ok": "live", "none": "idle"}


@dataclass(frozen=True)
class Place:
    """A deployment with the lines of its code locations."""

    deployment: Deployment
    connected: Connected | None
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """What is listed: a code location, or a deployment that has none."""

    deployment: Deployment
    location: CodeLocation | None = None

    @property
    def key(self) -> str:
        """Answer where it stands in the list, in the order of the names."""
        names = [self.deployment.organization.slug, self.deployment.slug, self.location.name if self.location else ""]
        return "\x01".join(names)


@require_safe
@login_required
@never_cache
@refusals_shown()
def home(request: HttpRequest) -> HttpResponse:
    """Show the deployments that the person may see, with their code locations."""
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    deployments = Deployment.objects.visible_to(person(request)).select_related("organization", "watch")
    found = _locations(deployments, text)
    facts = facts_of(found)
    tones = {each.pk: {chip.tone for chip in facts.chips(each)} for each in found}
    kept = [each for each in found if state in tones[each.pk]] if state in STATES else found
    shown = list(deployments.order_by("organization__slug", "slug")[:MOST_LOCATIONS])
    items = _items(shown, kept, only_full=bool(text or state in STATES))
    page = slice_of(items, key=lambda item: item.key, cursor=request.GET.get("cursor"), limit=A_PAGE)
    administered = Organization.objects.allowing(person(request), Right.ADMINISTER)
    context = {
        "organizations": _by_organization(page.rows, facts),
        "administered": set(administered.values_list("pk", flat=True)),
        "bare": [] if text or state or request.GET.get("cursor") else _bare(administered),
        "q": text,
        "state": state if state in STATES else "",
        "states": _counted(request, tones, state),
        "everything": {"count": len(found), "query": query_of(request, state="")},
        "newer": query_of(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "older": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
        "whole": len(found) < MOST_LOCATIONS,
        "most": MOST_LOCATIONS,
    }
    return render(request, "deployments/home.html", context)


def _bare(administered: QuerySet[Organization]) -> list[Organization]:
    """Answer those organizations that have no deployment yet: whoever administers them makes it."""
    return list(administered.filter(deployments=None).order_by("slug")[:A_PAGE])


def _locations(deployments: Any, text: str) -> list[CodeLocation]:
    locations = history.code_locations().filter(deployment__in=deployments.order_by().values("pk"))
    if text:
        locations = history.locations_named(locations, text)
    return list(locations.order_by("deployment__organization__slug", "deployment__slug", "name")[:MOST_LOCATIONS])


def _items(deployments: list[Deployment], locations: list[CodeLocation], *, only_full: bool) -> list[Item]:
    by_pk = {each.pk: each for each in deployments}
    items = [Item(by_pk[each.deployment_id], each) for each in locations if each.deployment_id in by_pk]
    if not only_full:
        full = {item.deployment.pk for item in items}
        items += [Item(each) for each in deployments if each.pk not in full]
    return sorted(items, key=lambda item: item.key)


def _by_organization(items: list[Item], facts: Facts) -> list[tuple[Organization, list[Place]]]:
    """Group what is listed: organizations, their deployments, the lines of those."""
    now = timezone.now()
    listed = [item.location for item in items if item.location]
    lines = {line.location.pk: line for line in lines_of(listed, facts, now, strips=strips_of(listed, now))}
    places: dict[int, Place] = {}
    organizations: dict[int, tuple[Organization, list[Place]]] = {}
    for item in items:
        deployment = item.deployment
        if deployment.pk not in places:
            places[deployment.pk] = Place(deployment, connected(deployment, now))
            _, of_it = organizations.setdefault(deployment.organization_id, (deployment.organization, []))
            of_it.append(places[deployment.pk])
        if item.location:
            places[deployment.pk].lines.append(lines[item.location.pk])
    return list(organizations.values())


def _counted(request: HttpRequest, tones: dict[int, set[str]], state: str) -> list[dict[str, Any]]:
    """Say how many code locations are in each state; one may be in several: held, and live."""
    counts = Counter(tone for each in tones.values() for tone in each)
    return [
        {
            "tone": tone,
            "count": counts[tone],
            "word": word,
            "chosen": tone == state,
            "query": query_of(request, state=tone),
        }
        for tone, word in STATES.items()
        if counts[tone] or tone == state
    ]
