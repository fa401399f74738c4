"""The admin site: unfold's, open to everybody who has a role somewhere."""

from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite

# What belongs together, in the order in which it is looked for.
GROUPS = {
    "Places": ("Organization", "Deployment", "CodeLocation"),
    "History": ("Deploy", "DeployEvent", "Hold", "Blame", "Load"),
    "Artifacts": ("Release", "ReleaseBundle", "Bundle", "BundleFile", "BlobPossession", "Blob"),
    "Accounts": ("User", "ServiceAccount", "Token", "Authenticator", "Invitation", "IdempotencyRecord"),
}


class PortalAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold ships no types
    """Anybody who may sign in may look; what they see there is what their roles show them."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Answer whether this person is signed in and active: each model's admin decides the rest."""
        user: User | AnonymousUser = request.user
        return user.is_active and user.is_authenticated

    def get_urls(self) -> list[Any]:
        """Put our way to an object's page before Django's, which tells anybody where any object lives."""
        shortcut = self.admin_view(self.view_on_site)
        return [path("r/<int:content_type_id>/<path:object_id>/", shortcut, name="view_on_site"), *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Group the lists by what they are about; what no group names stays with its app."""
        apps: list[dict[str, Any]] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        groups = []
        for name, members in GROUPS.items():
            found = {model["object_name"]: model for app in apps for model in app["models"]}
            models = [found[each] for each in members if each in found]
            if models:
                groups.append(
                    {"name": name, "app_label": name.lower(), "app_url": f"#{name.lower()}", "models": models}
                )
        named = {each for members in GROUPS.values() for each in members}
        for app in apps:
            app["models"] = [model for model in app["models"] if model["object_name"] not in named]
        return groups + [app for app in apps if app["models"]]

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
