"""Dagsters of several ages, as far as we ask them: their schemas, and one that serves two locations."""

import copy
import json
from typing import Any

from deployments.platforms.dagster_schema import VARIANTS
from tests.platforms.graphql_server import GraphQLServer, Types

_NAMED: dict[str, str | None] = {"name": None}
_ASSET_VALUES = "opVersion groupName kinds description isMaterializable isObservable isExecutable jobNames pools"

V1_9: Types = {
    "Query": {
        "version": None,
        "workspaceOrError": "WorkspaceOrError",
        "workspaceLocationEntryOrError": "WorkspaceLocationEntryOrError",
        "locationStatusesOrError": "WorkspaceLocationStatusEntriesOrError",
        "repositoryOrError": "RepositoryOrError",
    },
    "Mutation": {"reloadRepositoryLocation": "ReloadResult", "reloadWorkspace": "ReloadWorkspaceResult"},
    "WorkspaceOrError": {},
    "WorkspaceLocationEntryOrError": {},
    "WorkspaceLocationStatusEntriesOrError": {},
    "RepositoryOrError": {},
    "RepositoryLocationOrLoadError": {},
    "ReloadResult": {},
    "ReloadWorkspaceResult": {},
    "ReloadNotSupported": {"message": None},
    "RepositoryLocationNotFound": {"message": None},
    "UnauthorizedError": {"message": None},
    "PythonError": {"message": None, "className": None, "stack": None, "errorChain": "ErrorChainLink"},
    "ErrorChainLink": {"error": "PythonError"},
    "Workspace": {"locationEntries": "WorkspaceLocationEntry"},
    "WorkspaceLocationEntry": {
        "name": None,
        "loadStatus": None,
        "updatedTimestamp": None,
        "versionKey": None,
        "displayMetadata": "RepositoryMetadata",
        "permissions": "Permission",
        "locationOrLoadError": "RepositoryLocationOrLoadError",
    },
    "WorkspaceLocationStatusEntries": {"entries": "WorkspaceLocationStatusEntry"},
    "WorkspaceLocationStatusEntry": {"name": None, "loadStatus": None, "updateTimestamp": None, "versionKey": None},
    "RepositoryMetadata": {"key": None, "value": None},
    "Permission": {"permission": None, "value": None},
    "RepositoryLocation": {
        "serverId": None,
        "dagsterLibraryVersions": "DagsterLibraryVersion",
        "repositories": "Repository",
    },
    "DagsterLibraryVersion": {"name": None, "version": None},
    "Repository": {
        "name": None,
        "jobs": "Job",
        "schedules": "Schedule",
        "sensors": "Sensor",
        "assetNodes": "AssetNode",
    },
    "Job": _NAMED,
    "Schedule": {"name": None, "cronSchedule": None, "executionTimezone": None, "pipelineName": None},
    "Sensor": {"name": None, "sensorType": None},
    "AssetKey": {"path": None},
    "AssetNode": {
        **dict.fromkeys(_ASSET_VALUES.split()),
        "assetKey": "AssetKey",
        "tags": "DefinitionTag",
        "owners": "AssetOwner",
        "dependencyKeys": "AssetKey",
        "dependencies": "AssetDependency",
        "partitionDefinition": "PartitionDefinition",
        "backfillPolicy": "BackfillPolicy",
        "automationCondition": "AutomationCondition",
        "metadataEntries": "MetadataEntry",
    },
    "DefinitionTag": {"key": None, "value": None},
    "AssetOwner": {},
    "AssetDependency": {"asset": "AssetNode", "partitionMapping": "PartitionMapping"},
    "PartitionMapping": {"className": None, "description": None},
    "PartitionDefinition": {
        **dict.fromkeys(("name", "type", "fmt", "description")),
        "dimensionTypes": "DimensionDefinitionType",
    },
    "DimensionDefinitionType": dict.fromkeys(
        ("name", "type", "description", "isPrimaryDimension", "dynamicPartitionsDefinitionName")
    ),
    "BackfillPolicy": {"policyType": None, "maxPartitionsPerRun": None},
    "AutomationCondition": {"label": None, "expandedLabel": None},
    "MetadataEntry": {"label": None},
    "FloatMetadataEntry": {"floatValue": None},
    **{name: dict.fromkeys(fields.split()) for name, fields in VARIANTS.items() if "{" not in fields},
    "AssetMetadataEntry": {"assetKey": "AssetKey"},
    "TableMetadataEntry": {"table": "Table"},
    "TableSchemaMetadataEntry": {"schema": "TableSchema"},
    "TableColumnLineageMetadataEntry": {"lineage": "TableColumnLineageEntry"},
    "TableColumnLineageEntry": {"columnName": None, "columnDeps": "TableColumnDep"},
    "TableColumnDep": {"assetKey": "AssetKey", "columnName": None},
    "Table": {"records": None, "schema": "TableSchema"},
    "TableSchema": {"constraints": "TableConstraints", "columns": "TableColumn"},
    "TableConstraints": {"other": None},
    "TableColumn": {
        **dict.fromkeys(("name", "type", "description")),
        "tags": "DefinitionTag",
        "constraints": "TableColumnConstraints",
    },
    "TableColumnConstraints": {"nullable": None, "unique": None, "other": None},
}
# What a Dagster of the middle of 2023 did not have yet.
V1_5_LACKS = (
    "WorkspaceLocationEntry.versionKey",
    "WorkspaceLocationStatusEntry.versionKey",
    "AssetNode.kinds",
    "AssetNode.tags",
    "AssetNode.owners",
    "AssetNode.pools",
    "AssetNode.automationCondition",
    "PartitionDefinition.fmt",
    "TableColumn.tags",
    "AssetOwner",
    "UserAssetOwner",
    "TeamAssetOwner",
    "TableColumnLineageMetadataEntry",
)


