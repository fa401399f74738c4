"""The files of a deploy: a folder at a time, one of them as text, and what it was before. Never shown as markup."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import history
from deployments.bundles import browsing, comparing, reading, texts
from deployments.changes import changes_of
from deployments.models import Bundle, BundleFile, Deploy
from deployments.views.answering import refreshing, refusals_shown
from deployments.views.finding import find_deploy
from deployments.views.rows import are_files_known
from portal.common.problems import Refusal

MOST_START = 10**7
MOST_DIGITS = 18


@dataclass(frozen=True)
class Sides:
    """The deploy's bundle at a mount, and the one of its base there; a side is None when there is none.

    The base is what was live before, or another deploy that was `chosen`. `silent` says why nothing can be compared.
    """

    deploy: Deploy
    base: Deploy | None
    mount: str
    after: Bundle | None
    before: Bundle | None
    silent: str = ""
    chosen: bool = False

    def line(self, path: str) -> tuple[BundleFile | None, BundleFile | None]:
        """Answer the file of this path now, and before. Raises Http404 when neither side has it."""
        now = reading.line_at(self.after, path) if self.after else None
        then = reading.line_at(self.before, path) if self.before else None
        if now is None and then is None:
            raise Http404
        return now, then


def show_mounts(
    request: HttpRequest, org: str, deployment: str, location: str, number: int, refusal: Refusal | None = None
) -> HttpResponse:
    """Show all mounts of a deploy; with what was refused, if something was."""
    found = find_deploy(request, org, deployment, location, number)
    bundles = reading.mounts_of(found)
    purged = next((words for each in bundles if (words := reading.purged_words(found, each, bundles[each]))), "")
    context = {
        "deploy": found,
        "of_deploy": found,
        "location": found.code_location,
        "deployment": found.code_location.deployment,
        "refusal": refusal,
        "purged": purged,
        **mounts_shown(found, base_of(found)),
    }
    return render(request, "deployments/files.html", context, status=refusal.status if refusal else 200)


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown(on=show_mounts)
def tree(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show one folder of a mount; without a mount, all of them."""
    if not request.GET.get("mount"):
        return show_mounts(request, org, deployment, location, number)
    found = find_deploy(request, org, deployment, location, number)
    sides, folder = _asked(request, found)
    start = _start(request)
    listed = browsing.listing(sides.after, sides.before, folder, start=start)
    if listed is None:
        raise Http404
    mount = sides.mount
    context = {
        **_about(found, sides, folder),
        "listing": listed,
        "folder": folder,
        "next": _query(mount, folder, start=start + browsing.MOST_CHILDREN) if listed.more else "",
        "previous": _query(mount, folder, start=max(0, start - browsing.MOST_CHILDREN)) if start else "",
    }
    inner = getattr(request, "htmx", False)
    return render(request, f"deployments/{'_' if inner else ''}tree.html", context)


