"""`make bench`: how long things take, with seeded input. Prints medians; asserts nothing, for machines are noisy.

`make bench ARGS=airflow` measures that part alone. The parts: rollback, history, loads, insights, assets, pages, admin, airflow.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import admin, airflow, assets, insights, loads, pages

FILES, BYTES = 500, 5_000_000
ROUNDS = 9


def main(chosen: list[str]) -> None:
    """Measure in a database and folders that are removed afterwards: the chosen parts, or all."""
    with tempfile.TemporaryDirectory(prefix="lastgood-bench.") as folder:
        os.environ.update(DATA_DIR=folder, DATABASE_URL=f"sqlite:///{folder}/bench.sqlite3", LOG_LEVEL="WARNING")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        print(
            f"seed 7, {ROUNDS} rounds each, medians; SQLite, Python {sys.version.split()[0]}, {os.cpu_count()} cores\n"
        )
        parts: dict[str, Callable[[], None]] = {
            "rollback": lambda: bench_rollback(Path(folder)),
            "history": bench_history,
            "loads": lambda: loads.main(show),
            "insights": lambda: insights.main(show),
            "assets": lambda: assets.main(show),
            "pages": lambda: pages.main(show, repeated),
            "admin": lambda: admin.main(show),
            "airflow": lambda: airflow.main(show),
        }
        for name in chosen or parts:
            parts[name]()


def tree(seed: int) -> dict[str, bytes]:
    """Answer a file tree of a fixed size, the same for the same seed."""
    chance = random.Random(seed)
    return {f"package_{n % 20}/module_{n}.py": chance.randbytes(BYTES // FILES) for n in range(FILES)}


def bench_rollback(folder: Path) -> None:
    """Measure the portal's own part of a rollback: asked, claimed, put in place, live. No platform is connected."""
    from tests.conftest import use_broker
    from tests.factories import ask_rollback, deploy, make_location, upload
    from tests.workers import finished, running_broker, running_worker

    location = make_location()
    organization = location.deployment.organization
    first, second = tree(7), tree(8)
    show("store 500 files, 5 MB (manifest, upload, complete)", [timed(lambda: upload(organization, first))])
    show("the same again: nothing to upload", repeated(lambda: upload(organization, first)))
    deploy(location, first)
    deploy(location, second)
    (folder / "b").mkdir()
    with running_broker(folder / "b") as broker:
        use_broker(broker, "")
        with running_worker(broker, folder / "worker.log", beat=False):
            finished(ask_rollback(location, 1))
            whole, placing = [], []
            for n in range(ROUNDS):
                row = finished(ask_rollback(location, 2 if n % 2 == 0 else 1))
                whole.append((row.finished_at - row.created_at).total_seconds())
                placing.append((row.activated_at - row.started_at).total_seconds())
    show("rollback of 500 files, 5 MB: asked to live (goal: under 1 s)", whole)
    show("  of it, putting in place", placing)


def bench_history() -> None:
    """Measure the history page and its API with few and with many deploys."""
    from django.test import Client

    from tests.factories import make_deployment, make_location, superuser

    client = Client(SERVER_NAME="localhost")
    client.force_login(superuser())
    deployment = make_deployment(organization=_organization(), slug="long")
    base: dict[str, float] = {}
    for count in (10, 10_000, 100_000):
        location = make_location(deployment, name=f"of-{count}")
        add_history(location, count)
        api = f"/api/v1/organizations/acme/deployments/long/code-locations/{location.name}/deploys/"
        for name, url in (("page", location.get_absolute_url()), ("API", api)):
            client.get(url)
            seconds = repeated(lambda: client.get(url))  # noqa: B023
            base.setdefault(name, statistics.median(seconds))
            show(
                f"history {name}, {count:,} deploys, server time",
                seconds,
                ratio=statistics.median(seconds) / base[name],
            )


def _organization() -> Any:
    from deployments.models import Organization

    return Organization.objects.get(slug="acme")


def add_history(location: Any, count: int) -> None:
    """Add a long history of canceled pushes, without carrying them out."""
    from django.utils import timezone

    from deployments.models import Deploy

    now = timezone.now()
    rows = (
        Deploy(
            code_location=location,
            number=number,
            kind="dags",
            status="CANCELED",
            actor_name="ci",
            actor_kind="service_account",
            description=f"Push {number}",
            created_at=now,
            finished_at=now,
        )
        for number in range(1, count + 1)
    )
    Deploy.objects.bulk_create(rows, batch_size=2000)
    location.next_number = count + 1
    location.save()


def timed(work: Callable[[], Any]) -> float:
    """Answer how many seconds the work took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def repeated(work: Callable[[], Any]) -> list[float]:
    """Answer the seconds of several rounds."""
    return [timed(work) for _ in range(ROUNDS)]


def show(what: str, seconds: list[float], *, ratio: float | None = None) -> None:
    """Print one line: median, fastest and slowest."""
    beside = f"   x{ratio:.2f} of the first" if ratio else ""
    line = f"{statistics.median(seconds) * 1000:9.1f} ms   ({min(seconds) * 1000:.1f} to {max(seconds) * 1000:.1f})"
    print(f"{what:<62}{line}{beside}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
