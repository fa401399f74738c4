"""What retention would purge, and which rule keeps the rest: a page that changes nothing."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone

from deployments import retention
from deployments.access import Right
from deployments.admin.base import PortalAdmin, may_somewhere, person
from deployments.admin.filters import is_number
from deployments.models import CodeLocation, Deployment

# Each code location is judged by itself: a page of more would keep its reader waiting.
MOST_LOCATIONS = 200
PATHS = {"deployment": "deployment_id", "location": "pk"}


class RetentionPages(PortalAdmin):
    """Rows of which a purge can be tried out."""

    def get_urls(self) -> list[Any]:
        """Add the page."""
        name = f"deployments_{self.model._meta.model_name}_dry_run"
        return [path("dry-run/", self.admin_site.admin_view(self.dry_run), name=name), *super().get_urls()]

    def has_configure_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may configure anything: to others the action is not offered."""
        return may_somewhere(request, Right.CONFIGURE, Deployment)

    def dry_run(self, request: HttpRequest) -> HttpResponse:
        """Show what a purge would do to the named code locations. Raises Http404, PermissionDenied."""
        kind, ids = _named(request)
        seen = CodeLocation.objects.visible_to(person(request)).filter(**{f"{PATHS[kind]}__in": ids})
        if not seen.exists():
            raise Http404
        configured = Deployment.objects.allowing(person(request), Right.CONFIGURE)
        locations = seen.filter(deployment__in=configured)
        if not locations.exists():
            raise PermissionDenied("Only those who may configure a deployment try out its retention.")
        some = CodeLocation.objects.filter(
            pk__in=list(locations.order_by("pk").values_list("pk", flat=True)[:MOST_LOCATIONS])
        )
        context = self.admin_site.each_context(request) | {
            "title": "Dry run of retention",
            "opts": self.model._meta,
            "report": retention.purge(now=timezone.now(), dry_run=True, locations=some),
            "left_out": seen.count() - some.count(),
            # How many bytes would be freed depends on what other organizations have uploaded.
            "show_bytes": person(request).is_superuser,
        }
        return render(request, "admin/lastgood/dry_run.html", context)


def dry_run_of(kind: str) -> Callable[..., HttpResponse | None]:
    """Make the list's action: it leads to the page."""

    @admin.action(permissions=["configure"], description="Dry-run retention")
    def dry_run(model_admin: RetentionPages, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        ids = list(rows.values_list("pk", flat=True)[: MOST_LOCATIONS + 1])
        if len(ids) > MOST_LOCATIONS:
            messages.error(request, f"Choose at most {MOST_LOCATIONS} rows for this.")
            return None
        page = reverse(f"admin:deployments_{model_admin.model._meta.model_name}_dry_run")
        return HttpResponseRedirect(f"{page}?{kind}={','.join(map(str, ids))}")

    return dry_run


def _named(request: HttpRequest) -> tuple[str, list[int]]:
    """Answer what the address names. Raises Http404."""
    for kind in PATHS:
        ids = request.GET.get(kind, "").split(",")
        if 0 < len(ids) <= MOST_LOCATIONS and all(is_number(each) for each in ids):
            return kind, [int(each) for each in ids]
    raise Http404
