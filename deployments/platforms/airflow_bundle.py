"""What Airflow's cheap lists tell of one DAG bundle: its DAGs, what could not be imported, and whether something moved."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.platforms.airflow_http import AirflowEndpoint
from deployments.platforms.dagster_definitions import plain
from deployments.platforms.exchange import Allowance
from portal.common.canonical import digest_of

MOST_DAGS = 5000  # rows of the list that are read
MOST_ERRORS = 500
MOST_STACK = 20_000  # characters: of a long one the end, where the cause is
# One parse writes all DAGs of a file within moments: one that was left out by now is not in the file any more.
LEFT_BEHIND = timedelta(seconds=5)
# Another one at each start of a process, for the same code.
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")


@dataclass(frozen=True)
class Dag:
    """One row of the list of DAGs. `file` is relative to the bundle's folder; `token` has it read again."""

    dag_id: str
    file: str
    bundle_version: str | None
    token: str
    parsed_at: datetime | None
    began_at: datetime | None  # when that parse began, as far as it is told
    row: Mapping[str, Any] = field(repr=False)

    @property
    def tags(self) -> list[str]:
        """The tags' names, sorted."""
        return sorted(plain(tag["name"]) for tag in self.row.get("tags") or [])


@dataclass(frozen=True)
class Broken:
    """A file that could not be imported."""

    file: str
    stack: str
    at: datetime | None


@dataclass(frozen=True)
class Seen:
    """The DAGs of one bundle that are not stale, its import errors, the newest of its DAG versions. `more`: not all were read."""

    dags: list[Dag]
    errors: list[Broken]
    newest: str
    more: bool

    @property
    def versions(self) -> list[str]:
        """The bundle versions that its DAGs are at, sorted; none when it has no versions."""
        return sorted({dag.bundle_version for dag in self.dags if dag.bundle_version})

    def version_key(self) -> str:
        """Answer a digest that moves with anything that is told here, times excepted."""
        return digest_of(
            {
                "dags": sorted((_moving(dag) for dag in self.dags), key=lambda told: str(told["dag_id"])),
                "errors": sorted([broken.file, _ADDRESS.sub("0x…", broken.stack)] for broken in self.errors),
                "newest": self.newest,
            }
        )

    def staying(self) -> list[Dag]:
        """Answer the DAGs without those that their file does not define any more, and that grow stale in a while."""
        newest: dict[str, datetime] = {}
        for dag in self.dags:
            if dag.parsed_at is not None:
                newest[dag.file] = max(dag.parsed_at, newest.get(dag.file, dag.parsed_at))
        return [dag for dag in self.dags if dag.parsed_at is None or newest[dag.file] - dag.parsed_at <= LEFT_BEHIND]


def look(airflow: AirflowEndpoint, bundle: str, *, allowance: Allowance | None = None) -> Seen:
    """Read the lists. Raises PlatformRefused or PlatformUnreachable."""
    rows, total = airflow.page("/dags", "dags", {"bundle_name": bundle}, most=MOST_DAGS, allowance=allowance)
    # Those of all bundles: the newest are the ones that count.
    by_time = {"order_by": "-timestamp"}
    errors, _ = airflow.page("/importErrors", "import_errors", by_time, most=MOST_ERRORS, allowance=allowance)
    asked = {"bundle_name": bundle, "order_by": "-id"}
    newest, versions = airflow.page("/dags/~/dagVersions", "dag_versions", asked, most=1, allowance=allowance)
    with airflow.understanding():
        # Airflow 3.0 does not filter by bundle, and ignores that it was asked to.
        ours = [row for row in rows if row["bundle_name"] == bundle]
        return Seen(
            dags=[dag_of(row) for row in ours],
            errors=list(_broken((error for error in errors if error["bundle_name"] == bundle), _folder_of(ours))),
            newest=f"{versions} {newest[0]['id'] if newest else ''}",
            more=total > len(rows),
        )


def dag_of(row: Mapping[str, Any]) -> Dag:
    """Read one row. Raises KeyError, TypeError, ValueError on what is none."""
    parsed_at = moment(row.get("last_parsed_time"))
    took = row.get("last_parse_duration")  # not told by the oldest
    return Dag(
        dag_id=plain(str(row["dag_id"])),
        file=plain(row.get("relative_fileloc") or ""),
        bundle_version=row.get("bundle_version") or None,
        token=str(row["file_token"]),
        parsed_at=parsed_at,
        began_at=parsed_at - timedelta(seconds=float(took)) if parsed_at and took is not None else None,
        row=row,
    )


def moment(text: Any) -> datetime | None:
    """Read a time of Airflow's. Raises ValueError, TypeError on what is none."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _broken(errors: Iterable[Mapping[str, Any]], folder: str) -> Iterable[Broken]:
    for error in errors:
        stack = plain(str(error.get("stack_trace") or ""))[-MOST_STACK:]
        # Airflow 3.0 tells the whole path.
        file = plain(str(error["filename"])).removeprefix(folder)
        yield Broken(file, stack, moment(error.get("timestamp")))


def _folder_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Answer the bundle's folder as its DAGs tell it, a slash at its end; nothing when none does."""
    for row in rows:
        path, file = str(row.get("fileloc") or ""), str(row.get("relative_fileloc") or "")
        if file and path.endswith(f"/{file}"):
            return str(plain(path.removesuffix(file)))
    return ""


# What of a DAG's row is of its code; not told: its pause, which is the users' own.
_OF_CODE = (
    *("dag_id", "dag_display_name", "description", "owners", "bundle_version", "relative_fileloc"),
    *("is_stale", "has_import_errors", "timetable_summary", "timetable_description"),
    *("max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs"),
)


def _moving(dag: Dag) -> dict[str, Any]:
    told: dict[str, Any] = {name: plain(dag.row.get(name)) for name in _OF_CODE}
    return {**told, "tags": dag.tags}
