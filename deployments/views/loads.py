"""What a code location loaded: its history of loads, and one of them with all that is known of it."""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments.access import Right
from deployments.commits import without_credentials
from deployments.load_history import Entry, load_of, loads_of
from deployments.models import CodeLocation, Load, LoadRun
from deployments.views.answering import refusals_shown
from deployments.views.connected import connected
from deployments.views.failures import Failure, failure_of
from deployments.views.filters import query_of
from deployments.views.finding import find_location
from deployments.views.moments import ago
from deployments.views.region import around
from deployments.views.rows import Around, Row
from portal.common.paging import asked_limit

LIBRARY = "library/"
GIST = 200
# Word and tone of each way that a load can go.
LOADED = ("Loaded", "succeeded")
AGAIN = ("Loaded again, same definitions", "reloaded")
FAILED = ("Failed to load", "failed")


@dataclass(frozen=True)
class LoadRow:
    """One load, or a run of similar ones, as a row."""

    entry: Entry
    around: Around

    @property
    def load(self) -> Load:
        """Answer the load; of a run, the newest one."""
        return self.entry.load

    @property
    def deploy(self) -> Row | None:
        """Answer the deploy that it belongs to, as a row of history."""
        return Row(self.load.deploy, self.around) if self.load.deploy else None

    @property
    def when(self) -> SafeString | str:
        """Say when; of a run, when last."""
        return ago(self.entry.last_at, self.around.now)

    @property
    def first(self) -> SafeString | str:
        """Say when the first of a run was."""
        return ago(self.entry.first_at, self.around.now)

    @property
    def word(self) -> str:
        """Say how it went."""
        return _how(self.entry)[0]

    @property
    def tone(self) -> str:
        """Answer the tone of how it went."""
        return _how(self.entry)[1]

    @property
    def failure(self) -> Failure | None:
        """Answer why it failed."""
        return failure_of(self.load.error)

    @property
    def gist(self) -> str:
        """Say in one line why it failed, the user's own line first."""
        said = self.failure.gist if self.failure else ""
        return said if len(said) <= GIST else f"{said[:GIST]}…"

    @property
    def why_not(self) -> str:
        """Say why it cannot be rolled back to, short enough for a menu."""
        obstacle = self.deploy.obstacle if self.deploy else None
        if obstacle is None:
            return ""
        if obstacle.code == "not_kept":
            images = self.around.location.deployment.puts_images
            return "Nobody said which image it runs" if images else "Its files never came to Lastgood"
        return obstacle.detail

    @property
    def fails_now(self) -> bool:
        """Say whether this is the failure that goes on: whatever was loaded last is the same."""
        return not self.load.ok and _is_last(self.around.location, self.load)

    @property
    def live(self) -> int | None:
        """Answer the number of what is live, when this one was live and is not any more: they can be compared."""
        deploy, live = self.load.deploy, self.around.location.live_deploy
        if deploy is None or live is None or deploy.live_seq is None or deploy.pk == live.pk:
            return None
        return live.number


@require_safe
@login_required
@never_cache
@refusals_shown()
def loads(request: HttpRequest, org: str, deployment: str, location: str) -> HttpResponse:
    """Show the history of a code location's loads: as a page, or as what goes into the page's dialog."""
    place = find_location(request, org, deployment, location)
    collapse = request.GET.get("collapse") != "0"
    found = loads_of(place, collapse=collapse, cursor=request.GET.get("cursor"), limit=asked_limit(request))
    about = around(request, place)
    context = {
        **_place(place, about),
        "tab": "loads",
        "rows": [LoadRow(entry, about) for entry in found.rows],
        "collapse": collapse,
        "other": query_of(request, collapse="0" if collapse else "1"),
        "newer": query_of(request, cursor=found.previous_cursor) if found.previous_cursor else "",
        "older": query_of(request, cursor=found.next_cursor) if found.next_cursor else "",
        "turned": "cursor" in request.GET,
        "connected": connected(place.deployment, about.now),
    }
    return render(request, _template(request, "loads"), context)


