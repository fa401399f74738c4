"""What runs in an Airflow now, and on which release."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from deployments.platforms.airflow_http import AirflowEndpoint
from deployments.platforms.base import RunsInFlight
from deployments.platforms.dagster_definitions import plain

MOST_RUNS = 1000
# Where each run is pinned to a release, all of them count: a release is only needed by those that say so.
MOST_PINNED_RUNS = 5000


def runs_in_flight(airflow: AirflowEndpoint, bundle: str) -> RunsInFlight:
    """Count what runs or is queued of the bundle's DAGs. Raises PlatformRefused and PlatformUnreachable."""
    ours, more = _newest(airflow, bundle, MOST_RUNS)
    # Runs of a bundle without versions need no release: of them, the newest are enough.
    if more and (not ours or any(run.get("bundle_version") for run in ours)):
        ours, more = _newest(airflow, bundle, MOST_PINNED_RUNS)
    with airflow.understanding():
        # A run says itself what it is pinned to. Its DAG's versions are moved on while it runs.
        by_release = Counter(plain(run.get("bundle_version") or "") for run in ours)
    return RunsInFlight(total=len(ours), by_release=dict(by_release), more=more)


def _newest(airflow: AirflowEndpoint, bundle: str, most: int) -> tuple[list[dict[str, Any]], bool]:
    """Answer the bundle's among so many of the newest runs of all bundles, and whether there are others."""
    asked = {"state": ["running", "queued"], "order_by": "-id"}
    rows, total = airflow.page("/dags/~/dagRuns", "dag_runs", asked, most=most)
    with airflow.understanding():
        return [run for run in rows if _may_be_of(bundle, run)], total > len(rows)


def _may_be_of(bundle: str, run: Mapping[str, Any]) -> bool:
    """Say whether the run is of the bundle; one that does not tell is counted."""
    names = {version["bundle_name"] for version in run.get("dag_versions") or [] if version.get("bundle_name")}
    return not names or bundle in names
