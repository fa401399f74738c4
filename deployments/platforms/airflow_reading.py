"""Read all that one DAG bundle of an Airflow defines, as one normal form: same code, same form, in whichever release it lies."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from deployments.platforms.airflow_bundle import Dag, Seen, look
from deployments.platforms.airflow_errors import load_error
from deployments.platforms.airflow_http import AirflowEndpoint
from deployments.platforms.base import LocationReport, PlatformUnreachable
from deployments.platforms.dagster_definitions import plain
from deployments.platforms.dagster_paths import anywhere_below, placeless
from deployments.platforms.exchange import Allowance
from portal.common.canonical import canonical_json

MOST_READ = 1000  # DAGs whose tasks and sources are asked for, one by one
MOST_ASSETS = 5000
# What stands instead of a source that we may not see.
REDACTED = "REDACTED"

Form = dict[str, Any]


class Moved(Exception):
    """The bundle was read anew between two of our questions."""


class Reading:
    """One reading of the bundle, within the allowance."""

    def __init__(self, airflow: AirflowEndpoint, bundle: str, *, roots: Collection[str], allowance: Allowance) -> None:
        self._airflow = airflow
        self._bundle = bundle
        self._roots = roots
        self._allowance = allowance

    def report(self) -> LocationReport:
        """Answer what the bundle defines, or why it does not load. Raises Moved and what asking raises."""
        version = self._airflow.get("/version", allowance=self._allowance)
        seen = look(self._airflow, self._bundle, allowance=self._allowance)
        with self._airflow.understanding():
            metadata = self._metadata(str(version["version"]), seen)
            if seen.errors:
                return self._failed(seen, metadata)
            form = self._form(seen)
        if look(self._airflow, self._bundle, allowance=self._allowance).version_key() != seen.version_key():
            raise Moved
        written = canonical_json(form)
        return LocationReport(
            version_key=seen.version_key(),
            server_id=None,
            error=None,
            definitions_digest=hashlib.sha256(written).hexdigest(),
            asset_count=len(form["dags"]) + len(form["assets"]),
            metadata=metadata,
            raw=form,
            written=written,
            placeless=self._placeless(metadata),
            missing=_missing(seen),
        )

    def _failed(self, seen: Seen, metadata: dict[str, str]) -> LocationReport:
        return LocationReport(
            version_key=seen.version_key(),
            server_id=None,
            error=load_error(seen.errors),
            definitions_digest=None,
            asset_count=0,
            metadata=metadata,
            placeless=self._placeless(metadata),
            missing=_missing(seen),
        )

    def _metadata(self, version: str, seen: Seen) -> dict[str, str]:
        told = {
            "dag_bundle": self._bundle,
            "bundle_version": ", ".join(seen.versions[:5]),
            "airflow_version": plain(version),
            "dags": str(len(seen.staying())),
        }
        return {name: value for name, value in told.items() if value}

    def _placeless(self, metadata: Mapping[str, str]) -> dict[str, str]:
        told = {name: value for name, value in metadata.items() if name != "bundle_version"}
        return placeless(told, anywhere_below(self._roots))

    def _form(self, seen: Seen) -> Form:
        dags = sorted(seen.staying(), key=lambda dag: dag.dag_id)
        read = dags[:MOST_READ]
        sources = self._sources(read)
        forms = [self._dag_form(dag, sources, tasks=True) for dag in read]
        forms += [self._dag_form(dag, sources, tasks=False) for dag in dags[MOST_READ:]]
        return {"dags": forms, "assets": self._assets({dag.dag_id for dag in dags})}

    def _dag_form(self, dag: Dag, sources: Mapping[str, str | None], *, tasks: bool) -> Form:
        row = dag.row
        return {
            "dag_id": dag.dag_id,
            "file": dag.file,
            "schedule": {
                "summary": plain(row.get("timetable_summary")),
                "description": plain(row.get("timetable_description")),
            },
            "tags": dag.tags,
            "owners": sorted(plain(owner) for owner in row.get("owners") or []),
            "description": plain(row.get("description")),
            "tasks": self._tasks(dag) if tasks else None,
            "sha256": sources.get(dag.file),
        }

    def _tasks(self, dag: Dag) -> list[Form]:
        found = self._airflow.find(f"/dags/{quote(dag.dag_id, safe='')}/tasks", allowance=self._allowance)
        if found is None:
            raise Moved
        return sorted((_task_form(task) for task in found["tasks"]), key=lambda form: str(form["task_id"]))

    def _sources(self, dags: Iterable[Dag]) -> dict[str, str | None]:
        """Answer the sha256 of each file's text, asked for by one of its DAGs; None where it may not be seen."""
        found: dict[str, str | None] = {}
        for dag in dags:
            if dag.file not in found:
                text = source_of(self._airflow, dag.dag_id, allowance=self._allowance)
                if text is None:
                    raise Moved
                found[dag.file] = None if text.startswith(REDACTED) else sha256_of(text)
        return found

    def _assets(self, dags: Collection[str]) -> list[Form]:
        """Answer the assets that these DAGs make, use or wait for, with these DAGs alone: others are others' code."""
        rows, _ = self._airflow.page("/assets", "assets", most=MOST_ASSETS, allowance=self._allowance)
        forms = (_asset_form(row, dags) for row in rows)
        touched = [
            form for form in forms if form["scheduled_dags"] or form["producing_tasks"] or form["consuming_tasks"]
        ]
        return sorted(touched, key=lambda form: (form["name"], form["uri"]))


