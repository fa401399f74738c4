"""Read, reload and verify the code locations of a Dagster through its webserver's GraphQL."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

import httpx

from deployments.platforms import dagster_queries as queries
from deployments.platforms.base import (
    Connection,
    LocationReport,
    PlatformRefused,
    PlatformUnreachable,
    Status,
)
from deployments.platforms.dagster_asking import Asker
from deployments.platforms.dagster_definitions import plain
from deployments.platforms.dagster_errors import gist
from deployments.platforms.dagster_http import Allowance, GraphQLEndpoint, Limits, TimedOut
from deployments.platforms.dagster_reading import Moved, Reading, entry_of, server_id

READINGS = 3  # of a location that is reloaded while we read it
# What the reload's refusals are called here.
REFUSALS = {
    "ReloadNotSupported": "reload_not_supported",
    "RepositoryLocationNotFound": "location_unknown",
    "UnauthorizedError": "not_allowed",
    "PythonError": "reload_failed",
}
RELOAD_PERMISSION = "reload_repository_location"


class DagsterPlatform:
    """A running Dagster, 1.9 or newer; an older one as far as it can tell. `url` is its webserver's, path prefix included.

    `roots` are the directories, as Dagster sees them, in which releases lie (`/srv/orders/releases/*`): paths
    there are reported relative to the release, so that the same code has the same digest wherever it lies.
    The working directories that Dagster shows are known anyway.

    Every method raises PlatformRefused or PlatformUnreachable. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        client: httpx.Client | None = None,
        roots: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self._roots = tuple(roots)
        self._limits = limits or Limits()
        self._asker = Asker(
            GraphQLEndpoint(url, headers=headers or {}, timeout=timeout, client=client, limits=self._limits)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close our connections; a client that was given stays open."""
        self._asker.close()

    def version(self) -> str:
        """Answer the webserver's version of Dagster."""
        data = self._asker.ask(lambda schema: queries.VERSION)
        with self._asker.understanding():
            return str(data["version"])

    def connection(self) -> Connection:
        """Say what there is, what we may do, and what this version cannot tell."""
        data = self._asker.ask(queries.connection)
        with self._asker.understanding():
            entries = self._workspace_of(data["workspaceOrError"])["locationEntries"]
            return Connection(
                version=str(data["version"]),
                locations=tuple(plain(entry["name"]) for entry in entries),
                may_reload=_may_reload(entries),
                missing=self._asker.schema.missing(),
            )

    def statuses(self) -> dict[str, Status]:
        """Answer the cheap status of every location, by name, in one question."""
        data = self._asker.ask(queries.statuses)
        with self._asker.understanding():
            told = data["locationStatusesOrError" if "locationStatusesOrError" in data else "workspaceOrError"]
            return {plain(entry["name"]): _status(entry) for entry in self._workspace_of(told)["entries"]}

    def status(self, location: str) -> Status | None:
        """Answer the location's cheap status, or None when there is no such location."""
        data = self._asker.ask(queries.status, {"location": location})
        with self._asker.understanding():
            entry = entry_of(self._asker, data)
            return None if entry is None else _status(entry)

    def report(self, location: str) -> LocationReport | None:
        """Read what the location serves, all of it from one load; None when there is no such location."""
        reading = Reading(self._asker, location, roots=self._roots, allowance=Allowance(self._limits))
        for _ in range(READINGS):
            try:
                return reading.report()
            except Moved:
                continue
        raise PlatformUnreachable(
            "platform_moving",
            f"{self._asker.name} loaded {location} anew each time it was read: ask again when it rests.",
        )

    def reload(self, location: str) -> bool:
        """Ask for a reload and wait for its answer. False: it goes on there beyond our patience."""
        return self._reload(queries.RELOAD, "reloadRepositoryLocation", location, {"location": location})

    def reload_all(self) -> bool:
        """Ask it to read its workspace anew and to reload all locations, one after another. Answers as `reload`."""
        # Of a workspace.yaml with an error the second line says which.
        return self._reload(queries.RELOAD_ALL, "reloadWorkspace", "its locations", {}, lines=2)

    def _reload(self, text: str, field: str, what: str, variables: Mapping[str, str], *, lines: int = 1) -> bool:
        try:
            data = self._asker.mutate(text, variables)
        except TimedOut:
            return False
        with self._asker.understanding():
            answer = data[field]
            if answer["__typename"] in ("WorkspaceLocationEntry", "Workspace"):
                return True
            code = REFUSALS[answer["__typename"]]
            raise PlatformRefused(code, self._refusal(code, what, gist(answer, lines=lines)))

    def _workspace_of(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["__typename"] == "PythonError":
            raise self._asker.odd(f"could not read its workspace: {gist(told)}.")
        return told

    def _refusal(self, code: str, what: str, reason: str) -> str:
        name = self._asker.name
        match code:
            case "reload_not_supported":
                return f"{name} cannot reload {what} by itself: restart its code server."
            case "location_unknown":
                return f"{name} has no code location {what}: check its name, or workspace.yaml there."
            case "not_allowed":
                return (
                    f"{name} does not let us reload {what}: it runs with --read-only, or the headers "
                    "configured for it belong to somebody who may only look."
                )
        return f"{name} failed while reloading {what}: {reason}."


def _status(entry: Mapping[str, Any]) -> Status:
    return Status(
        version_key=str(entry["versionKey"]),
        loading=entry["loadStatus"] == "LOADING",
        server_id=server_id(entry["versionKey"]),
    )


def _may_reload(entries: Iterable[Mapping[str, Any]]) -> bool | None:
    """Say whether reloads are allowed; None when that is not told, or differs from location to location."""
    told = {
        bool(permission["value"])
        for entry in entries
        for permission in entry.get("permissions") or []
        if permission["permission"] == RELOAD_PERMISSION
    }
    return told.pop() if len(told) == 1 else None
