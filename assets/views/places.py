"""The assets of a code location."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assets import history
from assets.models import Asset, AssetChain, AssetChange, AssetSet
from assets.states import World
from assets.views.steps import SIGNS, titles
from deployments.models import CodeLocation
from deployments.views.answering import refusals_shown
from deployments.views.filters import OWN, query_of, said
from deployments.views.finding import find_location, may_configure
from deployments.views.moments import ago
from portal.common.paging import asked_limit, page_of

FIELDS = {
    "q": "Key",
    "group": "Group",
    "kind": "Kind",
    "world": "Source",
    "changed_since": "Changed since",
}


@dataclass(frozen=True)
class AssetRow:
    """One asset, with what changed it last."""

    asset: Asset
    last: AssetChange | None
    now: datetime

    @property
    def kinds(self) -> list[str]:
        """Answer its kinds."""
        return self.asset.kinds.split()

    @property
    def when(self) -> SafeString | str:
        """Say when it changed last."""
        return ago(self.last.deploy.finished_at, self.now) if self.last else ""

    @property
    def what(self) -> str:
        """Say what happened to it then."""
        if self.last is None:
            return ""
        return ", ".join(titles(history.words_of(self.last))) or self.last.get_kind_display()

    @property
    def word(self) -> str:
        """Say `added` or `changed`."""
        return self.last.kind.lower() if self.last else ""

    @property
    def sign(self) -> str:
        """Answer the sign of what happened."""
        return SIGNS.get(self.word, "")


@require_safe
@login_required
@never_cache
@refusals_shown()
def assets(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show the assets of the newest recorded sets, by key."""
    place = find_location(request, org, deployment, location)
    asked = history.AssetFilter(said(request), location=place)
    rows = asked.qs if asked.is_valid() else asked.queryset.none()
    page = page_of(rows, key="key", descending=False, cursor=request.GET.get("cursor"), limit=asked_limit(request))
    last, now = _last_changes(page.rows), timezone.now()
    context = {
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "tab": "assets",
        "may_configure": may_configure(request, place.deployment),
        "rows": [AssetRow(asset, last.get(asset.pk), now) for asset in page.rows],
        "previous": query_of(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "next": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
        **_filters(request, place, asked),
        **_known(place),
    }
    return render(request, "assets/list.html", context)


def _last_changes(shown: Collection[Asset]) -> dict[int, AssetChange]:
    """Answer, by asset, the step that it made last."""
    steps = AssetChange.objects.filter(asset__in=list(shown), live_seq=F("asset__changed_seq"))
    return {step.asset_id: step for step in steps.select_related("deploy")}


def _known(place: CodeLocation) -> dict[str, Any]:
    """Answer the newest recorded set of each world, and the live deploy if nothing is recorded of it."""
    newest = [
        AssetSet.objects.filter(chain=chain).select_related("deploy", "chain", "known_from").latest("live_seq")
        for chain in AssetChain.objects.filter(code_location=place, sets__isnull=False).distinct().order_by("world")
    ]
    live = place.live_deploy
    behind = live is not None and all(each.deploy_id != live.pk for each in newest)
    return {"sets": newest, "count": sum(each.asset_count for each in newest), "behind": live if behind else None}


def _filters(request: HttpRequest, place: CodeLocation, asked: Any) -> dict[str, Any]:
    """Answer the form as the address fills it in, and each filter in words with the query without it."""
    given = {name: request.GET.get(name, "").strip() for name in FIELDS}
    worlds = list(AssetChain.objects.filter(code_location=place).order_by("world").values_list("world", flat=True))
    named = dict(World.choices)
    active = [
        (f"{title}: {named.get(given[name], given[name]) if name == 'world' else given[name]}", _without(request, name))
        for name, title in FIELDS.items()
        if given[name]
    ]
    since = given["changed_since"]
    odd = since and history.parse_time(since) is None and not since.removeprefix("#").strip().isdecimal()
    errors = [f"{FIELDS.get(name, name)}: {' '.join(map(str, words))}" for name, words in asked.errors.items()]
    errors += ["Changed since: say the number of a deploy, as 12, or a day, as 2026-11-20."] if odd else []
    return {
        "given": given,
        "groups": history.groups_of(place),
        "kinds": history.kinds_of(place),
        "worlds": [(world, named[world]) for world in worlds] if len(worlds) > 1 else [],
        "active": active,
        "errors": errors,
    }


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    for other in (*OWN, name):
        query.pop(other, None)
    return f"?{query.urlencode()}"
