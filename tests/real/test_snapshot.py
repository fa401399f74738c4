"""A snapshot by `lastgood snapshot`, in the environment of a real Dagster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.platforms.dagster import DagsterPlatform
from portal.dagster_env import ensure_dagster_env
from tests.real import snapshot_client, snapshot_project
from tests.real.dagster_server import DagsterServer
from tests.real.snapshot_client import Lastgood
from tests.real.snapshot_project import BARE, CLASH, LAZY, MADE, ONE, REPOSITORIES, TWO, UNNAMED

pytestmark = [pytest.mark.dagster, pytest.mark.xdist_group("dagster")]

PATIENCE = 60.0
CODE_REFERENCES = "dagster/code_references"
# A path that is the directory of the project, and not one below it: in the reader of GraphQL it may stay absolute.
ITSELF = "the project"
# What GraphQL calls the kinds of partitions.
WORDS = {"TIME_WINDOW": "time_window", "STATIC": "static", "DYNAMIC": "dynamic", "MULTIPARTITIONED": "multi"}

Assets = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def bin_dir() -> Path:
    return ensure_dagster_env(snapshot_client.ROOT / ".tools", say=print)


@pytest.fixture(scope="module")
def lastgood(bin_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Lastgood:
    return snapshot_client.install(tmp_path_factory.mktemp("client"), bin_dir)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot_project.write(tmp_path_factory.mktemp("project") / "everything")


@pytest.fixture(scope="module")
def raw(lastgood: Lastgood, project: Path) -> bytes:
    done = lastgood("snapshot", "-f", "definitions.py", cwd=project, PYTHONHASHSEED="1")
    assert done.returncode == 0, done.stderr
    assert b"The project prints" in done.stderr
    assert b"So does a program" in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def snapshot(raw: bytes) -> Assets:
    return by_key(json.loads(raw)["assets"])


@pytest.fixture(scope="module")
def graphql(bin_dir: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assets]:
    home = tmp_path_factory.mktemp("webserver")
    workspace = home / "workspace.yaml"
    entry = {
        "relative_path": f"{project}/definitions.py", "working_directory": str(project), "location_name": "everything",
    }  # fmt: skip
    workspace.write_text(json.dumps({"load_from": [{"python_file": entry}]}))
    server = DagsterServer(workspace, bin_dir=bin_dir, home=home)
    with server, DagsterPlatform(server.url, timeout=PATIENCE) as platform:
        report = platform.report("everything")
        assert report is not None
        assert report.error is None
        yield by_key(report.raw["assets"])


def by_key(assets: list[dict[str, Any]]) -> Assets:
    return {"/".join(asset["key"]): asset for asset in assets}


def test_has_the_assets_that_graphql_has(snapshot: Assets, graphql: Assets) -> None:
    assert snapshot.keys() == graphql.keys()
    assert {key for key, asset in snapshot.items() if asset["is_stub"]} == {"outside", "a/b/outside"}


@pytest.mark.parametrize("field", ["key", "group", "description", "kinds", "owners", "tags", "code_version", "is_stub"])
def test_says_of_each_asset_what_graphql_says(snapshot: Assets, graphql: Assets, field: str) -> None:
    for key, asset in snapshot.items():
        # The client says of no version, and Dagster's differ too, that there is none.
        assert asset[field] == (graphql[key][field] or None if field == "code_version" else graphql[key][field]), key


def test_tells_metadata_as_graphql_does(snapshot: Assets, graphql: Assets) -> None:
    for key, asset in snapshot.items():
        shown = graphql[key]["metadata"]
        told = {label: entry for label, entry in asset["metadata"].items() if label != CODE_REFERENCES}
        for metadata in (told, shown):
            metadata.pop(ITSELF, None)
        assert told == shown, key
    types = {entry["type"] for entry in snapshot["db/everything"]["metadata"].values()}
    assert types == {
        "Asset", "Bool", "CodeReferences", "Float", "Int", "Job", "Json", "Markdown", "Notebook", "Null", "Path",
        "PipelineRun", "Pool", "PythonArtifact", "Table", "TableColumnLineage", "TableSchema", "Text", "Timestamp",
        "Url",
    }  # fmt: skip


def test_names_the_parents_that_graphql_names_and_their_mappings(snapshot: Assets, graphql: Assets) -> None:
    for key, asset in snapshot.items():
        for dep, shown in zip(asset["deps"], graphql[key]["deps"], strict=True):
            assert dep["key"] == shown["key"], key
            # GraphQL is silent of mappings that are not Dagster's own, and of its own that have no parameters.
            if shown["partition_mapping"] or key not in {"own", "last", "all", "same"}:
                assert _class_of(dep) == _class_of(shown), key


def _class_of(dep: dict[str, Any]) -> str | None:
    return (dep["partition_mapping"] or {}).get("class")


@pytest.mark.parametrize("key", ["week", "some", "one", "both_again"])
def test_describes_a_mapping_in_the_words_of_graphql(snapshot: Assets, graphql: Assets, key: str) -> None:
    ours, shown = (assets[key]["deps"][0]["partition_mapping"] for assets in (snapshot, graphql))

    assert ours["description"] == shown["description"]


def test_has_partitions_of_the_kind_that_graphql_names(snapshot: Assets, graphql: Assets) -> None:
    for key, asset in snapshot.items():
        ours, shown = asset["partitions_def"], graphql[key]["partitions_def"]
        assert (ours is None) == (shown is None), key
        if ours is not None:
            assert ours["type"] == WORDS[shown["type"]], key
            assert ours.get("fmt") == shown.get("fmt"), key
            assert ours.get("name") == shown.get("name"), key
            assert _dimensions(ours) == [
                (each["name"], WORDS[each["type"]], each["dynamic_name"]) for each in shown.get("dimensions", [])
            ]


def _dimensions(definition: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [
        (each["name"], each["partitions_def"]["type"], each["partitions_def"].get("name"))
        for each in definition.get("dimensions", [])
    ]


def test_tells_partitions_exactly(snapshot: Assets) -> None:
    daily = {
        "type": "time_window", "cron_schedule": "15 0 * * *", "start": 1704063600.0, "end": 1735686000.0,
        "timezone": "Europe/Berlin", "fmt": "%Y-%m-%d", "end_offset": 0,
    }  # fmt: skip
    shops = {"type": "static", "keys": ["north", "south", "east"]}

    assert snapshot["daily"]["partitions_def"] == daily
    assert snapshot["again"]["partitions_def"] == daily
    assert snapshot["hourly"]["partitions_def"] == {
        "type": "time_window", "cron_schedule": "0 * * * *", "start": 1704067200.0, "end": None, "timezone": "UTC",
        "fmt": "%Y-%m-%d-%H:%M", "end_offset": 2,
    }  # fmt: skip
    assert snapshot["holidays"]["partitions_def"]["exclusions"] == [
        "0 0 1 1 *", {"timestamp": 1735084800.0, "timezone": "UTC"},
    ]  # fmt: skip
    assert snapshot["by_shop"]["partitions_def"] == shops
    assert snapshot["dynamic"]["partitions_def"] == {"type": "dynamic", "name": "names"}
    assert snapshot["multi"]["partitions_def"] == {
        "type": "multi",
        "dimensions": [{"name": "day", "partitions_def": daily}, {"name": "shop", "partitions_def": shops}],
    }


def test_tells_mappings_exactly(snapshot: Assets) -> None:
    def value(key: str) -> Any:
        return snapshot[key]["deps"][0]["partition_mapping"]["value"]

    assert value("week") == {
        "__class__": "TimeWindowPartitionMapping", "start_offset": -6, "end_offset": 0,
        "allow_nonexistent_upstream_partitions": True,
    }  # fmt: skip
    assert value("sets")["downstream_partition_keys_by_upstream_partition_key"] == {
        "north": {"__set__": ["east", "north", "south"]}, "south": "south", "east": ["east"],
    }  # fmt: skip
    assert [value("all"), value("last"), value("same")] == [
        {"__class__": "AllPartitionMapping"},
        {"__class__": "LastPartitionMapping"},
        {"__class__": "IdentityPartitionMapping"},
    ]
    assert snapshot["own"]["deps"][0]["partition_mapping"] == {
        "class": "Every", "description": "Every one, says <object object>", "value": "<mappings.Every object>",
    }  # fmt: skip
    # The order in which dimensions are mapped means nothing, to Dagster neither.
    assert snapshot["both"]["deps"] == snapshot["both_again"]["deps"]


def test_says_where_the_code_is_without_saying_where_this_machine_has_it(raw: bytes, snapshot: Assets) -> None:
    [reference] = snapshot["db/everything"]["metadata"][CODE_REFERENCES]["value"]

    assert reference["file"] == "{release}/definitions.py"
    assert reference["line"] > 0
    assert snapshot["db/everything"]["metadata"][ITSELF]["value"] == "{release}"
    assert b"/everything/" not in raw


def test_is_the_same_bytes_whatever_the_hashes_and_the_place(lastgood: Lastgood, tmp_path: Path, raw: bytes) -> None:
    place = snapshot_project.write(tmp_path / "somewhere else" / "everything")
    link = tmp_path / "current"
    link.symlink_to(place)

    done = lastgood(
        "snapshot", "-m", "definitions", "-d", link, "-o", "assets.json", "--json", cwd=tmp_path, PYTHONHASHSEED="2"
    )

    assert (tmp_path / "assets.json").read_bytes() == raw
    assert json.loads(done.stdout) == {"assets": len(json.loads(raw)["assets"]), "output": f"{tmp_path}/assets.json"}


@pytest.mark.parametrize(
    ("code", "options"),
    [(ONE, []), (TWO, ["-a", "one"]), (LAZY, []), (MADE, ["-a", "make"]), (BARE, []), (REPOSITORIES, ["-a", "first"])],
    ids=["definitions", "named", "lazy", "function", "no definitions", "repository"],
)
def test_finds_definitions_as_dagster_does(lastgood: Lastgood, tmp_path: Path, code: str, options: list[str]) -> None:
    (tmp_path / "shop.py").write_text(code)

    done = lastgood("snapshot", "-f", "shop.py", *options, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert list(by_key(json.loads(done.stdout)["assets"])) == ["one"]


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        ("import nothing_of_this_name", 1, ["No module named 'nothing_of_this_name'", 'shop.py", line 1']),
        ("def broken(:", 1, ["SyntaxError", 'shop.py", line 1', "def broken(:"]),
        ("def f():\n    return 1 / 0\nx = f()", 1, ["ZeroDivisionError", 'shop.py", line 2, in f', "return 1 / 0"]),
        ("import sys\nsys.exit(7)", 1, ["SystemExit: 7", 'shop.py", line 2']),
        ("x = 1", 1, ["No Definitions"]),
        (TWO, 1, ["more than one Definitions", "shop.one, shop.two"]),
        (REPOSITORIES, 2, ["several repositories (first, second): name one with -a"]),
        (CLASH, 1, ["OpDefinition is defined in job '__ASSET_JOB' and in job 'run'"]),
        ("import dagster as dg\ndg.AssetSpec('one', owners=['nobody'])", 1, ["nobody", 'shop.py", line 2']),
    ],
    ids=["import", "syntax", "error", "exit", "none", "two", "repositories", "clash", "refused by Dagster"],
)
def test_says_what_is_wrong_in_a_project(
    lastgood: Lastgood, tmp_path: Path, code: str, exit_code: int, told: list[str]
) -> None:
    (tmp_path / "shop.py").write_text(code)

    done = lastgood("snapshot", "-m", "shop", cwd=tmp_path)
    said = done.stderr.decode()

    assert (done.returncode, done.stdout) == (exit_code, b""), said
    for words in told:
        assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("seed", ["1", "2"])
def test_tells_of_what_dagster_cannot_write_down_the_same_every_time(
    lastgood: Lastgood, tmp_path: Path, seed: str
) -> None:
    snapshot_project.write(tmp_path)
    (tmp_path / "shop.py").write_text(UNNAMED)

    done = lastgood("snapshot", "-m", "shop", cwd=tmp_path, PYTHONHASHSEED=seed)
    found = by_key(json.loads(done.stdout)["assets"])

    assert found["upstream"]["partitions_def"] == {
        "type": "other",
        "class": "DynamicPartitionsDefinition",
        "description": "DynamicPartitionsDefinition(partition_fn=<function <lambda>>, name=None)",
    }
    assert found["downstream"]["deps"][0]["partition_mapping"]["value"] == "{'x', 'y', 'z'}"
