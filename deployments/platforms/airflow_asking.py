"""Have Airflow look at its files now, and ask whether anything is there that would."""

from collections.abc import Iterable

from deployments.platforms.airflow_bundle import MOST_DAGS, Dag, dag_of
from deployments.platforms.airflow_http import PAGE, AirflowEndpoint

MOST_PUTS = 20  # files that are asked for by name at once


def ask_to_read(airflow: AirflowEndpoint, bundle: str) -> bool:
    """Have the bundle refreshed by asking for one of its files, which is enough. False: it has no DAG to ask for.

    Raises PlatformRefused and PlatformUnreachable.
    """
    # Once more, should the DAG have been taken away between the two questions.
    for _ in range(2):
        dag = any_dag(airflow, bundle)
        if dag is None:
            return False
        if put(airflow, [dag.token]):
            return True
    return False


def put(airflow: AirflowEndpoint, tokens: Iterable[str]) -> bool:
    """Ask for these files; say whether any of them was there. One that waits already is as good as asked for."""
    found = False
    for token in list(tokens)[:MOST_PUTS]:
        found |= airflow.put(f"/parseDagFile/{token}") != 404
    return found


def tokens_of_hidden(airflow: AirflowEndpoint, bundle: str) -> dict[str, str]:
    """Answer the files that have DAGs, and those that only had some: those are stale. By file, its token."""
    asked = {"bundle_name": bundle, "exclude_stale": False}
    rows, _ = airflow.page("/dags", "dags", asked, most=MOST_DAGS)
    with airflow.understanding():
        return {dag.file: dag.token for dag in map(dag_of, rows) if dag.row["bundle_name"] == bundle and dag.file}


def processor_trouble(airflow: AirflowEndpoint) -> str:
    """Say in a sentence why no file is read there, or nothing when all is well. Raises as asking does."""
    health = airflow.get("/monitor/health")
    with airflow.understanding():
        told = health.get("dag_processor") or {}
        status, beat = told.get("status"), told.get("latest_dag_processor_heartbeat")
    if status == "healthy":
        return ""
    last = f"its last sign of life was at {str(beat)[:40]}" if beat else "it never gave a sign of life"
    return f"The DAG processor of {airflow.name} does not run ({last}): start airflow dag-processor."


def any_dag(airflow: AirflowEndpoint, bundle: str) -> Dag | None:
    """Answer one DAG of the bundle, if it ever had any: one that is served, else one that was."""
    # A DAG that is stale has a token, too: all of them are while nothing can be imported.
    return _first_dag(airflow, {"bundle_name": bundle}, bundle) or _first_dag(
        airflow, {"bundle_name": bundle, "exclude_stale": False}, bundle
    )


def _first_dag(airflow: AirflowEndpoint, params: dict[str, object], bundle: str) -> Dag | None:
    """Answer one DAG of the list. An Airflow that does not filter by bundle is asked page by page."""
    offset = 0
    while offset < MOST_DAGS:
        found = airflow.get("/dags", {**params, "limit": PAGE, "offset": offset})
        with airflow.understanding():
            rows = list(found["dags"])
            ours = [dag_of(row) for row in rows if row["bundle_name"] == bundle]
            total = int(found["total_entries"])
        if ours:
            return ours[0]
        offset += len(rows)
        if not rows or offset >= total:
            break
    return None
