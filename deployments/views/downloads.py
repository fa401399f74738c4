"""Files that users run on machines of their own: what there is, how to set it up, and the files themselves. Public."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import drivers, history
from deployments.access import Right, allows
from deployments.models import CodeLocation, Deployment
from deployments.platforms.airflow import DAGS_FOLDER
from deployments.views.finding import person

FOLDER = Path(__file__).parent.parent / "downloads"
SUM = ".sha256"
BUNDLE = "lastgood_airflow_bundle.py"
# Seconds between two looks that Airflow takes by itself.
REFRESH = 30


@dataclass(frozen=True)
class Download:
    """One file, and the checksum to compare it with."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        """Answer its size in bytes."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Answer its checksum."""
        return hashlib.sha256(self.content).hexdigest()


@cache
def offered() -> dict[str, Download]:
    """Answer the files that are offered, by name: what lies in the folder, and nothing that anybody asks for."""
    found = sorted(path for path in FOLDER.glob("*.py") if path.is_file() and path.name[0].isalpha())
    return {path.name: Download(path.name, path.read_bytes()) for path in found}


@require_safe
@never_cache
def downloads(request: HttpRequest) -> HttpResponse:
    """Show what there is, and how to set it up; with `place`, for that place, if it is one that the person sees."""
    asked = request.GET.get("place", "")
    place = _place(request, asked) if asked else None
    context: dict[str, Any] = {
        "files": list(offered().values()),
        "bundle": offered().get(BUNDLE),
        "site": settings.SITE_URL.rstrip("/"),
        "place": place,
        "missed": bool(asked) and place is None,
        "may_configure": place is not None and allows(person(request), Right.CONFIGURE, place.deployment),
        "name": _bundle_name(place.deployment) if place else "shop",
        "configuration": _configuration(place),
    }
    return render(request, "deployments/downloads.html", context)


@require_safe
def download(request: HttpRequest, name: str) -> HttpResponse:
    """Answer a file, or its checksum as `sha256sum --check` reads it."""
    found = offered().get(name.removesuffix(SUM))
    if found is None:
        raise Http404
    if name.endswith(SUM):
        return HttpResponse(f"{found.sha256}  {found.name}\n", content_type="text/plain; charset=utf-8")
    answer = HttpResponse(found.content, content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer


def _place(request: HttpRequest, asked: str) -> CodeLocation | None:
    """Answer the code location of a place, if these eyes see it: of a deployment, the first that it has."""
    org, _, rest = asked.partition("/")
    deployment, _, name = rest.partition("/")
    if not request.user.is_authenticated or "\0" in asked:
        return None
    seen = Deployment.objects.visible_to(person(request)).filter(organization__slug=org, slug=deployment)
    found = history.code_locations().filter(deployment__in=seen).order_by("name")
    return (found.filter(name=name) if name else found).first()


def _configuration(place: CodeLocation | None) -> str:
    """Answer Airflow's own setting, as it stands in airflow.cfg."""
    said = {
        "name": _bundle_name(place.deployment) if place else "shop",
        "classpath": "lastgood_airflow_bundle.LastgoodBundle",
        "kwargs": {
            "root": str(drivers.target_path(place)) if place else "/srv/lastgood/acme/production/shop",
            "portal_url": settings.SITE_URL.rstrip("/"),
            "place": str(place) if place else "acme/production/shop",
            "refresh_interval": REFRESH,
        },
    }
    # Lines that go on are indented: so the file's format has it.
    lines = json.dumps([said], indent=4).splitlines()
    return "\n".join(
        ["[dag_processor]", f"dag_bundle_config_list = {lines[0]}", *(f"    {line}" for line in lines[1:])]
    )


def _bundle_name(deployment: Deployment) -> str:
    return deployment.slug if deployment.dag_bundle in {"", DAGS_FOLDER} else deployment.dag_bundle
