"""A Dagster project that has one of everything that a snapshot tells."""

from pathlib import Path

EVERYTHING = '''
import os
import subprocess
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster import MetadataValue as M

from mappings import Every

print("The project prints while it is imported.")
subprocess.run(["echo", "So does a program that it starts."])

DAILY = dg.DailyPartitionsDefinition("2024-01-01", end_date="2025-01-01", minute_offset=15, timezone="Europe/Berlin")
AGAIN = dg.TimeWindowPartitionsDefinition(
    cron_schedule="15 0 * * *", start="2024-01-01", end="2025-01-01", fmt="%Y-%m-%d", timezone="Europe/Berlin"
)
HOURLY = dg.HourlyPartitionsDefinition("2024-01-01-00:00", end_offset=2)
HOLIDAYS = {} if "exclusions" not in dg.TimeWindowPartitionsDefinition._fields else {
    "exclusions": ["0 0 1 1 *", datetime(2024, 12, 25)]
}
SHOPS = dg.StaticPartitionsDefinition(["north", "south", "east"])
MULTI = dg.MultiPartitionsDefinition({"shop": SHOPS, "day": DAILY})
BY_NAME = dg.MultiPartitionsDefinition({"name": dg.DynamicPartitionsDefinition(name="names"), "shop": SHOPS})
SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "int", description="The key", tags={"pii": "", "a": "b"},
                       constraints=dg.TableColumnConstraints(nullable=False, unique=True, other=["> 0"])),
        dg.TableColumn("name"),
    ],
    constraints=dg.TableConstraints(other=["id < 10"]),
)


class Unknown:
    pass


METADATA = {
    "a text": "select 1",
    "an odd text": "nothing, as \\0, and ✓",
    "a raw path": Path(__file__).parent / "model.sql",
    "a text that is a path": str(Path(__file__).parent / "model.sql"),
    "the project": str(Path(__file__).parent),
    "a path elsewhere": M.path("/etc/hosts"),
    "a url": M.url("https://example.com/{a}"),
    "a notebook": M.notebook(str(Path(__file__).with_name("notes.ipynb"))),
    "json": {"b": [1, float("inf"), None], "a": {"z": True, "a": float("nan")}, "file": __file__, "3": 1.5},
    "a list": [3, 2, 1],
    "markdown": M.md("# Head\\n- item"),
    "a python artifact": M.python_artifact(os.path.join),
    "a float": 0.1,
    "a whole float": 3.0,
    "nan": float("nan"), "infinity": float("inf"), "minus infinity": float("-inf"),
    "int": 3, "a large int": 12345678901234567890,
    "yes": True, "no": False,
    "a time": M.timestamp(1704067200.25),
    "a run": M.dagster_run("11111111-2222-3333-4444-555555555555"),
    "an asset": M.asset(dg.AssetKey(["db", "plain"])),
    "a job": M.job("nightly", location_name="everything", repository_name="__repository__"),
    "a table": M.table(records=[dg.TableRecord({"id": 1, "name": "a"}), dg.TableRecord({"id": 2, "name": None})],
                       schema=SCHEMA),
    "dagster/column_schema": SCHEMA,
    "dagster/column_lineage": dg.TableColumnLineage({
        "name": [dg.TableColumnDep(dg.AssetKey(["db", "plain"]), "name"), dg.TableColumnDep(dg.AssetKey("x"), "y")],
        "id": [],
    }),
    "null": M.null(),
    "dagster/row_count": 7,
    "dagster/table_name": "db.public.everything",
}
# Newer than 1.9.
if hasattr(M, "pool"):
    METADATA["a pool"] = M.pool("the pool")


@dg.asset(key=["db", "plain"])
def plain(): ...


@dg.asset(
    key=["db", "everything"], group_name="core", code_version="3", metadata=METADATA,
    kinds={"python", "duckdb", "dbt"}, tags={"tier": "gold", "area": "sales", "empty": ""},
    owners=["team:data", "ann@example.com", "team:b"], deps=["outside", plain, dg.AssetKey(["a", "b", "outside"])],
)
def everything():
    """All that there is.

    In two paragraphs."""


@dg.asset(compute_kind="pandas", description="Of old", code_version="")
def of_old(): ...


daily = dg.AssetSpec("daily", partitions_def=DAILY)
again = dg.AssetSpec("again", partitions_def=AGAIN)
holidays = dg.AssetSpec("holidays", partitions_def=dg.DailyPartitionsDefinition("2024-01-01", **HOLIDAYS))
hourly = dg.AssetSpec("hourly", partitions_def=HOURLY)
by_shop = dg.AssetSpec("by_shop", partitions_def=SHOPS)
multi = dg.AssetSpec("multi", partitions_def=MULTI)
by_name = dg.AssetSpec("by_name", partitions_def=BY_NAME)
dynamic = dg.AssetSpec("dynamic", partitions_def=dg.DynamicPartitionsDefinition(name="names"))


def after(name, partitions, parent, mapping):
    @dg.asset(name=name, partitions_def=partitions, deps=[dg.AssetDep(parent, partition_mapping=mapping)])
    def made(): ...

    return made


MAPPED = [
    after("last", DAILY, daily, dg.LastPartitionMapping()),
    after("all", DAILY, daily, dg.AllPartitionMapping()),
    after("same", DAILY, daily, dg.IdentityPartitionMapping()),
    after("week", DAILY, daily, dg.TimeWindowPartitionMapping(start_offset=-6, allow_nonexistent_upstream_partitions=True)),
    after("some", DAILY, by_shop, dg.SpecificPartitionsPartitionMapping(["north", "south"])),
    after("sets", SHOPS, by_shop,
          dg.StaticPartitionMapping({"north": {"south", "east", "north"}, "south": "south", "east": ["east"]})),
    after("one", DAILY, multi, dg.MultiToSingleDimensionPartitionMapping("day")),
    after("both", MULTI, multi, dg.MultiPartitionMapping({
        "shop": dg.DimensionPartitionMapping("shop", dg.IdentityPartitionMapping()),
        "day": dg.DimensionPartitionMapping("day", dg.TimeWindowPartitionMapping(start_offset=-1)),
    })),
    after("both_again", MULTI, multi, dg.MultiPartitionMapping({
        "day": dg.DimensionPartitionMapping("day", dg.TimeWindowPartitionMapping(start_offset=-1)),
        "shop": dg.DimensionPartitionMapping("shop", dg.IdentityPartitionMapping()),
    })),
    after("own", DAILY, daily, Every()),
    after("unpartitioned", None, plain, dg.AllPartitionMapping()),
    after("not_mapped", DAILY, daily, None),
]


@dg.multi_asset(specs=[dg.AssetSpec("left", group_name="pair", deps=[plain]),
                       dg.AssetSpec("right", group_name="pair", deps=["left"], tags={"side": "r"})], can_subset=True)
def pair(): ...


@dg.op
def number():
    return 1


@dg.op(tags={"dagster/compute_kind": "graph kind"})
def add(number):
    return number


@dg.graph_asset(metadata={"nested": {"deep": [str(Path(__file__))]}})
def graph():
    return add(number())


@dg.observable_source_asset(metadata={"watched": M.text("yes")})
def watched():
    return dg.DataVersion("1")


seen = dg.SourceAsset("seen", group_name="sources", description="Seen from outside", partitions_def=SHOPS)
assets = [plain, everything, of_old, daily, again, holidays, hourly, by_shop, multi, by_name, dynamic, pair, graph, watched, seen]
defs = dg.Definitions(
    assets=[*dg.with_source_code_references([*assets, *MAPPED])],
    jobs=[dg.define_asset_job("nightly", ["of_old"])],
)
'''
MAPPINGS = '''
import dagster as dg
from dagster import PartitionMapping


class Every(PartitionMapping):
    """A mapping that Dagster does not know."""

    @property
    def description(self):
        return f"Every one, says {object()}"

    def get_downstream_partitions_for_partitions(self, *args, **kwargs): ...
    def get_upstream_mapped_partitions_result_for_partitions(self, *args, **kwargs): ...
    def validate_partition_mapping(self, *args, **kwargs): ...
'''


