"""A small Dagster project in releases behind a symlink, and a workspace that reads it in several ways."""

import os
from pathlib import Path

GOOD = """
from pathlib import Path
import dagster as dg

VERSION = "{version}"

@dg.asset(
    key=["db", "orders"],
    code_version=VERSION,
    group_name="core",
    owners=["ann@example.com", "team:data"],
    kinds={{"python", "duckdb"}},
    tags={{"tier": "gold", "area": "sales"}},
    partitions_def=dg.DailyPartitionsDefinition("2024-01-01"),
    metadata={{
        "ratio": float("nan"),
        "file": dg.MetadataValue.path(__file__),
        "shape": dg.MetadataValue.json({{"b": [1, float("inf")], "a": None}}),
        "dagster/column_schema": dg.TableSchema([dg.TableColumn("id", "int", tags={{"pii": ""}})]),
    }},
)
def orders(): ...

@dg.asset(deps=[orders, dg.AssetKey("outside")], automation_condition=dg.AutomationCondition.eager())
def report(): ...

job = dg.define_asset_job("nightly", [orders])

@dg.sensor(job=job)
def watcher(): ...

assets = dg.with_source_code_references([orders, report{more}])
defs = dg.Definitions(assets=assets, jobs=[job], sensors=[watcher],
                      schedules=[dg.ScheduleDefinition(name="at_night", job=job, cron_schedule="0 2 * * *")])
"""
BROKEN = "import a_module_that_is_not_there\n"


class Project:
    """`releases/<name>` directories, and `current`, which points at one of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.current = root / "current"
        more = ", dg.AssetSpec('added_later')"
        self._write("v1", GOOD.format(version="1", more=""))
        self._write("v1-again", GOOD.format(version="1", more=""))
        self._write("v2", GOOD.format(version="2", more=more))
        self._write("v3", BROKEN)
        self.put("v1")

    def put(self, name: str) -> None:
        """Let `current` point at the release: atomically, as a deploy does."""
        link = self.root / "current.new"
        link.symlink_to(self.root / "releases" / name)
        os.replace(link, self.current)

    def python_file(self, name: str, directory: Path) -> str:
        """Answer the workspace's lines for a location whose code servers the webserver starts itself."""
        return (
            f"  - python_file: {{relative_path: {directory}/defs.py, working_directory: {directory}, "
            f"location_name: {name}}}\n"
        )

    def grpc_server(self, name: str, port: int) -> str:
        """Answer the workspace's lines for a location that is served on the port."""
        return f"  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {name}}}\n"

    def workspace(self, name: str, *locations: str) -> Path:
        """Write a workspace.yaml of the locations' lines."""
        path = self.root / f"{name}.yaml"
        path.write_text("load_from:\n" + "".join(locations))
        return path

    def _write(self, name: str, defs: str) -> None:
        release = self.root / "releases" / name
        release.mkdir(parents=True)
        (release / "defs.py").write_text(defs)
