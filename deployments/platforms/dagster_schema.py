"""Which of the fields that we ask for this Dagster has, and what we do without the others.

Names are `Type.field`, or `Type` for a type that is asked for as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Came after 1.9. A question that says which of them there are costs less than one that fails without them.
NEWER = (
    "Repository.assetNodesConnection",
    "AssetNode.isAutoCreatedStub",
    "FloatMetadataEntry.floatRepr",
    "PoolMetadataEntry.pool",
)
# What 1.9 has and an older Dagster may not, and what to say then; nothing where we find it out in another way.
TOLD_SINCE_1_9 = {
    "Query.locationStatusesOrError": "",
    "WorkspaceLocationStatusEntry.versionKey": "",
    "WorkspaceLocationEntry.versionKey": "version keys: loads are told apart by their time",
    "WorkspaceLocationEntry.permissions": "what we may do: whether reloads are allowed shows when one is asked for",
    "WorkspaceLocationEntry.displayMetadata": "the image and the directory of a location",
    "RepositoryLocation.serverId": "which code server answers: only the version key shows that a location was reloaded",
    "RepositoryLocation.dagsterLibraryVersions": "the versions of a location's libraries",
    "Schedule.executionTimezone": "the time zones of schedules",
    "Sensor.sensorType": "the types of sensors",
    "AssetNode.opVersion": "code versions of assets",
    "AssetNode.groupName": "groups of assets",
    "AssetNode.kinds": "kinds of assets",
    "AssetNode.description": "descriptions of assets",
    "AssetNode.isMaterializable": "which assets can be materialized",
    "AssetNode.isObservable": "which assets can be observed",
    "AssetNode.isExecutable": "which assets can be executed",
    "AssetNode.tags": "tags of assets",
    "AssetNode.owners": "owners of assets",
    "AssetNode.dependencyKeys": "",  # the dependencies name them too
    "AssetNode.dependencies": "how partitions of assets depend on each other",
    "AssetDependency.partitionMapping": "how partitions of assets depend on each other",
    "AssetNode.jobNames": "which jobs an asset belongs to",
    "AssetNode.pools": "pools of assets",
    "AssetNode.partitionDefinition": "partitions of assets",
    "PartitionDefinition.name": "names of dynamic partitions",
    "PartitionDefinition.fmt": "formats of partitions by time",
    "DimensionDefinitionType.isPrimaryDimension": "which dimension of partitions is the primary one",
    "DimensionDefinitionType.dynamicPartitionsDefinitionName": "names of dynamic dimensions of partitions",
    "AssetNode.backfillPolicy": "backfill policies of assets",
    "AssetNode.automationCondition": "automation conditions of assets",
    "TableColumn.tags": "tags of columns",
}
# Types of one thing among several: where Dagster does not know the type, it has no such thing to tell.
VARIANTS = {
    "UserAssetOwner": "email",
    "TeamAssetOwner": "team",
    "TextMetadataEntry": "text",
    "UrlMetadataEntry": "url",
    "PathMetadataEntry": "path",
    "NotebookMetadataEntry": "path",
    "MarkdownMetadataEntry": "mdStr",
    "JsonMetadataEntry": "jsonString",
    "PythonArtifactMetadataEntry": "module name",
    "IntMetadataEntry": "intRepr",
    "BoolMetadataEntry": "boolValue",
    "TimestampMetadataEntry": "timestamp",
    "PipelineRunMetadataEntry": "runId",
    "AssetMetadataEntry": "assetKey { path }",
    "JobMetadataEntry": "jobName repositoryName locationName",
    "TableMetadataEntry": "table { records schema { ...Schema } }",
    "TableSchemaMetadataEntry": "schema { ...Schema }",
    "TableColumnLineageMetadataEntry": "lineage { columnName columnDeps { assetKey { path } columnName } }",
}


@dataclass(frozen=True)
class Schema:
    """What this Dagster can be asked. Without being told better: all that 1.9 has."""

    absent: frozenset[str] = frozenset(NEWER)

    def has(self, name: str) -> bool:
        """Say whether it knows the type or field."""
        return name not in self.absent

    def fields(self, of: str, *pieces: str) -> str:
        """Join the pieces of a selection whose field, the first word, the type has."""
        return " ".join(piece for piece in pieces if self.has(f"{of}.{piece.split()[0]}"))

    def variants(self, ending: str) -> str:
        """Answer the selections of all known types whose name has the ending."""
        known = (name for name in VARIANTS if name.endswith(ending) and self.has(name))
        return " ".join(f"... on {name} {{ {VARIANTS[name]} }}" for name in known)

    def told_newer(self, answer: Mapping[str, Any]) -> "Schema":
        """Answer the same, with what an answer to `types_of(NEWER)` says."""
        return Schema(self.absent - {*NEWER} | _absent(NEWER, answer))

    def missing(self) -> tuple[str, ...]:
        """Say what it cannot tell, a sentence each."""
        told = dict.fromkeys(words for name, words in TOLD_SINCE_1_9.items() if words and not self.has(name))
        return tuple(f"This Dagster does not tell {words}." for words in told)


def types_of(names: Iterable[str]) -> str:
    """Answer the part of a query that asks which fields the types of the names have."""
    types = sorted({name.partition(".")[0] for name in names} - {"Query"})
    return "\n".join(f'{name}: __type(name: "{name}") {{ fields {{ name }} }}' for name in types)


# For when a question was refused: everything that may be missing.
INTROSPECTION = f"""
query LastgoodSchema {{
  __schema {{ queryType {{ fields {{ name }} }} }}
  {types_of([*NEWER, *TOLD_SINCE_1_9, *VARIANTS])}
}}
"""


def introspected(answer: Mapping[str, Any]) -> Schema:
    """Read the answer to INTROSPECTION."""
    told = {**answer, "Query": answer["__schema"]["queryType"]}
    variants = {name for name in VARIANTS if told[name] is None}
    return Schema(_absent([*NEWER, *TOLD_SINCE_1_9], told) | variants)


def _absent(names: Iterable[str], told: Mapping[str, Any]) -> frozenset[str]:
    """Answer the names of fields that are not among those told; `told` is type → its fields, None for no such type."""
    fields = {
        name: {field["name"] for field in (told[name] or {}).get("fields") or []}
        for name in {name.partition(".")[0] for name in names}
    }
    return frozenset(name for name in names if name.partition(".")[2] not in fields[name.partition(".")[0]])
