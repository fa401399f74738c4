"""Following a deploy: what moves on its page, and its log, of which nothing is lost and nothing is drawn twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import history
from deployments.access import Right
from deployments.models import CodeLocation, Deploy, DeployEvent
from deployments.states import DeployStatus
from deployments.views.answering import refreshing, refusals_shown, unchanged
from deployments.views.failures import failure_of
from deployments.views.finding import find_deploy
from deployments.views.moments import clock
from deployments.views.region import around
from deployments.views.relations import holding_of, relations_of
from deployments.views.rows import Around, Row
from deployments.views.standing import is_loaded_elsewhere, place_words
from deployments.views.steps import stations, waiting_words

# Lines that a page begins with, and that are added at once: before the first, or after the last.
LINES = 200
MORE_LINES = 500
# How long nothing was said, in seconds, and how often it is then asked.
PACES = ((30, 1), (120, 2), (600, 5))
SLOWEST = 10


@dataclass(frozen=True)
class LogLine:
    """One line of the log."""

    event: DeployEvent

    @property
    def at(self) -> SafeString | str:
        """Answer its time."""
        return clock(self.event.at)

    @property
    def step(self) -> str:
        """Name the step that it belongs to."""
        return self.event.step.lower()


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def live(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show what moved since, and the lines after the last that is shown; nothing when nothing did.

    Whoever asks is asked again who they are: the page of somebody who may not see it any more loads itself anew.
    """
    found = find_deploy(request, org, deployment, location, number)
    shown = moving(request, found)
    after = _number(request, "after")
    lines = list(found.events.filter(seq__gt=after).order_by("seq")[:MORE_LINES])
    whole = len(lines) < MORE_LINES
    shown |= _next_look(
        found, shown["around"], lines[-1:] or _last_line(found), goes_on=not (found.is_finished and whole)
    )
    if request.GET.get("seen") == shown["mark"] and not lines and _number(request, "pace") == shown["pace"]:
        return unchanged()
    more = {"lines": [LogLine(line) for line in lines], "last": lines[-1].seq if lines else after, "oob": True}
    return render(request, "deployments/_deploy_live.html", shown | about_of(found, shown["around"]) | more)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def log(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Add the lines before the first that is shown; without a script, show them on the page."""
    before = _number(request, "before")
    found = find_deploy(request, org, deployment, location, number)
    if not getattr(request, "htmx", False):
        return redirect(f"{found.get_absolute_url()}?before={before}#log-title")
    context = {"deploy": found, "url": found.get_absolute_url(), **log_of(found, before=before, count=MORE_LINES)}
    return render(request, "deployments/_log_earlier.html", context | {"oob": True})


@require_safe
@login_required
@never_cache
@refusals_shown()
def log_text(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Download the whole log as text, written as it is read."""
    found = find_deploy(request, org, deployment, location, number)
    answer = StreamingHttpResponse(_as_text(found), content_type="text/plain; charset=utf-8")
    name = "-".join([found.code_location.deployment.slug, found.code_location.name, str(found.number)])
    answer["Content-Disposition"] = f'attachment; filename="{name}.log"'
    return cast("HttpResponse", answer)  # what streams is typed apart, and passes alike


def moving(request: HttpRequest, found: Deploy) -> dict[str, Any]:
    """Answer what the parts of the page show that follow the deploy, without its log."""
    # The row was read before its lines: lines that come while we read are in the next answer, and none is lost.
    place = found.code_location
    about = around(request, place)
    unfinished = [] if found.is_finished else history.unfinished_of(place)
    waiting = waiting_words(found, unfinished, about.now)
    row = Row(found, about)
    return {
        "deploy": found,
        "location": place,
        "deployment": place.deployment,
        "row": row,
        "url": row.url,
        "around": about,
        "stations": stations(found, command_at=getattr(found, "command_at", None)),
        "waiting": waiting,
        "failure": failure_of(found.error),
        "load": getattr(found, "newest_load", None),
        "place_words": _place_words_of(found, place),
        "place_tone": "warn" if is_loaded_elsewhere(place) else "bad",
        "finished": found.is_finished,
        "mark": f"{found.last_event}-{found.status}-{found.step}-{bool(waiting):d}",
        "may_roll_back": Right.ROLL_BACK in about.rights,
    }


def _place_words_of(found: Deploy, place: CodeLocation) -> str:
    """Say what is in place when it is this deploy; nothing where "What now?" says it just below."""
    if found.pk != place.placed_deploy_id or (found.is_rollback and not is_loaded_elsewhere(place)):
        return ""
    return place_words(place)


def about_of(found: Deploy, about: Around) -> dict[str, Any]:
    """Answer what the deploy has to do with others."""
    return {"relations": relations_of(found), "holding": holding_of(found, about)}


def log_of(found: Deploy, *, before: int = 0, count: int = LINES) -> dict[str, Any]:
    """Answer the newest lines of the log; `before` a line, those that come before it."""
    rows = found.events.filter(seq__lt=before) if before else found.events.all()
    lines = list(rows.order_by("-seq")[:count])[::-1]
    first = lines[0].seq if lines else before
    return {
        "lines": [LogLine(line) for line in lines],
        "first": first,
        "earlier": max(0, first - 1),
        "last": lines[-1].seq if lines else 0,
    }


def first_look(found: Deploy, about: Around, shown: dict[str, Any]) -> dict[str, Any]:
    """Answer how often a page that was just drawn asks what is new."""
    return _next_look(found, about, [line.event for line in shown["lines"][-1:]], goes_on=not found.is_finished)


def before_of(request: HttpRequest) -> int:
    """Answer the line before which the log is to be shown; 0: show the newest."""
    return _number(request, "before")


def _next_look(found: Deploy, about: Around, last: list[DeployEvent], *, goes_on: bool) -> dict[str, Any]:
    """Answer whether the page asks again, and after how many seconds: less often, the longer nothing happens."""
    said_at = last[0].at if last else found.created_at
    quiet = (about.now - said_at).total_seconds()
    pace = next((seconds for most, seconds in PACES if quiet < most), SLOWEST)
    return {"pace": SLOWEST if found.status == DeployStatus.HELD else pace, "goes_on": goes_on}


def _last_line(found: Deploy) -> list[DeployEvent]:
    return list(found.events.order_by("-seq")[:1])


def _number(request: HttpRequest, name: str) -> int:
    """Answer a number of the query; what is none is 0."""
    said = request.GET.get(name, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 0


def _as_text(found: Deploy) -> Iterator[str]:
    for event in found.events.order_by("seq").iterator(chunk_size=1000):
        at = f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        message = event.message.replace("\n", "\n    ")
        yield f"{at}  {event.get_level_display():<7}  {event.step.lower():<8}  {message}\n"
