"""How long the Insights page takes, over 30 and over 365 days, with 100,000 deploys that ended in the last year."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

Show = Callable[..., None]
COUNT = 100_000
ROUNDS = 5


def main(show: Show) -> None:
    """Measure page and API for a location with a thousand deploys a year, and for one with a hundred thousand."""
    from django.test import Client

    from tests.factories import superuser

    browser = Client(SERVER_NAME="localhost")
    browser.force_login(superuser())
    for count in (COUNT // 100, COUNT):
        place = _delivered(count)
        for days in (30, 365):
            show(
                f"Insights, {days} days, {count:,} deploys a year",
                _rounds(browser, f"/insights/?place={place}&days={days}"),
            )
    org, deployment, location = place.split("/")
    api = f"/api/v1/organizations/{org}/deployments/{deployment}/code-locations/{location}/insights/?days=365"
    show(f"Insights by API, 365 days, {COUNT:,} deploys a year", _rounds(browser, api))


def _delivered(count: int) -> str:
    """Make a code location in which so many deploys ended in a year, one in ten of them badly; answer its place."""
    from django.utils import timezone

    from deployments.models import CodeLocation, Deploy, Release
    from tests.factories import make_deployment, make_location, make_organization

    location = make_location(make_deployment(make_organization(f"insights-{count}")))
    chance, now = random.Random(7), timezone.now()
    digests = [f"{number:064x}" for number in range(count)]
    releases = Release.objects.bulk_create(
        (Release(code_location=location, digest=digest, code_digest=digest) for digest in digests), batch_size=2000
    )
    live = 0
    rows = []
    for number, release in enumerate(releases, 1):
        ended = now - timedelta(days=365) * (1 - number / count)
        failed = chance.random() < 0.1
        live += not failed
        committed = ended - timedelta(seconds=chance.lognormvariate(9, 1.5))
        rows.append(
            Deploy(
                code_location=location,
                number=number,
                kind="dags",
                status="FAILED" if failed else "SUCCEEDED",
                actor_name="ci",
                actor_kind="service_account",
                description=f"Push {number}",
                release=release,
                git={"commit": "4be1f6a90cde7b1f", "branch": "main", "committed_at": committed.isoformat()},
                created_at=ended,
                activated_at=ended,
                finished_at=ended,
                live_seq=None if failed else live,
            )
        )
    Deploy.objects.bulk_create(rows, batch_size=2000)
    CodeLocation.objects.filter(pk=location.pk).update(next_number=count + 1, next_live_seq=live + 1)
    return str(location)


def _rounds(browser: Any, address: str) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert browser.get(address).status_code == 200
        found.append(time.perf_counter() - began)
    return found