@require_safe
@login_required
@never_cache
@refusals_shown()
def load(request: HttpRequest, org: str, deployment: str, location: str, load: int) -> HttpResponse:
    """Show all that is known of one load: as a page, or as what goes into the page's dialog."""
    place = find_location(request, org, deployment, location)
    found = load_of(place, load)
    if found is None:
        raise Http404
    about = around(request, place)
    row = LoadRow(_entry(found), about)
    shown, libraries = _metadata(found)
    context = {
        **_place(place, about),
        "row": row,
        "load": found,
        "failure": row.failure,
        "told": _told(found),
        "facts": _facts(found),
        "shown": shown,
        "libraries": libraries,
        "json": json.dumps(_everything(found, row.word, shown, libraries), indent=2, ensure_ascii=False),
        "failing_now": row.fails_now,
        "kept": None if found.ok else _loaded_before(found),
    }
    return render(request, _template(request, "load"), context)


def _place(place: CodeLocation, about: Around) -> dict[str, Any]:
    return {
        "location": place,
        "deployment": place.deployment,
        "here": place.get_absolute_url(),
        "around": about,
        "may_roll_back": Right.ROLL_BACK in about.rights,
        "may_configure": Right.CONFIGURE in about.rights,
    }


def _template(request: HttpRequest, name: str) -> str:
    return f"deployments/{'_' if getattr(request, 'htmx', False) else ''}{name}.html"


def _how(entry: Entry) -> tuple[str, str]:
    if not entry.load.ok:
        return FAILED
    return AGAIN if entry.again else LOADED


def _entry(load: Load) -> Entry:
    run = load.run
    first, last = (run.first_at, run.last_at) if run else (load.reported_at, load.reported_at)
    return Entry(load, run.count if run else 1, first, last, load.again)


def _is_last(place: CodeLocation, load: Load) -> bool:
    last = place.last_load
    return last is not None and (last.pk == load.pk or (last.run_id is not None and last.run_id == load.run_id))


def _loaded_before(load: Load) -> Load | None:
    """Answer the load whose definitions are kept while this one fails. Failures between are few: runs are asked."""
    runs = LoadRun.objects.filter(code_location_id=load.code_location_id, newest__ok=True, pk__lt=load.run_id or 0)
    run = runs.select_related("newest__deploy").defer("newest__raw").order_by("-pk").first()
    return run.newest if run else None


def _metadata(load: Load) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Answer what the location showed of itself, and the versions of its libraries."""
    pairs = sorted((str(name), str(value)) for name, value in load.metadata.items())
    shown = [(name, value) for name, value in pairs if not name.startswith(LIBRARY)]
    libraries = [(name.removeprefix(LIBRARY), value) for name, value in pairs if name.startswith(LIBRARY)]
    return shown, libraries


def _facts(load: Load) -> list[tuple[str, str]]:
    """Answer what the platform said of the load itself."""
    assets = "" if load.asset_count is None else str(load.asset_count)
    named = [
        ("Definitions", load.definitions_digest),
        ("Assets", assets),
        ("Version key", load.version_key),
        ("Server", load.server_id),
    ]
    return [(name, value) for name, value in named if value]


def _told(load: Load) -> list[tuple[str, str]]:
    """Answer what the deploy that it belongs to brought: what was told of it, and what it put in place."""
    deploy = load.deploy
    if deploy is None:
        return []
    release = deploy.release
    named = [(name.capitalize(), str(deploy.git.get(name) or "")) for name in ("commit", "branch", "author", "message")]
    named.insert(1, ("Repository", without_credentials(str(deploy.git.get("url") or ""))))
    if release is not None:
        named += [("Image", release.image), ("Image digest", release.image_digest), ("Release", release.digest)]
    return [(name, value) for name, value in named if value]


def _everything(
    load: Load, status: str, shown: list[tuple[str, str]], libraries: list[tuple[str, str]]
) -> dict[str, Any]:
    by = load.reloaded_by
    return {
        "id": load.pk,
        "code_location": str(load.code_location),
        "reported_at": load.reported_at.isoformat(),
        "status": status,
        "deploy": load.deploy.number if load.deploy else None,
        "actor": load.deploy.actor_name if load.deploy else None,
        "brought": dict(_told(load)),
        "reloaded_by": f"#{by.number} of {by.code_location.name}" if by else None,
        "definitions_digest": load.definitions_digest,
        "asset_count": load.asset_count,
        "version_key": load.version_key,
        "server_id": load.server_id,
        "metadata": dict(shown),
        "libraries": dict(libraries),
        "error": load.error,
        "missing": load.missing,
    }
