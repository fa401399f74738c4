"""The admin site: unfold's, open to everybody who has a role somewhere."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from kombu.exceptions import OperationalError
from unfold.sites import UnfoldAdminSite

from portal.celery import app as celery
from portal.dashboard import dashboard

SURVEY = "portal.tasks.survey"


class PortalAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold ships no types
    """Anybody who may sign in may look; what they see there is what their roles show them."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Answer whether this person is signed in and active: each model's admin decides the rest."""
        user: User | AnonymousUser = request.user
        return user.is_active and user.is_authenticated

    def get_urls(self) -> list[Any]:
        """Put our way to an object's page before Django's, which tells anybody where any object lives."""
        shortcut = self.admin_view(self.view_on_site)
        return [
            path("r/<int:content_type_id>/<path:object_id>/", shortcut, name="view_on_site"),
            path("survey/", self.admin_view(self.survey), name="survey"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the dashboard: to operators all of it, to everybody else what is theirs."""
        user = cast("User", request.user)
        shown = {"title": "Dashboard", **dashboard(user, timezone.now()), **(extra_context or {})}
        return super().index(request, shown)

    def survey(self, request: HttpRequest) -> HttpResponse:
        """Have a worker count storage and try the next purge out, for a superuser. Raises PermissionDenied."""
        if not cast("User", request.user).is_superuser:
            raise PermissionDenied("Only operators have everything counted.")
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            celery.send_task(SURVEY, queue="observations", expires=60)
        except OperationalError:
            messages.error(request, "The broker is away: nothing can be counted now.")
        else:
            messages.success(request, "A worker counts. Load this page again in a moment.")
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))

    def view_on_site(self, request: HttpRequest, content_type_id: int, object_id: str) -> HttpResponse:
        """Lead to an object's page on the site. Raises Http404 for what may not be seen."""
        kind = ContentType.objects.filter(pk=content_type_id).first()
        model = kind.model_class() if kind else None
        if model is None or model not in self._registry or not hasattr(model, "get_absolute_url"):
            raise Http404
        found: Any = self._registry[model].get_object(request, object_id)
        if found is None:
            raise Http404
        return HttpResponseRedirect(found.get_absolute_url())

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the portal's own sign-in page: one page, one rate limit, and no need to be "staff"."""
        index = reverse("admin:index", current_app=self.name)
        wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
        safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        if self.has_permission(request):
            return HttpResponseRedirect(wanted if safe else index)
        return redirect_to_login(wanted if safe else index, resolve_url(settings.LOGIN_URL))
