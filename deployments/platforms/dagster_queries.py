"""What we ask Dagster's GraphQL server. Checked against the schemas of 1.9.13 and 1.13.27."""

from deployments.platforms.dagster_schema import NEWER, Schema, types_of

VERSION = "query LastgoodVersion { version }"

# The mutations ask only for what belongs to the answer itself: anything deeper is answered from before the
# reload, and after a broken release with HTTP 500. What they ask for is as old as they are.
RELOAD = """
mutation LastgoodReload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry { name loadStatus }
    ... on ReloadNotSupported { message }
    ... on RepositoryLocationNotFound { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
RELOAD_ALL = """
mutation LastgoodReloadAll {
  reloadWorkspace {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""

_ERROR = "message className stack errorChain { error { message className stack } }"
_NO_REPOSITORY = '{ repositoryLocationName: "", repositoryName: "" }'
_PERMISSIONS = "permissions { permission value }"
# Checked like all of the question, and never executed.
_UNASKED = "@skip(if: true)"


def status(schema: Schema) -> str:
    """Ask for one location's cheap status."""
    return f"""
    query LastgoodStatus($location: String!) {{
      workspaceLocationEntryOrError(name: $location) {{
        __typename
        ... on WorkspaceLocationEntry {{ loadStatus {_version_key(schema)} }}
        ... on PythonError {{ message }}
      }}
    }}
    """


def statuses(schema: Schema) -> str:
    """Ask for every location's cheap status."""
    return f"query LastgoodStatuses {{ {_statuses(schema)} }}"


def connection(schema: Schema) -> str:
    """Ask what there is and what we may do; refused by a Dagster that could not answer all our other questions."""
    return f"""
    query LastgoodConnection {{
      version
      workspaceOrError {{
        __typename
        ... on Workspace {{
          locationEntries {{ name {schema.fields("WorkspaceLocationEntry", _PERMISSIONS)} }}
        }}
        ... on PythonError {{ message }}
      }}
      unaskedStatuses: {_statuses(schema, _UNASKED)}
      workspaceLocationEntryOrError(name: "") {_UNASKED} {{ {_location(schema)} }}
      repositoryOrError(repositorySelector: {_NO_REPOSITORY}) {_UNASKED} {{
        ... on Repository {{ assetNodes {{ {_asset_node(schema)} }} }}
      }}
    }}
    {_table_schema(schema)}
    """


def location(schema: Schema) -> str:
    """Ask what one location is, or why it failed, and which of the newer fields there are."""
    return f"""
    query LastgoodLocation($location: String!) {{
      version
      workspaceLocationEntryOrError(name: $location) {{ {_location(schema)} }}
      {types_of(NEWER)}
    }}
    """


def is_paged(schema: Schema) -> bool:
    """Say whether this Dagster can answer its assets page by page."""
    return schema.has("Repository.assetNodesConnection")


def assets(schema: Schema) -> str:
    """Ask for the assets of one repository: a page of them where there are pages."""
    arguments, nodes = "", f"assetNodes {{ {_asset_node(schema)} }}"
    if is_paged(schema):
        arguments = ", $limit: Int!, $cursor: String"
        page = f"cursor hasMore nodes {{ {_asset_node(schema)} }}"
        nodes = f"assetNodesConnection(limit: $limit, cursor: $cursor) {{ {page} }}"
    return f"""
    query LastgoodAssets($location: String!, $repository: String!{arguments}) {{
      workspaceLocationEntryOrError(name: $location) {{
        __typename
        ... on WorkspaceLocationEntry {{ {_version_key(schema)} }}
      }}
      repositoryOrError(
        repositorySelector: {{ repositoryLocationName: $location, repositoryName: $repository }}
      ) {{
        __typename
        ... on Repository {{ {nodes} }}
        ... on PythonError {{ message }}
      }}
    }}
    {_table_schema(schema)}
    """


def _version_key(schema: Schema) -> str:
    """Ask for what tells one load from the next: without version keys its time, which failed loads have there anyway."""
    return "versionKey" if schema.has("WorkspaceLocationEntry.versionKey") else "versionKey: updatedTimestamp"


def _statuses(schema: Schema, directive: str = "") -> str:
    """Answer the field that tells every status; its keys are those that the other questions are answered with."""
    keyed = schema.has("WorkspaceLocationEntry.versionKey")
    told = schema.has("Query.locationStatusesOrError")
    if told and (schema.has("WorkspaceLocationStatusEntry.versionKey") or not keyed):
        key = "versionKey" if keyed else "versionKey: updateTimestamp"
        return f"""locationStatusesOrError {directive} {{
          __typename
          ... on WorkspaceLocationStatusEntries {{ entries {{ name loadStatus {key} }} }}
          ... on PythonError {{ message }}
        }}"""
    return f"""workspaceOrError {directive} {{
      __typename
      ... on Workspace {{ entries: locationEntries {{ name loadStatus {_version_key(schema)} }} }}
      ... on PythonError {{ message }}
    }}"""


def _location(schema: Schema) -> str:
    entry = schema.fields("WorkspaceLocationEntry", "displayMetadata { key value }")
    loaded = schema.fields("RepositoryLocation", "serverId", "dagsterLibraryVersions { name version }")
    return f"""
    __typename
    ... on WorkspaceLocationEntry {{
      loadStatus {_version_key(schema)} {entry}
      locationOrLoadError {{
        __typename
        ... on PythonError {{ {_ERROR} }}
        ... on RepositoryLocation {{
          {loaded}
          repositories {{
            name
            jobs {{ name }}
            schedules {{ name cronSchedule pipelineName {schema.fields("Schedule", "executionTimezone")} }}
            sensors {{ name {schema.fields("Sensor", "sensorType")} }}
          }}
        }}
      }}
    }}
    ... on PythonError {{ message }}
    """


def _asset_node(schema: Schema) -> str:
    dimension = schema.fields("DimensionDefinitionType", "isPrimaryDimension", "dynamicPartitionsDefinitionName")
    partitions = schema.fields("PartitionDefinition", "name", "fmt")
    mapping = schema.fields("AssetDependency", "partitionMapping { className description }")
    told = schema.fields(
        "AssetNode",
        *("opVersion", "groupName", "kinds", "description", "jobNames", "pools"),
        *("isMaterializable", "isObservable", "isExecutable", "isAutoCreatedStub"),
        "tags { key value }",
        f"owners {{ __typename {schema.variants('AssetOwner')} }}",
        "dependencyKeys { path }",
        f"dependencies {{ asset {{ assetKey {{ path }} }} {mapping} }}",
        f"partitionDefinition {{ type description {partitions} dimensionTypes {{ name type description {dimension} }} }}",
        "backfillPolicy { policyType maxPartitionsPerRun }",
        "automationCondition { label expandedLabel }",
    )
    float_value = "floatRepr" if schema.has("FloatMetadataEntry.floatRepr") else "floatValue"
    pool = "... on PoolMetadataEntry { pool }" if schema.has("PoolMetadataEntry.pool") else ""
    return f"""
    assetKey {{ path }}
    {told}
    metadataEntries {{
      __typename label {schema.variants("MetadataEntry")} {pool}
      ... on FloatMetadataEntry {{ {float_value} }}
    }}
    """


def _table_schema(schema: Schema) -> str:
    """Answer the fragment of two kinds of metadata; GraphQL refuses one that nobody uses."""
    if not (schema.has("TableMetadataEntry") or schema.has("TableSchemaMetadataEntry")):
        return ""
    tags = schema.fields("TableColumn", "tags { key value }")
    return f"""
    fragment Schema on TableSchema {{
      constraints {{ other }}
      columns {{ name type description {tags} constraints {{ nullable unique other }} }}
    }}
    """
