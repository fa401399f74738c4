"""Any two deploys side by side, and what was live at a time."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assets import comparison
from assets.comparison import Comparison
from assets.history import parse_time
from assets.models import AssetSet
from assets.states import World
from assets.views import choosing
from assets.views.steps import TITLES, step_between
from deployments import history
from deployments.changes import changes_between
from deployments.models import CodeLocation, Deploy
from deployments.views.answering import refusals_shown
from deployments.views.filters import query_of
from deployments.views.finding import find_location, may_configure
from deployments.views.moments import ago
from portal.common.paging import asked_limit, slice_of
from portal.common.problems import Absent, Invalid, Refusal

# Deploys that the pickers offer; any other number can be written.
OFFERED = 50
OPEN = 3


@require_safe
@login_required
@never_cache
@refusals_shown()
def compare(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show what differs between two deploys; without numbers, between the live one and the one before."""
    place = find_location(request, org, deployment, location)
    shown: dict[str, Any] = {
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "tab": "compare",
        "may_configure": may_configure(request, place.deployment),
        "offered": _offered(place),
        "at": request.GET.get("at", ""),
    }
    try:
        if request.GET.get("at"):
            old, new = _asked(request, [number for number, _ in shown["offered"]])
            shown |= {"old_number": old, "new_number": new, **_live_at(place, request.GET["at"])}
        else:
            shown |= _compared(request, place, *_asked(request, [number for number, _ in shown["offered"]]))
    except Refusal as refused:
        shown |= {
            "old_number": request.GET.get("from", ""),
            "new_number": request.GET.get("to", ""),
            "refusal": refused,
        }
        return render(request, "assets/compare.html", shown, status=refused.status)
    return render(request, "assets/compare.html", shown)


def _offered(place: CodeLocation) -> list[tuple[int, str]]:
    """Answer number and description of those that went live last."""
    live = Deploy.objects.filter(code_location=place).went_live()
    return list(live.values_list("number", "description")[:OFFERED])


def _asked(request: HttpRequest, offered: Sequence[int]) -> tuple[str, str]:
    """Answer the two numbers of the address; empty ones stand for the live deploy and the one before."""
    new = request.GET.get("to") or (str(offered[0]) if offered else "")
    older = [number for number in offered if str(number) != new.removeprefix("#")]
    return request.GET.get("from") or (str(older[0]) if older else ""), new


def _compared(request: HttpRequest, place: CodeLocation, old: str, new: str) -> dict[str, Any]:
    """Answer all that differs. Raises Invalid, Absent."""
    if not (old and new):
        return {"old_number": old, "new_number": new}
    before, after = _deploys(place, old, new)
    now = timezone.now()
    changes = [] if before.pk == after.pk else changes_between(before.release, after.release)
    return {
        "old_number": before.number,
        "new_number": after.number,
        "before": before,
        "after": after,
        "before_when": ago(before.finished_at or before.created_at, now),
        "after_when": ago(after.finished_at or after.created_at, now),
        "pairs": _pairs(before, after),
        "changes": [change for change in changes if not change.same],
        "same_mounts": [change.mount for change in changes if change.same],
        **_assets(request, place, before, after),
    }


def _assets(request: HttpRequest, place: CodeLocation, before: Deploy, after: Deploy) -> dict[str, Any]:
    unrecorded = [each for each in (before, after) if each.live_seq is None]
    # What never went live is in no chain: there is nothing to lay beside the other.
    found = Comparison() if unrecorded else comparison.compare(place, before, after)
    kinds = choosing.chosen(request, "kind", choosing.KINDS)
    types, text = choosing.chosen(request, "type", TITLES), choosing.text(request)
    page = slice_of(
        _kept(found, kinds, types, text),
        key=lambda step: step.key,
        cursor=request.GET.get("cursor"),
        limit=asked_limit(request),
    )
    return {
        "compared": found,
        "sides": _sides(found) if found.old and found.new else [],
        "unrecorded": unrecorded,
        "kinds": choosing.kinds(request, found.counts),
        "types": choosing.types(request, found.by_type),
        "text": text,
        "kept": [("from", before.number), ("to", after.number)]
        + [("kind", each) for each in kinds]
        + [("type", each) for each in types],
        "filtered": bool(kinds or types or text),
        "total": len(found.steps),
        "steps": [step_between(each) for each in comparison.in_detail(page.rows)],
        "open": OPEN,
        "previous": query_of(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "next": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
    }


def _sides(found: Comparison) -> list[tuple[str, AssetSet | None, AssetSet | None]]:
    """Answer the recorded sets that were compared, by the name of their world; None: nothing was recorded yet."""
    old, new = ({each.chain.world: each for each in sets} for sets in (found.old, found.new))
    return [(word, old.get(world), new.get(world)) for world, word in World.choices if world in old or world in new]


def _kept(found: Comparison, kinds: list[str], types: list[str], text: str) -> list[comparison.Step]:
    """Answer the steps that the filters keep."""
    steps = found.steps
    if kinds:
        steps = [step for step in steps if step.kind.lower() in kinds]
    if types:
        steps = [step for step in steps if step.difference and set(types) & set(step.difference.change_types)]
    return [step for step in steps if text.lower() in step.key.lower()] if text else steps


def _pairs(before: Deploy, after: Deploy) -> list[tuple[str, str, str]]:
    """Answer image and runtime version, from what to what, as far as there are any."""
    old, new = before.release, after.release
    named = [
        ("Image", old.image if old else "", new.image if new else ""),
        ("Runtime version", old.runtime_version if old else "", new.runtime_version if new else ""),
    ]
    return [pair for pair in named if pair[1] or pair[2]]


def _deploys(place: CodeLocation, old: str, new: str) -> tuple[Deploy, Deploy]:
    """Answer the deploys of two numbers. Raises Invalid, Absent."""
    numbers = [_number(old, "From"), _number(new, "To")]
    found = {deploy.number: deploy for deploy in history.deploys_of(place).filter(number__in=numbers)}
    for number in numbers:
        if number not in found:
            raise Absent(f"{place} has no deploy #{number}.")
    return found[numbers[0]], found[numbers[1]]


def _number(words: str, name: str) -> int:
    number = words.strip().removeprefix("#")
    if not number.isdecimal() or len(number) > 18:
        raise Invalid(f"{name}: say the number of a deploy, as 12.")
    return int(number)


def _live_at(place: CodeLocation, words: str) -> dict[str, Any]:
    """Answer what was live then. Raises Invalid."""
    at = parse_time(words)
    if at is None:
        raise Invalid("At: say a time, as 2026-11-20T14:00, or a day.")
    now = timezone.now()
    at = min(at, now)
    found = comparison.live_at(place, at)
    since = ago(found.finished_at, now) if found else ""
    return {"asked_at": f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", "was_live": found, "was_live_since": since}
