"""One asset: what it is now, or was last; and every time that this changed."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assets import history
from assets.comparing import fullest
from assets.definitions import keys
from assets.models import Asset, AssetChange, AssetVersion
from assets.states import World
from assets.views.finding import find_asset
from assets.views.shapes import Shape
from assets.views.steps import row_of
from assets.views.timeline import timeline_of
from deployments.models import CodeLocation, Deploy
from deployments.views.answering import refusals_shown
from deployments.views.filters import query_of
from deployments.views.finding import find_location
from deployments.views.moments import ago
from portal.common.paging import asked_limit, page_of

# Changes on a page: each is a text to read.
CHANGES = 20


@require_safe
@login_required
@never_cache
@refusals_shown()
def definition(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show what an asset is, or was before it went."""
    place = find_location(request, org, deployment, location)
    asset = find_asset(request, place)
    context, version = _head(place, asset)
    shape = Shape(fullest(version)) if version else None
    context |= {
        "tab": "definition",
        "shape": shape,
        "version": version,
        "source": _source(asset, version),
        "upstream": _upstream(asset, shape),
        "downstream": history.downstream_of(asset),
        "most": history.MOST_NEIGHBOURS,
    }
    return render(request, "assets/definition.html", context)


@require_safe
@login_required
@never_cache
@refusals_shown()
def changes(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show the change history of an asset, newest first; `?at=` begins at what one deploy did, if it is far back."""
    place = find_location(request, org, deployment, location)
    asset = find_asset(request, place)
    context, _ = _head(place, asset)
    rows = history.changes_of(asset).select_related("asset__chain", "after__deploy")
    limit = asked_limit(request) if request.GET.get("limit") else CHANGES
    begins_at = _begins_at(request, place, asset, limit)
    if begins_at is not None:
        rows = rows.filter(live_seq__lte=begins_at)
    page = page_of(rows, key="live_seq", descending=True, cursor=request.GET.get("cursor"), limit=limit)
    newer = query_of(request, cursor=page.previous_cursor) if page.previous_cursor else ""
    context |= {
        "tab": "changes",
        "rows": [row_of(row, context["now"]) for row in page.rows],
        "newer": newer or (f"?{_only_key(request)}" if begins_at is not None else ""),
        "older": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "assets/changes.html", context)


def _head(place: CodeLocation, asset: Asset) -> tuple[dict[str, Any], AssetVersion | None]:
    """Answer what both tabs show above, and the version that is in force or was last."""
    last, now = history.last_change_of(asset), timezone.now()
    version = asset.current or (last.before if last else None)
    return {
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "asset": asset,
        "path": keys.parts(asset.key),
        "kinds": asset.kinds.split(),
        "last": last,
        "last_when": ago(last.deploy.finished_at, now) if last else "",
        "timeline": timeline_of(asset, now),
        "now": now,
    }, version


def _source(asset: Asset, version: AssetVersion | None) -> str:
    if version is None:
        return ""
    if asset.chain.world == World.DBT:
        return "Exact: from the dbt manifest that CI sent."
    if version.sent:
        also = " Dagster was seen to serve it, too." if version.read else ""
        return f"Exact: from the snapshot that CI sent.{also}"
    return "As Dagster tells it: end dates and offsets of partitions are not shown."


def _upstream(asset: Asset, shape: Shape | None) -> list[dict[str, Any]]:
    """Answer what it reads, or read last: each key, whether it is an asset that is there, its partition mapping."""
    if shape is None:
        return []
    parents = [keys.shown(dep["key"]) for dep in shape.definition["deps"][: history.MOST_NEIGHBOURS]]
    known = set(history.assets_of(asset.code_location).filter(key__in=parents).values_list("key", flat=True))
    mappings = shape.mappings
    return [{"key": key, "known": key in known, "mapping": mappings.get(key, "")} for key in parents]


def _begins_at(request: HttpRequest, place: CodeLocation, asset: Asset, limit: int) -> int | None:
    """Answer where the page begins, if what the deploy `?at=` did is not on the first one."""
    number = request.GET.get("at", "")
    if not number.isdecimal() or len(number) > 18:
        return None
    seq = Deploy.objects.filter(code_location=place, number=int(number)).values_list("live_seq", flat=True).first()
    if seq is None:
        return None
    newer = AssetChange.objects.filter(asset=asset, live_seq__gt=seq).order_by("-live_seq")[:limit].count()
    return seq if newer >= limit else None


def _only_key(request: HttpRequest) -> str:
    asked = request.GET.copy()
    for name in [name for name in asked if name not in {"key", "limit"}]:
        del asked[name]
    return asked.urlencode()