# Small ones, of one file.
ONE = "import dagster as dg\none = dg.Definitions(assets=[dg.AssetSpec('one')])\n"
TWO = ONE + "two = dg.Definitions(assets=[dg.AssetSpec('two')])\n"
LAZY = "import dagster as dg\n@dg.definitions\ndef defs():\n    return dg.Definitions(assets=[dg.AssetSpec('one')])\n"
MADE = "import dagster as dg\ndef make():\n    return dg.Definitions(assets=[dg.AssetSpec('one')])\n"
BARE = "import dagster as dg\n@dg.asset\ndef one(): ...\n"
UNNAMED = """
import dagster as dg
from mappings import Every
@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(lambda _: ["a"]))
def upstream(): ...
class Sets(Every):
    def __repr__(self):
        return repr({"x", "y", "z"})
@dg.asset(deps=[dg.AssetDep(upstream, partition_mapping=Sets())])
def downstream(): ...
"""
CLASH = """
import dagster as dg
@dg.op
def one(): ...
@dg.job
def run():
    one()
@dg.asset(name="one")
def another(): ...
defs = dg.Definitions(assets=[another], jobs=[run])
"""
REPOSITORIES = """
import dagster as dg
@dg.asset
def one(): ...
@dg.repository
def first():
    return [one]
@dg.repository
def second():
    return []
"""


def write(root: Path) -> Path:
    """Write the project into the directory, and answer it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "definitions.py").write_text(EVERYTHING)
    (root / "mappings.py").write_text(MAPPINGS)
    return root
