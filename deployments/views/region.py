"""What the Overview and history pages show of one code location, and the mark by which a poll sees that it moved."""

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone

from deployments import drivers, history
from deployments.access import Right, rights_on
from deployments.last_known_good import last_known_good
from deployments.models import CodeLocation, Deploy
from deployments.states import DeployStatus
from deployments.views.columns import columns_of
from deployments.views.connected import connected, mark_of
from deployments.views.failures import failure_of
from deployments.views.filters import filters_of, query_of, said
from deployments.views.finding import person
from deployments.views.lines import Facts
from deployments.views.moments import ago, since
from deployments.views.rows import Around, Row, told
from deployments.views.standing import is_loaded_elsewhere, place_words
from deployments.views.steps import waiting_words
from portal.common.paging import asked_limit, page_of


def around(request: HttpRequest, location: CodeLocation, facts: Facts | None = None) -> Around:
    """Answer what is true of the location now, for this person."""
    return Around(
        location=location,
        rights=rights_on(person(request), location.deployment),
        now=timezone.now(),
        puts=drivers.puts_of(location),
        hold=facts.holds.get(location.pk) if facts else history.hold_of(location),
        blamers=history.blamers_of(location),
        last_good=last_known_good(location),
    )


def region(request: HttpRequest, location: CodeLocation, facts: Facts) -> dict[str, Any]:
    """Answer all that the part of the page shows which renews itself. Raises Invalid on filters that cannot be used."""
    about = around(request, location, facts)
    asked = history.DeployFilter(said(request), queryset=history.deploys_of(location))
    usable = asked.is_valid()
    filters = filters_of(request, asked.form)
    rows = asked.qs if usable else asked.queryset.none()
    # Of a run only the newest would be asked for its actor or time: what is filtered is shown one by one.
    collapse = request.GET.get("collapse") == "true" and not filters.active
    rows = history.ends_of_runs(rows) if collapse else rows
    page = page_of(rows, key="number", descending=True, cursor=request.GET.get("cursor"), limit=asked_limit(request))
    failing = facts.failing.get(location.pk)
    unfinished, newest = history.unfinished_of(location), facts.newest.get(location.pk)
    lines = [Row(deploy, about) for deploy in page.rows]
    columns = columns_of(request, lines)
    shown: dict[str, Any] = {
        "location": location,
        "here": location.get_absolute_url(),
        "around": about,
        "at": _seen_from(request, location.get_absolute_url()),
        "rows": lines,
        "columns": columns,
        "shows": {column.name for column in columns if column.shown},
        "collapse": collapse,
        "may_collapse": not filters.active and (collapse or any(deploy.continued for deploy in page.rows)),
        "collapsed_or_not": query_of(request, collapse="" if collapse else "true"),
        "news": f"#{newest.number} {newest.get_status_display()}" if newest else "",
        "newer": query_of(request, cursor=page.previous_cursor) if page.previous_cursor else "",
        "older": query_of(request, cursor=page.next_cursor) if page.next_cursor else "",
        "filters": filters,
        "filtered": bool(filters.active),
        "held": [deploy for deploy in unfinished if deploy.status == DeployStatus.HELD],
        "busy": _busy(unfinished, about),
        "chips": facts.chips(location),
        "connected": connected(location.deployment, about.now),
        "failing": _failing(location, failing, about),
        "live_words": told(location.live_deploy),
        "live_row": Row(location.live_deploy, about) if location.live_deploy else None,
        "good_row": Row(about.last_good, about) if about.last_good else None,
        "place_words": place_words(location),
        "place_tone": "warn" if is_loaded_elsewhere(location) else "bad",
        "live_since": ago(location.live_deploy.finished_at, about.now) if location.live_deploy else "",
        "good_since": ago(about.last_good.finished_at, about.now) if about.last_good else "",
        "held_since": ago(about.hold.created_at, about.now) if about.hold else "",
        "may_deploy": Right.DEPLOY in about.rights,
        "may_roll_back": Right.ROLL_BACK in about.rights,
        "may_configure": Right.CONFIGURE in about.rights,
    }
    shown["mark"] = _mark(shown, page.rows)
    # Rows that arrive do not move the page that somebody turned to.
    shown["poll"] = query_of(request, seen=shown["mark"], keep_cursor=True)
    shown["pace"] = 2 if any(deploy.status != DeployStatus.HELD for deploy in unfinished) else 15
    return shown


def _seen_from(request: HttpRequest, here: str) -> str:
    """Answer how links of the page that is being looked at lead to `here`: in as few characters as that takes."""
    htmx = getattr(request, "htmx", None)
    path = urlsplit(htmx.current_url_abs_path or "").path if htmx else request.path
    if not path.endswith("/") or not here.startswith(path):
        return here
    # A name with a colon would be read as a protocol.
    return f"./{here.removeprefix(path)}" if path != here else ""


def _busy(unfinished: list[Deploy], about: Around) -> list[tuple[Row, str]]:
    moving = [deploy for deploy in unfinished if deploy.status != DeployStatus.HELD]
    return [(Row(deploy, about), waiting_words(deploy, unfinished, about.now)) for deploy in moving]


def _failing(location: CodeLocation, failing: datetime | None, about: Around) -> dict[str, Any] | None:
    """Answer what is to be said of a code location that fails to load now."""
    if location.last_load is None or location.last_load.ok:
        return None
    return {
        "since": since(failing, about.now),
        "failure": failure_of(location.last_load.error),
        "load": location.last_load,
    }


def _mark(shown: dict[str, Any], deploys: list[Deploy]) -> str:
    location, hold, good = shown["location"], shown["around"].hold, shown["around"].last_good
    facts = (
        [location.wanted_deploy_id, location.placed_deploy_id, location.live_deploy_id, location.drift],
        [hold.pk if hold else None, good.pk if good else None, sorted(shown["around"].blamers)],
        [(row.deploy.pk, row.deploy.status, row.deploy.step, words) for row, words in shown["busy"]],
        [(deploy.pk, deploy.status, deploy.step, deploy.description, deploy.last_event) for deploy in deploys],
        [deploy.release.purged_at for deploy in deploys if deploy.release],
        sorted(shown["around"].rights),
        [location.last_load_id, location.muted, location.absent_since is None],
        mark_of(location.deployment),
        sorted(shown["shows"]),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
