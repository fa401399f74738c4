"""What one deploy changed in the assets: a page, a part of the deploy's page, and its keys for a glance."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assets import history
from assets.states import ChangeKind
from assets.views import choosing
from assets.views.steps import SIGNS, TITLES, step_of, titles
from deployments.models import Deploy
from deployments.views.answering import refreshing, refusals_shown
from deployments.views.filters import query_of
from deployments.views.finding import find_deploy
from portal.common.paging import asked_limit, page_of

# Keys that a glance shows; changes on a part of a page; how many of them are open.
GLANCE = 40
PART = 20
OPEN = 3
# What a deploy defines is written down right after it went live: how long a page waits for it, and how often it asks.
SOON = timedelta(seconds=30)
TRIES = 8


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def deploy_assets(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show what a deploy changed in the assets."""
    found = find_deploy(request, org, deployment, location, number)
    place = found.code_location
    shown: dict[str, Any] = {
        "deploy": found,
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "url": found.get_absolute_url(),
    }
    if not getattr(request, "htmx", False):
        return render(request, "assets/deploy.html", shown | _changes(request, found, within=False))
    within = request.GET.get("within") == "deploy"
    # Whoever asks for no part of a page wants a glance, for the page's dialog.
    if not within and request.headers.get("HX-Target") != "assets":
        return render(request, "assets/_keys.html", shown | _glance(found))
    return render(request, "assets/_deploy.html", shown | _changes(request, found, within=within))


def _changes(request: HttpRequest, found: Deploy, *, within: bool) -> dict[str, Any]:
    """Answer who said what it defines, the filters, and one page of changes. `within` the deploy's own page: fewer."""
    sets = history.sets_of(found)
    if not sets:
        return {"within": within, "sets": [], **_unknown(request, found)}
    kinds = choosing.chosen(request, "kind", choosing.KINDS)
    types, text = choosing.chosen(request, "type", TITLES), choosing.text(request)
    rows = history.changes_by(found, kinds=[each.upper() for each in kinds], types=types, text=text)
    limit = asked_limit(request) if request.GET.get("limit") or not within else PART
    page = page_of(rows, key="asset__key", descending=False, cursor=request.GET.get("cursor"), limit=limit)
    counts = found.asset_counts or {}
    return {
        "within": within,
        "sets": sets,
        "total": sum(counts.values()),
        "kinds": choosing.kinds(request, counts),
        "types": choosing.types(request, history.counts_by_type(found)),
        "text": text,
        "kept": [("kind", each) for each in kinds] + [("type", each) for each in types],
        "filtered": bool(kinds or types or text),
        "steps": [step_of(row) for row in page.rows],
        "open": OPEN,
        "previous": query_of(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "next": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
    }


def _unknown(request: HttpRequest, found: Deploy) -> dict[str, Any]:
    """Answer why nothing is known: it may be about to be written down, and the page then asks again a few times."""
    tries = request.GET.get("tries", "")
    tried = int(tries) if tries.isdecimal() and len(tries) < 3 else 0
    if found.live_seq is None:
        return {"why": "never_live" if found.is_finished else "not_yet"}
    ended = found.finished_at
    if ended is not None and timezone.now() - ended < SOON and tried < TRIES:
        return {"why": "soon", "tries": tried + 1}
    return {"why": "unsaid"}


def _glance(found: Deploy) -> dict[str, Any]:
    """Answer the keys by kind, each kind its share of what a glance can take in."""
    counts = {word: count for word, count in (found.asset_counts or {}).items() if count}
    groups, room = [], GLANCE
    for position, (word, count) in enumerate(sorted(counts.items(), key=lambda each: each[1])):
        share = min(count, room // (len(counts) - position))
        room -= share
        rows = history.changes_by(found, kinds=[ChangeKind(word.upper())]).order_by("asset__key")
        rows = rows.defer("before__sent", "before__read", "after__sent", "after__read")
        steps = [(row.asset.key, titles(history.words_of(row))) for row in rows[:share]]
        groups.append({"word": word, "sign": SIGNS[word], "count": count, "steps": steps, "more": count - len(steps)})
    order = list(SIGNS)
    return {
        "groups": sorted(groups, key=lambda group: order.index(str(group["word"]))),
        "total": sum(counts.values()),
        "sets": history.sets_of(found),
    }
