"""How long the server takes for each page, and what the page costs: the small scene of the permission tests, served whole."""

from collections.abc import Callable
from typing import Any

from tests.matrix.pages import SHOWN
from tests.matrix.scene import content_of, make_scene

Show = Callable[..., None]


def main(show: Show, repeated: Callable[[Callable[[], Any]], list[float]]) -> None:
    """Measure every page of the table, as an organization admin sees it."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from deployments.models import Organization
    from tests.matrix.test_pages_matrix import sign_in

    # The bench has an organization of the scene's name by now.
    Organization.objects.update(slug="before")
    client = Client(SERVER_NAME="localhost")
    sign_in(client, "organization_admin@organization", make_scene())
    for row in SHOWN:
        address = row.url()
        with CaptureQueriesContext(connection) as queries:
            size = len(content_of(client.get(address)))
        seconds = repeated(lambda: client.get(address))  # noqa: B023
        show(f"{_short(str(row))}: {len(queries)} queries, {size / 1000:.0f} kB", seconds)


def _short(path: str) -> str:
    return path.removeprefix("GET ").replace("/deployments/{org}/{deployment}/", "…/").replace("{location}/", "…/")
