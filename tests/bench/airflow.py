"""How long after a rollback's swap a real Airflow has read it, as a plain folder and through the pinning bundle."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Show = Callable[..., None]
ROUNDS = 5
PATIENCE = 120.0
BUNDLE = "warehouse"


def main(show: Show) -> None:
    """Measure both modes: nobody asks Airflow, as far as it looks by itself soon; and a deploy's own asking."""
    from portal.airflow_env import ensure_airflow_env
    from tests.real.airflow_server import migrate
    from tests.workers import ROOT

    bin_dir = ensure_airflow_env(ROOT / ".tools", say=print)
    with tempfile.TemporaryDirectory(prefix="lastgood-bench-airflow.") as folder:
        template = Path(folder) / "template"
        migrate(bin_dir, template)
        for mode in ("plain folder", "pinning bundle"):
            _measure(mode, bin_dir, template, Path(folder), show)


def _measure(mode: str, bin_dir: Path, template: Path, folder: Path, show: Show) -> None:
    from deployments.platforms.airflow import AirflowPlatform
    from tests.real.airflow_server import AirflowServer, password_of
    from tests.real.airflow_site import Site, converged, dag
    from tests.workers import ROOT

    site = Site(folder / mode.replace(" ", "-"))
    older = {"orders.py": dag("orders")}
    newer = {"orders.py": dag("orders", "fetch", "store"), "refunds.py": dag("refunds")}
    site.put(older)
    pinning = mode == "pinning bundle"
    kwargs = {"root": str(site.root), "refresh_interval": 5}
    bundle = {"name": BUNDLE, "classpath": "lastgood_airflow_bundle.LastgoodBundle", "kwargs": kwargs}
    options: dict[str, Any] = {"bundles": [bundle]} if pinning else {"dags": site.dags}
    server = AirflowServer(
        folder / f"home-{pinning}",
        bin_dir=bin_dir,
        template=template,
        python_path=ROOT / "deployments" / "downloads",
        env={"AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5"},
        **options,
    )
    with (
        server,
        AirflowPlatform(
            server.url, user="portal", password=password_of("portal"), bundle=BUNDLE if pinning else "dags-folder"
        ) as airflow,
    ):
        converged(airflow, site.put(older))
        asked, alone = [], []
        for _ in range(ROUNDS):
            converged(airflow, site.put(newer))
            expected = site.put(older)
            asked.append(_until(partial(converged, airflow, expected)))
            converged(airflow, site.put(newer))
            alone.append(_until(_served_alone(airflow, site.put(older))))
    show(f"rollback seen by Airflow, {mode}, asked to read", asked)
    show(f"rollback seen by Airflow, {mode}, by itself (looks every 5 s)", alone)


def _until(done: Callable[[], Any]) -> float:
    """Answer how many seconds it takes."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.1)
    return time.monotonic() - began


def _served_alone(airflow: Any, expected: Any) -> Callable[[], bool]:
    """Answer what says whether Airflow has come to it by itself: the deploy's own asking again is switched off."""
    from datetime import UTC, datetime

    memory: dict[str, Any] = {}

    def served() -> bool:
        memory["asked_at"] = datetime.now(UTC).isoformat()
        found = airflow.converge(expected, memory)
        memory.update(found.seen)
        return found.done is True

    return served
