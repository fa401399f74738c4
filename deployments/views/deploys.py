"""One deploy: its page, which follows it while it runs, and what can be done with it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import operations
from deployments.models import Deploy
from deployments.states import DeployStatus
from deployments.views.answering import refusals_shown
from deployments.views.files import base_of, mounts_shown
from deployments.views.finding import find_deploy, person
from deployments.views.following import about_of, before_of, first_look, log_of, moving
from deployments.views.forms import Describing, read
from deployments.views.metadata import Said, said_by_platform, said_by_push
from deployments.views.moments import ago
from deployments.views.rows import are_files_known, told
from deployments.views.settings import settings_of
from portal.common.problems import Refusal


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
    shown = moving(request, found)
    about = shown["around"]
    # What the act changed, against what was live when it ended; before that, against what is live now.
    base = base_of(found)
    # What is under way or went wrong is read line by line; of the rest, other things are read first.
    log_first = not found.is_finished or found.status in {DeployStatus.FAILED, DeployStatus.ERRORED}
    lines = log_of(found, before=before_of(request))
    context = {
        **shown,
        **lines,
        **first_look(found, about, lines),
        **(mounts_shown(found, base) if _files_known(found, base) else {"mounts": []}),
        "refusal": refusal,
        "told": told(found),
        "when": ago(found.created_at, about.now),
        "base": base,
        "settings": settings_of(found, base, puts=about.puts),
        **about_of(found, about),
        "said": _metadata(found),
        "log_first": log_first,
        "turned": bool(before_of(request)),
    }
    # Lines that somebody turned back to do not move on.
    context["goes_on"] = context["goes_on"] and not context["turned"]
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


def _files_known(found: Deploy, base: Deploy | None) -> bool:
    """Say whether the files of both sides are known: of what somebody else loaded, they are not."""
    return are_files_known(found) and (base is None or are_files_known(base))


def _metadata(found: Deploy) -> list[Said]:
    platform = found.code_location.deployment.get_platform_display()
    both = (said_by_push(found.metadata), said_by_platform(getattr(found, "load_metadata", None) or {}, platform))
    return [said for said in both if said]
