"""How long the admin's first page and its longest list take, with whatever history the other measurements left behind."""

import time
from collections.abc import Callable
from typing import Any

Show = Callable[..., None]
ROUNDS = 9


def main(show: Show) -> None:
    """Measure the pages as an operator sees them, and the counting that a worker does each hour."""
    from django.test import Client
    from django.utils import timezone

    from deployments import surveying
    from deployments.models import Deploy
    from tests.factories import superuser

    show(
        "counting storage and trying the purge out, in the background",
        _rounds(lambda: surveying.survey(clock=timezone.now), 1),
    )
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(superuser())
    count = Deploy.objects.count()
    pages = {
        f"admin's dashboard, {count:,} deploys, broker away": "/admin/",
        f"admin's list of deploys, {count:,}": "/admin/deployments/deploy/",
        f"admin's search in deploys, {count:,}": "/admin/deployments/deploy/?q=push",
        f"admin's list of events, {count:,} deploys": "/admin/deployments/deployevent/",
    }
    for what, url in pages.items():
        assert browser.get(url).status_code == 200
        show(what, _rounds(lambda: browser.get(url).content))  # noqa: B023


def _rounds(work: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found
