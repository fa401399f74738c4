"""Loading the asset that an address names, for these eyes."""

from django.http import Http404, HttpRequest

from assets import history
from assets.models import Asset
from deployments.models import CodeLocation


def find_asset(request: HttpRequest, location: CodeLocation) -> Asset:
    """Answer the asset of `?key=`, of now or of before. Raises Http404."""
    key = request.GET.get("key", "")
    # PostgreSQL cannot even be asked for a NUL.
    found = history.asset_named(location, key) if key and "\0" not in key else None
    if found is None:
        raise Http404
    found.code_location = location
    return found
