"""The Content-Security-Policy: strict on our own pages, wider only where a library's page needs it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from portal.env import SingleSignOn

STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# unfold (Alpine) and Swagger UI evaluate expressions and write inline styles; both are ours to serve, and no text of
# a user reaches them unescaped.
LIBRARY_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class PortalCSPMiddleware:
    """Set the policy on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        library = request.path.startswith(("/admin/", "/api/v1/schema/"))
        policy = LIBRARY_PAGES if library else STRICT
        if settings.LASTGOOD_OIDC and request.path.startswith(("/accounts/", "/invitations/")):
            policy = policy.replace("form-action 'self'", f"form-action 'self' {_provider(settings.LASTGOOD_OIDC)}")
        response.setdefault("Content-Security-Policy", policy)
        return response


def _provider(asked: SingleSignOn) -> str:
    """Answer where the button of single sign-on leads to: browsers hold redirects of a form against its page, too."""
    scheme = asked.issuer.partition("://")[0]
    return " ".join(f"{scheme}://{host}" for host in sorted(asked.hosts))