@require_safe
@login_required
@never_cache
@refusals_shown(on=show_mounts)
def file(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show one file as text, with numbers at its lines."""
    found = find_deploy(request, org, deployment, location, number)
    sides, path = _asked(request, found)
    line, before = sides.line(path)
    if line is None:
        raise Http404
    text = texts.text_of(line)
    context = {
        **_about(found, sides, path),
        "line": line,
        "before": before,
        "changed": before is not None and not _same(line, before),
        "text": text,
        "code": _numbered(text.lines),
        "limits": texts,
    }
    return render(request, "deployments/file.html", context)


@require_safe
@login_required
@never_cache
@refusals_shown(on=show_mounts)
def diff(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show what a file was in what was live before, or in the deploy that `against` names, and what it is now."""
    found = find_deploy(request, org, deployment, location, number)
    sides, path = _asked(request, found, compares=True)
    line, before = sides.line(path)
    context = {**_about(found, sides, path), "line": line, "before": before, "limits": texts}
    context |= {"most_shown": comparing.MOST_SHOWN}
    if not sides.silent and not (line and before and _same(line, before)):
        context |= _compared(line, before)
    return render(request, "deployments/file_diff.html", context)


@require_safe
@login_required
@never_cache
@refusals_shown(on=show_mounts)
def raw(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Download one file: an attachment, whatever it holds."""
    found = find_deploy(request, org, deployment, location, number)
    sides, path = _asked(request, found)
    line = reading.line_at(sides.after, path) if sides.after else None
    if line is None:
        raise Http404
    name, kind = path.rpartition("/")[2], "application/octet-stream"
    answer = FileResponse(reading.open_line(line), as_attachment=True, filename=name, content_type=kind)
    answer["X-Content-Type-Options"] = "nosniff"
    return cast("HttpResponse", answer)  # what streams is typed apart, and passes alike


def base_of(found: Deploy) -> Deploy | None:
    """Answer what a deploy is compared with: what was live when it ended; before that, what is live now."""
    return history.live_before(found) if found.is_finished else found.code_location.live_deploy


def mounts_shown(found: Deploy, base: Deploy | None) -> dict[str, Any]:
    """Answer the deploy's mounts, each with what changed there and the query that leads into it."""
    bundles = reading.mounts_of(found)
    known = base is not None and are_files_known(base)
    before = reading.mounts_of(base) if base is not None and known else {}
    # A push names only what it brings: before there is a release, nothing else is told of.
    if found.release is None:
        before = {mount: bundle for mount, bundle in before.items() if mount in bundles}
    changes = changes_of(before, bundles) if bundles else []
    return {
        "mounts": [(change, _query(change.mount, "")) for change in changes],
        "base": base if known else None,
    }


def sides_of(found: Deploy, mount: str, against: Deploy | None = None) -> Sides:
    """Answer both sides of a mount. Raises Refusal `artifact_gone`, Absent."""
    base = against or base_of(found)
    chosen = against is not None
    bundles = reading.mounts_of(found)
    earlier = reading.mounts_of(base).get(mount) if base is not None else None
    if mount not in bundles and earlier is None:
        raise Http404
    after = reading.bundle_at(found, mount) if mount in bundles else None
    if base is None:
        return Sides(found, None, mount, after, None, silent="Nothing was live before, so there is nothing to compare.")
    if not are_files_known(base):
        when = "" if chosen else ", live before,"
        words = f"#{base.number}{when} was loaded by somebody else: its files are not known."
        return Sides(found, base, mount, after, None, silent=words, chosen=chosen)
    gone = reading.purged_words(base, mount, earlier) if earlier is not None else ""
    return Sides(found, base, mount, after, None if gone else earlier, silent=gone, chosen=chosen)


def _asked(request: HttpRequest, found: Deploy, *, compares: bool = False) -> tuple[Sides, str]:
    """Answer the sides and the path that the address names; what `compares` may name a base, and a mount only it has."""
    against = _against(request, found) if compares else None
    sides = sides_of(found, request.GET.get("mount", ""), against)
    if sides.after is None and not compares:
        raise Http404
    return sides, request.GET.get("path", "")


def _against(request: HttpRequest, found: Deploy) -> Deploy | None:
    """Answer the deploy of the same location that the address compares with. Raises Http404 when there is none of this number."""
    number = request.GET.get("against", "")
    if not number:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
        raise Http404
    return get_object_or_404(history.deploys_of(found.code_location), number=int(number))


def _about(found: Deploy, sides: Sides, path: str) -> dict[str, Any]:
    """Answer what every page of files shows: where it is, and what it is compared with."""
    steps = path.split("/") if path else []
    names = [texts.visible(step) for step in steps]
    trail = [(name, _query(sides.mount, "/".join(steps[: depth + 1]))) for depth, name in enumerate(names)]
    return {
        "deploy": found,
        "of_deploy": found,
        "location": found.code_location,
        "deployment": found.code_location.deployment,
        "url": found.get_absolute_url(),
        "mount": sides.mount,
        "mount_query": _query(sides.mount, ""),
        "path": path,
        "name": names[-1] if names else sides.mount,
        "query": _query(sides.mount, path),
        "trail": trail,
        "base": sides.base,
        "chosen": sides.chosen,
        "silent": sides.silent,
        "bundle": sides.after,
    }


def _compared(line: BundleFile | None, before: BundleFile | None) -> dict[str, Any]:
    """Answer the lines that differ, or why they are not shown."""
    new, old = (texts.text_of(each) if each else texts.Text([]) for each in (line, before))
    why = new.why or old.why
    if why:
        return {"why": why}
    found = comparing.compare(old.lines, new.lines)
    return {
        "comparison": found,
        "turning": new.turning or old.turning,
        "hunks": [(hunk.title, [(each, texts.visible(each.text)) for each in hunk.lines]) for hunk in found.hunks],
    }


def _numbered(lines: list[str]) -> SafeString:
    """Answer the lines as list items, each with its number to point at. Each text is escaped."""
    numbered = ((n, n, n, texts.visible(text.removesuffix("\r"))) for n, text in enumerate(lines, start=1))
    return format_html_join("", '<li id="L{}"><a href="#L{}">{}</a><code>{}</code></li>', numbered)


def _same(line: BundleFile, before: BundleFile) -> bool:
    return line.blob_id == before.blob_id and line.executable == before.executable


def _start(request: HttpRequest) -> int:
    start = request.GET.get("start", "0")
    if not (start.isascii() and start.isdecimal() and len(start) < 9 and int(start) <= MOST_START):
        raise Http404
    return int(start)


def _query(mount: str, path: str, **more: Any) -> str:
    return urlencode({"mount": mount, **({"path": path} if path else {}), **more})
