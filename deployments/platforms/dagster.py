"""Read, reload and verify the code locations of a Dagster through its webserver's GraphQL."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import httpx

from deployments.platforms import dagster_queries as queries
from deployments.platforms.base import (
    LoadError,
    LocationReport,
    PlatformRefused,
    PlatformUnreachable,
    Status,
)
from deployments.platforms.dagster_definitions import asset_form, below, location_form, plain
from deployments.platforms.dagster_http import Allowance, GraphQLEndpoint, Limits, TimedOut
from portal.common.canonical import canonical_json

PAGE = 500  # assets: about a second and a megabyte on a slow machine
MAX_PAGES = 2000
READINGS = 3  # of a location that is reloaded while we read it
# Versions without pages answer everything at once: 10,000 assets took 25 s.
UNPAGED_PATIENCE = 6.0
# The code server is starting or was just lost: Dagster itself tries again every ten seconds.
TRANSIENT_ERRORS = {"DagsterUserCodeUnreachableError"}
MAX_STACK = 20_000  # characters
# What the reload's refusals are called here.
REFUSALS = {
    "ReloadNotSupported": "reload_not_supported",
    "RepositoryLocationNotFound": "location_unknown",
    "UnauthorizedError": "not_allowed",
    "PythonError": "reload_failed",
}


class _Moved(Exception):
    """The location was loaded anew between two of our questions."""


class DagsterPlatform:
    """A running Dagster, 1.9 or newer. `url` is its webserver's base URL, path prefix included.

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
        self._endpoint = GraphQLEndpoint(
            url, headers=headers or {}, timeout=timeout, client=client, limits=self._limits
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close our connections; a client that was given stays open."""
        self._endpoint.close()

    def version(self) -> str:
        """Answer the webserver's version of Dagster."""
        with self._understanding():
            return str(self._endpoint.query(queries.VERSION)["version"])

    def status(self, location: str) -> Status | None:
        """Answer the location's cheap status, or None when there is no such location."""
        data = self._endpoint.query(queries.STATUS, {"location": location})
        with self._understanding():
            entry = self._entry_of(data)
            if entry is None:
                return None
            return Status(
                version_key=entry["versionKey"],
                loading=entry["loadStatus"] == "LOADING",
                server_id=_server_id(entry["versionKey"]),
            )

    def report(self, location: str) -> LocationReport | None:
        """Read what the location serves, all of it from one load; None when there is no such location."""
        allowance = Allowance(self._limits)
        for _ in range(READINGS):
            try:
                return self._read(location, allowance)
            except _Moved:
                continue
        raise PlatformUnreachable(
            "platform_moving",
            f"{self._endpoint.name} loaded {location} anew each time it was read: ask again when it rests.",
        )

    def reload(self, location: str) -> bool:
        """Ask for a reload and wait for its answer. False: it goes on there beyond our patience."""
        try:
            data = self._endpoint.mutate(queries.RELOAD, {"location": location})
        except TimedOut:
            return False
        with self._understanding():
            answer = data["reloadRepositoryLocation"]
            code = REFUSALS.get(answer["__typename"])
            if code is not None:
                raise PlatformRefused(code, self._refusal(code, location, answer))
            return bool(answer["versionKey"])

    def _read(self, location: str, allowance: Allowance) -> LocationReport | None:
        """Read the location once. Raises _Moved."""
        data = self._endpoint.query(queries.LOCATION, {"location": location}, allowance=allowance)
        with self._understanding():
            entry = self._entry_of(data)
            if entry is None:
                return None
            loaded = entry["locationOrLoadError"]
            # Loaded with neither definitions nor an error exists for a moment only.
            if entry["loadStatus"] == "LOADING" or loaded is None:
                raise PlatformUnreachable(
                    "platform_loading",
                    f"{self._endpoint.name} is still loading {location}: ask again in a moment.",
                )
            if loaded["__typename"] == "PythonError":
                return _failed_report(entry, loaded)
            return self._loaded_report(location, data, entry, allowance)

    def _loaded_report(
        self, location: str, data: dict[str, Any], entry: dict[str, Any], allowance: Allowance
    ) -> LocationReport:
        loaded = entry["locationOrLoadError"]
        metadata = _metadata_of(entry)
        release = below([*self._roots, metadata.get("working_directory", "")])
        assets = [
            asset_form(node, repository=repository["name"], release=release)
            for repository in loaded["repositories"]
            for node in self._assets(location, repository["name"], entry["versionKey"], _known(data), allowance)
        ]
        form = location_form(loaded["repositories"], assets)
        written = canonical_json(form)
        return LocationReport(
            version_key=entry["versionKey"],
            server_id=loaded["serverId"] or _server_id(entry["versionKey"]),
            error=None,
            definitions_digest=hashlib.sha256(written).hexdigest(),
            asset_count=sum(not asset["is_stub"] for asset in assets),
            metadata=metadata,
            raw={**form, "dagster_version": str(data["version"])},
            written=written,
        )

    def _assets(
        self,
        location: str,
        repository: str,
        version_key: str,
        known: Mapping[str, Collection[str]],
        allowance: Allowance,
    ) -> Iterator[dict[str, Any]]:
        """Yield the repository's asset nodes as GraphQL tells them. Raises _Moved."""
        text, paged = queries.assets_query(known), queries.is_paged(known)
        variables: dict[str, Any] = {"location": location, "repository": repository}
        if paged:
            variables |= {"limit": PAGE, "cursor": None}
        for _ in range(MAX_PAGES):
            data = self._endpoint.query(
                text, variables, allowance=allowance, patience=1.0 if paged else UNPAGED_PATIENCE
            )
            found = self._repository_of(data, version_key)
            if not paged:
                yield from found["assetNodes"]
                return
            page = found["assetNodesConnection"]
            yield from page["nodes"]
            if not page["hasMore"]:
                return
            variables["cursor"] = page["cursor"]
        raise self._endpoint.odd(f"does not stop answering pages of assets of {location}.")

    def _repository_of(self, data: dict[str, Any], version_key: str) -> dict[str, Any]:
        """Answer the repository, if the page is still of the load that we began with. Raises _Moved."""
        entry = self._entry_of(data)
        if entry is None or entry["versionKey"] != version_key:
            raise _Moved
        repository: dict[str, Any] = data["repositoryOrError"]
        if repository["__typename"] != "Repository":
            raise self._endpoint.odd(f"could not list assets: {_first_line(repository)}.")
        return repository

    def _entry_of(self, data: dict[str, Any]) -> dict[str, Any] | None:
        entry: dict[str, Any] | None = data["workspaceLocationEntryOrError"]
        if entry is not None and entry["__typename"] == "PythonError":
            raise self._endpoint.odd(f"could not read its workspace: {_first_line(entry)}.")
        return entry

    def _refusal(self, code: str, location: str, answer: Mapping[str, Any]) -> str:
        name = self._endpoint.name
        match code:
            case "reload_not_supported":
                return f"{name} cannot reload {location} by itself: restart its code server."
            case "location_unknown":
                return f"{name} has no code location {location}: check its name, or workspace.yaml there."
            case "not_allowed":
                return (
                    f"{name} does not let us reload {location}: it runs with --read-only, or the headers "
                    "configured for it belong to somebody who may only look."
                )
        return f"{name} failed while reloading {location}: {_first_line(answer)}."

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        """Turn an answer of another shape than Dagster's into PlatformUnreachable."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
            raise self._endpoint.odd(
                "answered in GraphQL, but not as Dagster 1.9 or newer does: check address and version."
            ) from problem


def _known(data: Mapping[str, Any]) -> dict[str, set[str]]:
    """Answer the fields that this Dagster's types have; none for a type that it does not know."""
    types = ("Repository", "AssetNode", "FloatMetadataEntry", "PoolMetadataEntry")
    return {name: {field["name"] for field in (data[name] or {}).get("fields") or []} for name in types}


def _server_id(version_key: str) -> str | None:
    """Read the code server's id out of `["<server_id>", <image>]`, or out of the plain id of older versions.

    A failed load has the plain number of its time there: None.
    """
    try:
        read = json.loads(version_key)
    except ValueError:
        return version_key or None
    return str(read[0]) if isinstance(read, list) and read else None


def _metadata_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Answer what the location shows of itself, library versions as `library/<name>`."""
    loaded = entry["locationOrLoadError"]
    shown = {item["key"]: item["value"] for item in entry["displayMetadata"]}
    libraries = {
        f"library/{library['name']}": library["version"] for library in loaded.get("dagsterLibraryVersions") or []
    }
    return {plain(name): plain(str(value)) for name, value in (shown | libraries).items()}


def _failed_report(entry: Mapping[str, Any], error: Mapping[str, Any]) -> LocationReport:
    chain = [_link(error), *(_link(cause["error"]) for cause in error["errorChain"])]
    return LocationReport(
        version_key=entry["versionKey"],
        server_id=None,
        error=LoadError(
            message=chain[0]["message"],
            class_name=chain[0]["class_name"],
            chain=chain,
            transient=any(link["class_name"] in TRANSIENT_ERRORS for link in chain),
        ),
        definitions_digest=None,
        asset_count=0,
        metadata=_metadata_of(entry),
    )


def _link(error: Mapping[str, Any]) -> dict[str, str]:
    """Answer one error of a chain; of a long stack the end, where the cause is."""
    class_name = error["className"] or ""
    return {
        "message": plain(_without_class(error["message"].strip(), class_name)[:MAX_STACK]),
        "class_name": plain(class_name),
        "stack": plain("".join(error["stack"])[-MAX_STACK:]),
    }


def _without_class(message: str, class_name: str) -> str:
    """Take the leading `package.module.ClassName: ` off the message."""
    head, colon, rest = message.partition(": ")
    return rest if colon and head.rpartition(".")[2] == class_name else message


def _first_line(error: Mapping[str, Any]) -> str:
    lines = str(error.get("message") or "").strip().splitlines()
    return lines[0][:300].rstrip(".") if lines else "it does not say why"
