"""One deploy: its page, which follows it while it runs, and what can be done with it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import history, operations
from deployments.access import Right
from deployments.changes import changes_between
from deployments.models import Deploy, DeployEvent
from deployments.states import DeployKind, DeployStatus, DeployStep, EventKind
from deployments.views.answering import refreshing, refusals_shown, unchanged
from deployments.views.failures import failure_of
from deployments.views.finding import find_deploy, person
from deployments.views.forms import Describing, read
from deployments.views.moments import ago, clock
from deployments.views.region import around
from deployments.views.rows import Row, are_files_known, told
from deployments.views.settings import settings_of
from deployments.views.standing import is_loaded_elsewhere, place_words
from deployments.views.steps import PATIENCE, stations, waiting_words
from portal.common.problems import Refusal

# Of a log, the newest lines are shown; all of it on demand.
LINES = 200
# A deploy that runs for longer than this is looked at less often.
FRESH_SECONDS = 300


@require_safe
@login_required
@never_cache
@refusals_shown()
def deploy(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show a deploy."""
    return show_deploy(request, org, deployment, location, number)


def show_deploy(
    request: HttpRequest, org: str, deployment: str, location: str, number: int, refusal: Refusal | None = None
) -> HttpResponse:
    """Draw a deploy's page; with what was refused, if something was."""
    found = find_deploy(request, org, deployment, location, number)
    shown = _live(request, found)
    # What the act changed, against what was live when it ended; before that, against what is live now.
    base = history.live_before(found) if found.is_finished else found.code_location.live_deploy
    changes = changes_between(base.release if base else None, found.release) if _files_known(found, base) else []
    settings = settings_of(found, base, puts=shown["around"].puts)
    context = {**shown, "refusal": refusal, "base": base, "changes": changes, "settings": settings}
    return render(request, "deployments/deploy.html", context, status=refusal.status if refusal else 200)


@require_safe
@login_required
@never_cache
def of_release(request: HttpRequest, org: str, deployment: str, location: str, release: str) -> HttpResponse:
    """Lead from a release's name, as Airflow shows it, to the deploy that put it in place."""
    number, _, digest = release.partition(".")[0].partition("-")
    found = find_deploy(request, org, deployment, location, int(number))
    if found.release is None or not found.release.digest.startswith(digest):
        raise Http404
    return redirect(found)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def live(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show the part of the page that moves while the deploy runs; nothing when nothing moved."""
    shown = _live(request, find_deploy(request, org, deployment, location, number))
    if request.GET.get("seen") == shown["mark"]:
        return unchanged()
    return render(request, "deployments/_deploy.html", shown)


@require_POST
@login_required
@refusals_shown(on=show_deploy)
def cancel(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Cancel a deploy that is not in place yet."""
    found = find_deploy(request, org, deployment, location, number)
    operations.cancel(deploy=found, actor=person(request), now=timezone.now())
    messages.success(request, f"#{number} is canceled.")
    return redirect(found)


@require_POST
@login_required
@refusals_shown(on=show_deploy)
def retry(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Ask for the same once more, and show the new deploy."""
    found = find_deploy(request, org, deployment, location, number)
    made = operations.retry(deploy=found, actor=person(request), now=timezone.now())
    words = "stored, and held" if made.status == DeployStatus.HELD else "queued"
    messages.success(request, f"#{made.number} tries again what #{number} tried: it is {words}.")
    return redirect(made)


@require_POST
@login_required
@refusals_shown(on=show_deploy)
def describe(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Change the description."""
    found = find_deploy(request, org, deployment, location, number)
    operations.describe(deploy=found, description=read(Describing, request)["description"], actor=person(request))
    messages.success(request, f"The description of #{number} is changed.")
    return redirect(found)


def _live(request: HttpRequest, found: Deploy) -> dict[str, Any]:
    """Answer what the part of the page shows that follows the deploy."""
    # The row was read before its lines: lines that come while we read are in the next answer, and none is lost.
    about = around(request, found.code_location)
    unfinished = [] if found.is_finished else history.unfinished_of(found.code_location)
    whole = request.GET.get("log") == "all"
    lines = list(found.events.order_by("-seq")[: None if whole else LINES])[::-1]
    waiting = waiting_words(found, unfinished, about.now)
    age = (about.now - (found.started_at or found.created_at)).total_seconds()
    return {
        "deploy": found,
        "location": found.code_location,
        "deployment": found.code_location.deployment,
        "row": Row(found, about),
        "around": about,
        "stations": stations(found, command_at=_command_at(lines)),
        "lines": [(line, clock(line.at)) for line in lines],
        "left_out": lines[0].seq - 1 if lines else 0,
        "waiting": waiting,
        "told": told(found),
        "failure": failure_of(found.error),
        "load": getattr(found, "newest_load", None),
        "place_words": place_words(found.code_location) if _concerns(found) else "",
        "place_tone": "warn" if is_loaded_elsewhere(found.code_location) else "bad",
        "finished": found.is_finished,
        "mark": f"{found.last_event}-{found.status}-{found.step}-{bool(waiting):d}",
        "pace": 1 if age < FRESH_SECONDS and found.status != DeployStatus.HELD else 5,
        "log": "&log=all" if whole else "",
        "may_roll_back": Right.ROLL_BACK in about.rights,
        "times": _times(found, about.now),
        "patience": int(PATIENCE.total_seconds()),
    }


def _concerns(found: Deploy) -> bool:
    """Say whether this deploy is in place without being live."""
    return found.pk == found.code_location.placed_deploy_id


def _files_known(found: Deploy, base: Deploy | None) -> bool:
    """Say whether the files of both sides are known: of what somebody else loaded, they are not."""
    if found.release is None:
        return False
    return are_files_known(found) and (base is None or are_files_known(base))


def _times(found: Deploy, now: Any) -> list[tuple[str, Any]]:
    if found.kind == DeployKind.OBSERVED:
        return [("Seen", ago(found.created_at, now))]
    named = [
        ("Asked for", found.created_at),
        ("Started", found.started_at),
        ("Activated", found.activated_at),
        (_proven(found), found.verified_at if found.verified else None),
        ("Ended", found.finished_at),
    ]
    return [(name, ago(at, now)) for name, at in named if at]


def _proven(found: Deploy) -> str:
    """Name the moment in which the platform was seen to serve it: activating is ours, this is the platform's word."""
    deployment = found.code_location.deployment
    return f"{'Observed' if deployment.reads_files else 'Verified'} by {deployment.get_platform_display()}"


def _command_at(lines: list[DeployEvent]) -> datetime | None:
    """Answer when the operator's command ended well; little is said after that, so the newest lines have it."""
    ended = (line.at for line in lines if line.step == DeployStep.COMMAND and line.kind == EventKind.STEP)
    return next(ended, None)
