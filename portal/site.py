"""The admin site: unfold's, open to everybody who has a role somewhere."""

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold ships no types
    """Anybody who may sign in may look; what they see there is what their roles show them."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Answer whether this person is signed in and active: each model's admin decides the rest."""
        user: User | AnonymousUser = request.user
        return user.is_active and user.is_authenticated
