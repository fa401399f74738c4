"""Read, refresh and verify one DAG bundle of an Airflow 3 through its REST API."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from deployments.platforms import airflow_asking as asking
from deployments.platforms.airflow_bundle import look
from deployments.platforms.airflow_converging import Converging
from deployments.platforms.airflow_http import AirflowEndpoint
from deployments.platforms.airflow_reading import Reading, read_when_resting
from deployments.platforms.airflow_runs import runs_in_flight
from deployments.platforms.airflow_versions import cannot_tell, refuse_the_unknown
from deployments.platforms.base import Connection, Convergence, Expected, LocationReport, RunsInFlight, Status
from deployments.platforms.dagster_definitions import plain
from deployments.platforms.exchange import Allowance, Limits

# An Airflow has one location: the DAG bundle that we deploy to.
LOCATION = "default"
DAGS_FOLDER = "dags-folder"  # Airflow's own name for the bundle that is its folder
READINGS = 3  # of a bundle that is read anew while we read it
NAMED_BUNDLES = 5


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AirflowPlatform:
    """A running Airflow 3, of which we look at one DAG `bundle`. `url` is its API server's, path prefix included.

    With `user` and `password` a token of Airflow's own is fetched; without, the `headers` have to say who we are.
    `roots` are the directories, as Airflow sees them, in which releases lie: paths there are told relative to them.

    Every method raises PlatformRefused or PlatformUnreachable. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        client: httpx.Client | None = None,
        user: str = "",
        password: str = "",
        bundle: str = DAGS_FOLDER,
        roots: Collection[str] = (),
        timeout: float = 10.0,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._bundle = bundle
        self._roots = tuple(roots)
        self._limits = limits or Limits()
        self._clock = clock
        self._airflow = AirflowEndpoint(
            url,
            headers=headers or {},
            timeout=timeout,
            client=client,
            limits=self._limits,
            user=user,
            password=password,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close our connections; a client that was given stays open."""
        self._airflow.close()

    def version(self) -> str:
        """Answer Airflow's version."""
        told = self._airflow.get("/version")
        with self._airflow.understanding():
            return refuse_the_unknown(self._airflow, plain(told["version"]))

    def connection(self) -> Connection:
        """Say what there is, and what is missing for deploys to be seen. Airflow does not say what we may do."""
        version = self.version()
        missing = [*cannot_tell(version), self._missing_bundle(), asking.processor_trouble(self._airflow)]
        return Connection(
            version=version,
            locations=(LOCATION,),
            may_reload=None,
            missing=tuple(sentence for sentence in missing if sentence),
        )

    def statuses(self) -> dict[str, Status]:
        """Answer the cheap status of the one location."""
        seen = look(self._airflow, self._bundle, allowance=Allowance(self._limits))
        with self._airflow.understanding():
            return {LOCATION: Status(version_key=seen.version_key(), loading=False, server_id=None)}

    def status(self, location: str) -> Status | None:
        """Answer the cheap status, None for a location of another name than the one that there is."""
        return self.statuses()[LOCATION] if location == LOCATION else None

    def report(self, location: str) -> LocationReport | None:
        """Read what the bundle defines; None for a location of another name than the one that there is."""
        if location != LOCATION:
            return None
        reading = Reading(self._airflow, self._bundle, roots=self._roots, allowance=Allowance(self._limits))
        return read_when_resting(self._airflow, reading, times=READINGS)

    def reload(self, location: str) -> bool:
        """Have the bundle's files looked at now. False: there is nothing to ask for yet, Airflow looks by itself later."""
        return self.ask_to_read()

    def reload_all(self) -> bool:
        """Have the bundle's files looked at now, as `reload` does."""
        return self.ask_to_read()

    def ask_to_read(self) -> bool:
        """Have the bundle's files looked at now. False: there is nothing to ask for yet, Airflow looks by itself later."""
        return asking.ask_to_read(self._airflow, self._bundle)

    def converge(self, expected: Expected, seen: Mapping[str, Any]) -> Convergence:
        """Say whether what Airflow serves is what was expected, asking it to read again where that may help."""
        return Converging(self._airflow, self._bundle, expected, seen, now=self._clock()).answer()

    def runs_in_flight(self) -> RunsInFlight:
        """Count the runs of this bundle's DAGs that run or are queued, by the release that they are pinned to."""
        return runs_in_flight(self._airflow, self._bundle)

    def _missing_bundle(self) -> str:
        """Say that no DAG of the bundle was ever seen, and which bundles are."""
        if asking.any_dag(self._airflow, self._bundle) is not None:
            return ""
        told = self._airflow.get("/dags", {"limit": 100, "exclude_stale": False})
        with self._airflow.understanding():
            names = sorted({plain(row["bundle_name"]) for row in told["dags"] if row["bundle_name"]})
        there = f" There are DAGs of {', '.join(names[:NAMED_BUNDLES])}." if names else ""
        return (
            f"No DAG of a bundle named {self._bundle} was seen yet: deploy one, or look whether that is its name in "
            f"Airflow's dag_bundle_config_list.{there}"
        )