def older(*lacks: str) -> Types:
    """Answer the schema of 1.9 without the types and fields named."""
    types = copy.deepcopy(V1_9)
    for name in lacks:
        of, _, field = name.partition(".")
        if field:
            del types[of][field]
        else:
            del types[of]
    return types


class OfAnAge(GraphQLServer):
    """A Dagster with the schema, whose code location `orders` serves one asset and `billing` failed to load."""

    def __init__(self, types: Types, *, may_reload: bool = True) -> None:
        self.entries = [_entry("orders", 1700000000.25, _loaded()), _entry("billing", 1700000001.5, _failed())]
        for entry in self.entries:
            entry["permissions"] = [
                {"permission": "launch_pipeline_execution", "value": not may_reload},
                {"permission": "reload_repository_location", "value": may_reload},
            ]
        by_name = {entry["name"]: entry for entry in self.entries}
        statuses = [{**entry, "updateTimestamp": entry["updatedTimestamp"]} for entry in self.entries]
        super().__init__(
            types,
            {
                "version": lambda variables: "1.9.13",
                "workspaceOrError": lambda variables: {"__typename": "Workspace", "locationEntries": self.entries},
                "workspaceLocationEntryOrError": lambda variables: by_name.get(variables.get("location", "")),
                "locationStatusesOrError": lambda variables: {
                    "__typename": "WorkspaceLocationStatusEntries",
                    "entries": [{**status, "__typename": "WorkspaceLocationStatusEntry"} for status in statuses],
                },
                "repositoryOrError": lambda variables: {"__typename": "Repository", "assetNodes": [_asset(types)]},
                "reloadRepositoryLocation": lambda variables: by_name.get(variables.get("location", "")),
                "reloadWorkspace": lambda variables: {"__typename": "Workspace", "locationEntries": self.entries},
            },
        )


def _entry(name: str, at: float, loaded: dict[str, Any]) -> dict[str, Any]:
    return {
        "__typename": "WorkspaceLocationEntry",
        "name": name,
        "loadStatus": "LOADED",
        "updatedTimestamp": at,
        "versionKey": json.dumps(["server-1", None]) if "serverId" in loaded else str(at),
        "displayMetadata": [{"key": "working_directory", "value": f"/srv/{name}/releases/7-ab"}],
        "locationOrLoadError": loaded,
    }


def _loaded() -> dict[str, Any]:
    repository = {
        "__typename": "Repository",
        "name": "__repository__",
        "jobs": [{"name": "nightly"}],
        "schedules": [{"name": "at_night", "cronSchedule": "0 2 * * *", "executionTimezone": "UTC"}],
        "sensors": [{"name": "watcher", "sensorType": "STANDARD"}],
    }
    return {
        "__typename": "RepositoryLocation",
        "serverId": "server-1",
        "dagsterLibraryVersions": [{"name": "dagster", "version": "1.9.13"}],
        "repositories": [repository],
    }


def _failed() -> dict[str, Any]:
    error = {"__typename": "PythonError", "className": "ValueError", "message": "ValueError: no", "stack": []}
    return {**error, "errorChain": []}


def _asset(types: Types) -> dict[str, Any]:
    parent = {"path": ["raw"]}
    entries: list[dict[str, Any]] = [
        {"__typename": "FloatMetadataEntry", "label": "ratio", "floatValue": 0.5},
        {
            "__typename": "TableSchemaMetadataEntry",
            "label": "columns",
            "schema": {"constraints": None, "columns": [{"name": "id", "tags": [{"key": "pii", "value": ""}]}]},
        },
        {"__typename": "UrlMetadataEntry", "label": "docs", "url": "https://example.com"},
    ]
    return {
        "__typename": "AssetNode",
        "assetKey": {"path": ["orders"]},
        "opVersion": "3",
        "groupName": "core",
        "kinds": ["dbt"],
        "owners": [{"__typename": "TeamAssetOwner", "team": "data"}],
        "tags": [{"key": "tier", "value": "gold"}],
        "dependencyKeys": [parent],
        "dependencies": [
            {"asset": {"assetKey": parent}, "partitionMapping": {"className": "All", "description": "all"}}
        ],
        "partitionDefinition": {
            "type": "MULTIPARTITIONED",
            "description": "two",
            "name": "regions",
            "fmt": "%Y",
            "dimensionTypes": [{"name": "day", "type": "TIME_WINDOW", "description": "daily"}],
        },
        "metadataEntries": [entry for entry in entries if entry["__typename"] in types],
    }
