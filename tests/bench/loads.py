"""How long the history of loads takes to read and to go on, with 1,000 loads and with 100,000."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

Show = Callable[..., None]
FEW, MANY = 1_000, 100_000
ROUNDS = 9
# Every so many loads something else was loaded.
RUN = 5


def main(show: Show) -> None:
    """Measure both lengths, the second in ratio to the first."""
    firsts: dict[str, float] = {}
    for count in (FEW, MANY):
        location = _with_loads(count)
        for what, work in _works(location).items():
            seconds = _rounds(work)
            ratio = statistics.median(seconds) / firsts[what] if what in firsts else None
            firsts.setdefault(what, statistics.median(seconds))
            show(f"{what}, {count:,} loads", seconds, ratio=ratio)


def _works(location: Any) -> dict[str, Callable[[], Any]]:
    """Answer what is measured, by what it is called."""
    from django.test import Client

    from deployments import load_history
    from tests.factories import superuser

    browser = Client()
    browser.force_login(superuser())
    page = f"{location.get_absolute_url()}loads/"
    numbers = iter(range(10**9))
    return {
        "a page of loads, collapsed": lambda: load_history.loads_of(location, collapse=True, cursor=None, limit=50),
        "a page of loads, each of them": lambda: load_history.loads_of(location, collapse=False, cursor=None, limit=50),
        "the page View history": lambda: browser.get(page).content,
        "writing one load more": lambda: _one_more(location, next(numbers)),
    }


def _with_loads(count: int) -> Any:
    """Make a code location with that many loads of one live deploy, in runs."""
    from django.utils import timezone

    from deployments.models import CodeLocation, Load, LoadRun
    from tests.factories import deploy, make_deployment, make_location, make_organization

    location = make_location(make_deployment(make_organization(f"loads-{count}")))
    live = deploy(location, {"a.py": b"1"})
    now = timezone.now()
    runs = LoadRun.objects.bulk_create(
        (
            LoadRun(code_location=location, likeness=str(n % 2), count=RUN, first_at=now, last_at=now)
            for n in range(count // RUN)
        ),
        batch_size=2000,
    )
    loads = Load.objects.bulk_create(
        (
            Load(
                code_location=location,
                deploy=live,
                reported_at=now - timedelta(seconds=count - n),
                version_key=f"key-{n}",
                ok=True,
                likeness=str(n // RUN % 2),
                run=runs[n // RUN],
                metadata={"image": "registry.example/shop:1", "working_directory": "/srv/shop"},
            )
            for n in range(count)
        ),
        batch_size=2000,
    )
    for n, run in enumerate(runs):
        run.newest = loads[n * RUN + RUN - 1]
    LoadRun.objects.bulk_update(runs, ["newest"], batch_size=1000)
    CodeLocation.objects.filter(pk=location.pk).update(last_load=loads[-1])
    return location


def _one_more(location: Any, number: int) -> None:
    from django.db import transaction
    from django.utils import timezone

    from deployments.loads import write_load
    from deployments.locking import lock
    from deployments.platforms.base import LocationReport

    report = LocationReport(f"more-{number}", "server", None, "d" * 64, 1)
    with transaction.atomic():
        locked = lock(location.pk)
        write_load(locked, report, deploy=locked.live_deploy, now=timezone.now())


def _rounds(work: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found
