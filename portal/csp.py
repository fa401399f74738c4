"""The Content-Security-Policy: strict on our own pages, wider only where a library's page needs it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

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
        response.setdefault("Content-Security-Policy", LIBRARY_PAGES if library else STRICT)
        return response
