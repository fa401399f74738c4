"""What every page of ours is told."""

from django.conf import settings
from django.http import HttpRequest

# A cookie of the browser's own: the server reads it, so that a page is never painted in the wrong colours first.
THEME_COOKIE = "lastgood_theme"
THEMES = frozenset({"light", "dark"})


def theme(request: HttpRequest) -> dict[str, str]:
    """Answer `theme`: light or dark if somebody chose, else empty, and the system decides."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return {"theme": chosen if chosen in THEMES else ""}


def sign_on(request: HttpRequest) -> dict[str, str]:
    """Answer `sign_on`: what single sign-on is called here; empty where there is none."""
    return {"sign_on": settings.LASTGOOD_OIDC.name if settings.LASTGOOD_OIDC else ""}
