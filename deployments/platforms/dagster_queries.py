"""What we ask Dagster's GraphQL server. Checked against the schemas of 1.9.13 and 1.13.27."""

from collections.abc import Collection, Mapping

VERSION = "query LastgoodVersion { version }"

STATUS = """
query LastgoodStatus($location: String!) {
  workspaceLocationEntryOrError(name: $location) {
    __typename
    ... on WorkspaceLocationEntry { loadStatus versionKey }
    ... on PythonError { message }
  }
}
"""

_ERROR = "message className stack errorChain { error { message className stack } }"

# The __type parts tell which of the fields that came with newer versions this Dagster knows.
LOCATION = f"""
query LastgoodLocation($location: String!) {{
  version
  workspaceLocationEntryOrError(name: $location) {{
    __typename
    ... on WorkspaceLocationEntry {{
      loadStatus versionKey
      displayMetadata {{ key value }}
      locationOrLoadError {{
        __typename
        ... on PythonError {{ {_ERROR} }}
        ... on RepositoryLocation {{
          serverId
          dagsterLibraryVersions {{ name version }}
          repositories {{
            name
            jobs {{ name }}
            schedules {{ name cronSchedule executionTimezone pipelineName }}
            sensors {{ name sensorType }}
          }}
        }}
      }}
    }}
    ... on PythonError {{ message }}
  }}
  Repository: __type(name: "Repository") {{ fields {{ name }} }}
  AssetNode: __type(name: "AssetNode") {{ fields {{ name }} }}
  FloatMetadataEntry: __type(name: "FloatMetadataEntry") {{ fields {{ name }} }}
  PoolMetadataEntry: __type(name: "PoolMetadataEntry") {{ fields {{ name }} }}
}}
"""

# Only what belongs to the entry itself: anything deeper is answered from before the reload, and after a
# broken release with HTTP 500.
RELOAD = """
mutation LastgoodReload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry { loadStatus versionKey }
    ... on ReloadNotSupported { message }
    ... on RepositoryLocationNotFound { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""

_ASSET_NODE = """
  assetKey { path }
  opVersion groupName kinds description
  isMaterializable isObservable isExecutable %(stub)s
  tags { key value }
  owners { __typename ... on UserAssetOwner { email } ... on TeamAssetOwner { team } }
  dependencyKeys { path }
  dependencies { asset { assetKey { path } } partitionMapping { className description } }
  jobNames pools
  partitionDefinition {
    name type fmt description
    dimensionTypes { name type description isPrimaryDimension dynamicPartitionsDefinitionName }
  }
  backfillPolicy { policyType maxPartitionsPerRun }
  automationCondition { label expandedLabel }
  metadataEntries {
    __typename label
    ... on TextMetadataEntry { text }
    ... on UrlMetadataEntry { url }
    ... on PathMetadataEntry { path }
    ... on NotebookMetadataEntry { path }
    ... on MarkdownMetadataEntry { mdStr }
    ... on JsonMetadataEntry { jsonString }
    ... on PythonArtifactMetadataEntry { module name }
    ... on FloatMetadataEntry { %(float)s }
    ... on IntMetadataEntry { intRepr }
    ... on BoolMetadataEntry { boolValue }
    ... on TimestampMetadataEntry { timestamp }
    ... on PipelineRunMetadataEntry { runId }
    ... on AssetMetadataEntry { assetKey { path } }
    ... on JobMetadataEntry { jobName repositoryName locationName }
    ... on TableMetadataEntry { table { records schema { ...Schema } } }
    ... on TableSchemaMetadataEntry { schema { ...Schema } }
    ... on TableColumnLineageMetadataEntry {
      lineage { columnName columnDeps { assetKey { path } columnName } }
    }
    %(pool)s
  }
"""

_ASSETS = """
query LastgoodAssets($location: String!, $repository: String!%(arguments)s) {
  workspaceLocationEntryOrError(name: $location) {
    __typename
    ... on WorkspaceLocationEntry { versionKey }
  }
  repositoryOrError(
    repositorySelector: { repositoryLocationName: $location, repositoryName: $repository }
  ) {
    __typename
    ... on Repository { %(nodes)s }
    ... on PythonError { message }
  }
}

fragment Schema on TableSchema {
  constraints { other }
  columns { name type description tags { key value } constraints { nullable unique other } }
}
"""


def is_paged(known: Mapping[str, Collection[str]]) -> bool:
    """Say whether this Dagster can answer its assets page by page. `known` is type → its fields."""
    return "assetNodesConnection" in known["Repository"]


def assets_query(known: Mapping[str, Collection[str]]) -> str:
    """Answer the query for the assets of one repository that fits what this Dagster knows."""
    node = _ASSET_NODE % {
        "stub": "isAutoCreatedStub" if "isAutoCreatedStub" in known["AssetNode"] else "",
        "float": "floatRepr" if "floatRepr" in known["FloatMetadataEntry"] else "floatValue",
        "pool": "... on PoolMetadataEntry { pool }" if known["PoolMetadataEntry"] else "",
    }
    if not is_paged(known):
        return _ASSETS % {"arguments": "", "nodes": f"assetNodes {{ {node} }}"}
    page = f"assetNodesConnection(limit: $limit, cursor: $cursor) {{ cursor hasMore nodes {{ {node} }} }}"
    return _ASSETS % {"arguments": ", $limit: Int!, $cursor: String", "nodes": page}
