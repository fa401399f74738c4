"""Read all that one code location of a Dagster serves, from one load."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from deployments.commits import without_credentials
from deployments.platforms import dagster_queries as queries
from deployments.platforms.base import LocationReport, PlatformUnreachable
from deployments.platforms.dagster_asking import Asker
from deployments.platforms.dagster_definitions import asset_form, location_form, plain
from deployments.platforms.dagster_errors import gist, load_error
from deployments.platforms.dagster_http import Allowance
from deployments.platforms.dagster_paths import anywhere_below, below, placeless
from deployments.platforms.dagster_schema import Schema
from portal.common.canonical import canonical_json

PAGE = 500  # assets: about a second and a megabyte on a slow machine
MAX_PAGES = 2000
# Versions without pages answer everything at once: 10,000 assets took 25 s.
UNPAGED_PATIENCE = 6.0


class Moved(Exception):
    """The location was loaded anew between two of our questions."""


class Reading:
    """One reading of a location, within the allowance."""

    def __init__(self, asker: Asker, location: str, *, roots: Collection[str], allowance: Allowance) -> None:
        self._asker = asker
        self._location = location
        self._roots = roots
        self._allowance = allowance

    def report(self) -> LocationReport | None:
        """Answer what the location serves, None when there is none. Raises Moved and what asking raises."""
        data = self._asker.ask(queries.location, {"location": self._location}, allowance=self._allowance)
        with self._asker.understanding():
            entry = entry_of(self._asker, data)
            if entry is None:
                return None
            loaded = entry["locationOrLoadError"]
            # Loaded with neither definitions nor an error exists for a moment only.
            if entry["loadStatus"] == "LOADING" or loaded is None:
                raise PlatformUnreachable(
                    "platform_loading",
                    f"{self._asker.name} is still loading {self._location}: ask again in a moment.",
                )
            if loaded["__typename"] == "PythonError":
                return self._failed(entry, loaded)
            return self._loaded(data, entry)

    def _loaded(self, data: dict[str, Any], entry: dict[str, Any]) -> LocationReport:
        loaded = entry["locationOrLoadError"]
        metadata = _metadata_of(entry)
        release = below([*self._roots, metadata.get("working_directory", "")])
        assets = [
            asset_form(node, repository=repository["name"], release=release)
            for repository in loaded["repositories"]
            for node in self._assets(repository["name"], str(entry["versionKey"]), data)
        ]
        form = location_form(loaded["repositories"], assets)
        written = canonical_json(form)
        return LocationReport(
            version_key=str(entry["versionKey"]),
            server_id=loaded.get("serverId") or server_id(entry["versionKey"]),
            error=None,
            definitions_digest=hashlib.sha256(written).hexdigest(),
            asset_count=sum(not asset["is_stub"] for asset in assets),
            metadata=metadata,
            raw={**form, "dagster_version": str(data["version"])},
            written=written,
            placeless=placeless(metadata, anywhere_below(self._roots)),
            missing=self._asker.schema.missing(),
        )

    def _failed(self, entry: Mapping[str, Any], error: Mapping[str, Any]) -> LocationReport:
        metadata = _metadata_of(entry)
        return LocationReport(
            version_key=str(entry["versionKey"]),
            server_id=None,
            error=load_error(error),
            definitions_digest=None,
            asset_count=0,
            metadata=metadata,
            placeless=placeless(metadata, anywhere_below(self._roots)),
            missing=self._asker.schema.missing(),
        )

    def _assets(self, repository: str, version_key: str, told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the repository's asset nodes as GraphQL tells them; `told` says which newer fields there are."""

        def question(schema: Schema) -> str:
            return queries.assets(schema.told_newer(told))

        paged = queries.is_paged(self._asker.schema.told_newer(told))
        variables: dict[str, Any] = {"location": self._location, "repository": repository}
        if paged:
            variables |= {"limit": PAGE, "cursor": None}
        for _ in range(MAX_PAGES):
            data = self._asker.ask(
                question, variables, allowance=self._allowance, patience=1.0 if paged else UNPAGED_PATIENCE
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
        raise self._asker.odd(f"does not stop answering pages of assets of {self._location}.")

    def _repository_of(self, data: dict[str, Any], version_key: str) -> dict[str, Any]:
        """Answer the repository, if the page is still of the load that we began with. Raises Moved."""
        entry = entry_of(self._asker, data)
        if entry is None or str(entry["versionKey"]) != version_key:
            raise Moved
        repository: dict[str, Any] = data["repositoryOrError"]
        if repository["__typename"] != "Repository":
            raise self._asker.odd(f"could not list assets: {gist(repository)}.")
        return repository


def entry_of(asker: Asker, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Answer the location's entry in the answer, None when there is no such location. Raises PlatformUnreachable."""
    entry: dict[str, Any] | None = data["workspaceLocationEntryOrError"]
    if entry is not None and entry["__typename"] == "PythonError":
        raise asker.odd(f"could not read its workspace: {gist(entry)}.")
    return entry


def server_id(version_key: str | float) -> str | None:
    """Read the code server's id out of `["<server_id>", <image>]`, or out of the plain id of older versions.

    A failed load, and any load of a Dagster without version keys, has the plain number of its time there: None.
    """
    try:
        read = json.loads(str(version_key))
    except ValueError:
        return str(version_key) or None
    return str(read[0]) if isinstance(read, list) and read else None


def _metadata_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Answer what the location shows of itself, library versions as `library/<name>`."""
    loaded = entry["locationOrLoadError"]
    shown = {item["key"]: item["value"] for item in entry.get("displayMetadata") or []}
    libraries = {
        f"library/{library['name']}": library["version"] for library in loaded.get("dagsterLibraryVersions") or []
    }
    return {plain(name): plain(_presentable(str(value))) for name, value in (shown | libraries).items()}


def _presentable(value: str) -> str:
    """Answer the value as everybody may read it: an address of a repository without user and password."""
    return without_credentials(value) if "@" in value.partition("://")[2] else value
