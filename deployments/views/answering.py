"""The one place where a no becomes a page, and where a fragment that lost its page reloads it."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRefresh

from portal.common.problems import Absent, NotAllowed, Refusal

View = Callable[..., HttpResponse]


def refusals_shown(*, on: View | None = None) -> Callable[[View], View]:
    """Show what an operation refused: on the page `on`, drawn anew with the refusal's status, or on a page of its own.

    What may not be seen is a 404, what may be seen and not done a 403: the same as in the API.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except Absent as absent:
                raise Http404 from absent
            except NotAllowed as refused:
                raise PermissionDenied(refused.detail) from refused
            except Refusal as refused:
                if on is None:
                    return _page_of_its_own(request, refused)
                # The page may refuse too: to those who may not see it, for one.
                return refusals_shown()(on)(request, *args, **kwargs, refusal=refused)
            except OperationalError as busy:
                if "locked" not in str(busy):
                    raise
                return _page_of_its_own(request, Refusal("The database is busy: try again."), status=503)

        return shown

    return decorate


def refreshing(view: View) -> View:
    """Make the page load itself again when its fragment may not be read any more: it then says so itself."""

    @wraps(view)
    def fragment(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not getattr(request, "htmx", False):
            return view(request, *args, **kwargs)
        try:
            answer = view(request, *args, **kwargs)
        except (Http404, PermissionDenied):
            return HttpResponseClientRefresh()
        # 302: signed out meanwhile. The sign-in page belongs into the window, not into a part of it.
        return HttpResponseClientRefresh() if answer.status_code == 302 else answer

    return fragment


def unchanged() -> HttpResponse:
    """Answer "nothing new": htmx leaves the page, its focus and its selection as they are."""
    return HttpResponse(status=204)


def _page_of_its_own(request: HttpRequest, refused: Refusal, status: int | None = None) -> HttpResponse:
    return render(request, "deployments/refused.html", {"refusal": refused}, status=status or refused.status)