def source_of(airflow: AirflowEndpoint, dag_id: str, *, allowance: Allowance | None = None) -> str | None:
    """Answer the text of the DAG's file as Airflow read it last, None when there is none."""
    found = airflow.find(f"/dagSources/{quote(dag_id, safe='')}", allowance=allowance)
    if found is None:
        return None
    with airflow.understanding():
        return str(found["content"] or "")


def sha256_of(text: str) -> str:
    """Answer the sha256 of a file of that text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def read_when_resting(airflow: AirflowEndpoint, reading: Reading, *, times: int) -> LocationReport:
    """Answer the report of a bundle that does not move while it is read. Raises PlatformUnreachable when it never rests."""
    for _ in range(times):
        try:
            return reading.report()
        except Moved:
            continue
    raise PlatformUnreachable(
        "platform_moving", f"{airflow.name} read its DAGs anew each time they were read: ask again when it rests."
    )


def _task_form(task: Mapping[str, Any]) -> Form:
    return {
        "task_id": plain(task["task_id"]),
        "operator": plain(task.get("operator_name") or (task.get("class_ref") or {}).get("class_name")),
        "downstream": sorted(plain(task.get("downstream_task_ids") or [])),
    }


def _asset_form(row: Mapping[str, Any], dags: Collection[str]) -> Form:
    def of_ours(told: Any, *names: str) -> list[Form]:
        found = ({name: plain(each[name]) for name in names} for each in told or [])
        return sorted(
            (each for each in found if each["dag_id"] in dags), key=lambda each: [each[name] for name in names]
        )

    return {
        "name": plain(row["name"]),
        "uri": plain(row.get("uri") or ""),
        "group": plain(row.get("group") or ""),
        # Airflow 3.0 has another name for it, and does not tell who only reads.
        "scheduled_dags": [
            each["dag_id"] for each in of_ours(row.get("scheduled_dags", row.get("consuming_dags")), "dag_id")
        ],
        "producing_tasks": of_ours(row.get("producing_tasks"), "dag_id", "task_id"),
        "consuming_tasks": of_ours(row.get("consuming_tasks"), "dag_id", "task_id"),
    }


def _missing(seen: Seen) -> tuple[str, ...]:
    told = []
    if seen.more:
        told.append(f"The list of DAGs is long: only the first {len(seen.dags)} of this bundle were read.")
    if len(seen.staying()) > MOST_READ:
        told.append(
            f"Tasks and sources were read of the first {MOST_READ} DAGs only: of the others, changes inside are not seen."
        )
    return tuple(told)
