"""`lastgood diff`: two files compared on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lastgood import diffing

from .conftest import Run

Write = Callable[..., Path]


def asset(key: str, **said: Any) -> dict[str, Any]:
    return {"key": key.split("/"), "code_version": "1", **said}


def tagged(**tags: str) -> dict[str, Any]:
    return asset("db/orders", tags=tags)


def noted(label: str, value: Any, kind: str = "Text") -> dict[str, Any]:
    return asset("db/orders", metadata={label: {"type": kind, "value": value}})


def manifest(sql: str, *tags: str) -> dict[str, Any]:
    orders = {
        "unique_id": "model.shop.orders", "resource_type": "model", "package_name": "shop", "raw_code": sql,
        "config": {"materialized": "table"}, "depends_on": {"nodes": [], "macros": []}, "tags": list(tags), "columns": {},
    }  # fmt: skip
    about = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}
    return {"metadata": about, "nodes": {"model.shop.orders": orders}, "sources": {}, "exposures": {}, "macros": {}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a snapshot of these assets."""

    def write_one(name: str, *assets: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"format": "lastgood.assets/1", "assets": assets}))
        return path

    return write_one


@pytest.fixture
def lines(run: Run, write: Write) -> Callable[..., list[str]]:
    """Return what is said of one asset, before and after."""

    def said(old: dict[str, Any], new: dict[str, Any], *options: str) -> list[str]:
        done = run("diff", write("main.json", old), write("branch.json", new), *options)
        assert done.exit_code == 0, done.output
        return [line.rstrip() for line in done.stdout.splitlines()]

    return said


def test_says_what_came_what_went_and_what_changed(run: Run, write: Write) -> None:
    write("main.json", asset("raw/old"), asset("raw/same"), tagged(tier="gold"))
    changed = asset("db/orders", code_version="2", tags={"tier": "silver", "team": "core"})
    write("branch.json", asset("raw/same"), changed, asset("raw/new"))

    done = run("diff", "main.json", "branch.json")

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "+ raw/new",
        "- raw/old",
        "~ db/orders  CODE_VERSION TAGS",
        "    code version  1 → 2",
        "  + tag team      core",
        "    tag tier      gold → silver",
        "",
        "1 added, 1 removed, 1 changed, 1 unchanged",
    ]
    assert done.stderr == ""


def test_says_that_nothing_differs(run: Run, write: Write) -> None:
    write("main.json", asset("a"), asset("b"))

    done = run("diff", "main.json", "main.json", "--exit-code")

    assert done.exit_code == 0
    assert done.stdout == "0 added, 0 removed, 0 changed, 2 unchanged\n"


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--exit-code"], 1), (["--exit-code", "--json"], 1)])
def test_ends_with_1_for_a_difference_when_that_is_asked_for(
    options: list[str], code: int, run: Run, write: Write
) -> None:
    write("main.json", asset("a"))
    write("branch.json", asset("b"))

    assert run("diff", "main.json", "branch.json", *options).exit_code == code


def test_prints_the_contract_s_json_in_order(run: Run, write: Write) -> None:
    old = asset("db/orders", tags={"tier": "gold"}, group="core", deps=[{"key": ["raw", "orders"]}])
    new = asset("db/orders", code_version="2", tags={"tier": "silver", "k": "v"}, group="sales")
    write("main.json", asset("z"), asset("y"), asset("same"), old)
    write("branch.json", asset("d"), asset("c"), asset("same"), new)

    done = run("diff", "main.json", "branch.json", "--json")

    assert json.loads(done.stdout) == {
        "added": ["c", "d"],
        "removed": ["y", "z"],
        "unchanged": 1,
        "changed": {
            "db/orders": {
                "change_types": ["CODE_VERSION", "DEPENDENCIES", "TAGS"],
                "code_version": {"old": "1", "new": "2"},
                "tags": {"added": {"k": "v"}, "removed": {}, "changed": {"tier": {"old": "gold", "new": "silver"}}},
                "dependencies": {"added": [], "removed": ["raw/orders"], "changed": {}},
                "other": {"group": {"old": "core", "new": "sales"}},
            }
        },
    }


def test_prints_json_when_nothing_differs_too(run: Run, write: Write) -> None:
    write("main.json", asset("a"))

    done = run("diff", "main.json", "main.json", "--json")

    assert json.loads(done.stdout) == {"added": [], "removed": [], "unchanged": 1, "changed": {}}


def test_needs_no_portal_and_no_settings(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTGOOD_URL", "not an address")
    write("main.json", asset("a"))

    assert run("diff", "main.json", "main.json").exit_code == 0


def test_takes_one_of_them_from_standard_input(run: Run, write: Write) -> None:
    branch = write("branch.json", asset("a"), asset("b")).read_text()
    write("main.json", asset("a"))

    new = run("diff", "main.json", "-", input=branch)
    old = run("diff", "-", "main.json", input=branch)
    both = run("diff", "-", "-", input=branch)

    assert new.stdout.startswith("+ b\n")
    assert old.stdout.startswith("- b\n")
    assert both.exit_code == 2
    assert "Only one of the two" in both.stderr


def test_takes_numbers_that_only_python_writes(lines: Callable[..., list[str]]) -> None:
    nan, infinite = noted("ratio", float("nan"), "Float"), noted("ratio", float("inf"), "Float")

    assert lines(nan, nan)[-1] == "0 added, 0 removed, 0 changed, 1 unchanged"
    assert lines(nan, infinite)[:2] == ["~ db/orders  METADATA", "    metadata ratio  NaN → Infinity"]


def test_compares_manifests_of_dbt(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main.json").write_text(json.dumps(manifest("select 1", "nightly")))
    (tmp_path / "branch.json").write_text(json.dumps(manifest("select 2", "hourly")))

    done = run("diff", "main.json", "branch.json")

    heading, version, came, went, *_ = done.stdout.splitlines()
    assert heading == "~ model.shop.orders  CODE_VERSION TAGS"
    assert version.startswith("    code version  ")
    assert (came, went) == ("  + tag hourly", "  - tag nightly")


def test_warns_when_a_manifest_is_compared_with_something_else(run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest("select 1")))
    write("main.json", asset("a"))

    done = run("diff", "main.json", "manifest.json")

    assert done.exit_code == 0
    assert "dbt manifest and the other is not" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[]", "A snapshot is an object"),
        (b'{"format": "lastgood.assets/9", "assets": []}', "lastgood.assets/1 is known"),
        (b'{"assets": [{"key": ["a"]}, {"key": ["a"]}]}', "Asset a is there twice"),
        (b'{"assets": [{"key": ["a"], "tags": 7}]}', "a: tags are an object of texts"),
        (b'{"assets": [{"key": ["\\u001b[31mred"]}]}', "cannot be seen"),
    ],
)
def test_ends_with_2_naming_the_file_that_is_no_snapshot(
    content: bytes, said: str, run: Run, write: Write, tmp_path: Path
) -> None:
    write("main.json", asset("a"))
    (tmp_path / "branch.json").write_bytes(content)

    done = run("diff", "main.json", "branch.json", "--json")

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: branch.json is no snapshot that can be used: ")
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stdout == ""


def test_says_what_to_give_instead_of_what_is_no_snapshot(run: Run, write: Write) -> None:
    write("main.json", asset("a"))

    done = run("diff", "-", "main.json", input="<html>")

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: Standard input is no snapshot")
    assert "`lastgood snapshot`" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["main.json"], ["main.json", "missing.json"], ["main.json", "."]])
def test_ends_with_2_without_two_files(arguments: list[str], run: Run, write: Write) -> None:
    write("main.json", asset("a"))

    assert run("diff", *arguments).exit_code == 2


def test_leaves_out_metadata_that_is_to_be_ignored(lines: Callable[..., list[str]]) -> None:
    old, new = noted("git_sha", "c0ffee"), noted("git_sha", "decaf0")

    assert lines(old, new)[0] == "~ db/orders  METADATA"
    assert lines(old, new, "--ignore", "git_sha", "--ignore", "other")[-1].endswith("0 changed, 1 unchanged")


def test_sends_nothing_to_the_terminal_that_it_would_obey(lines: Callable[..., list[str]]) -> None:
    hostile = {"\x1b]0;title\x07[red]k[/red]": "\x1b[2Jv\u202e", "lines": "one\n\x1b[31mtwo"}
    said = lines(asset("db/orders"), tagged(**hostile))

    assert said[1] == "  + tag [red]k[/red]  v"
    assert said[2:5] == ["  + tag lines", "      + one", "      + two"]
    assert "\x1b" not in "".join(said)


def test_has_no_colours_where_nobody_sees_them(run: Run, write: Write) -> None:
    write("main.json", tagged(tier="gold"))
    write("branch.json", tagged(tier="silver"))
    code = "import sys; from lastgood.main import main; main()"

    piped = subprocess.run(
        [sys.executable, "-c", code, "diff", "main.json", "branch.json"], capture_output=True, check=True
    )
    forced = run("diff", "main.json", "branch.json", env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
    refused = run("diff", "main.json", "branch.json", env={"FORCE_COLOR": "1", "NO_COLOR": "1"})

    assert b"\x1b" not in piped.stdout
    assert "\x1b[32msilver" in forced.stdout
    assert "\x1b[3" not in refused.stdout


def test_counts_ten_thousand_assets_in_a_moment(run: Run, write: Write) -> None:
    write("main.json", *(asset(f"db/t{each}", tags={"n": "1"}) for each in range(10_000)))
    write("branch.json", *(asset(f"db/t{each}", tags={"n": "2"}) for each in range(10_000)))

    done = run("diff", "main.json", "branch.json")

    assert done.stdout.endswith("0 added, 0 removed, 10,000 changed, 0 unchanged\n")
    assert len(done.stdout.splitlines()) == 20_002


def test_says_in_its_help_what_its_marks_mean() -> None:
    for mark in ("+ is only in BRANCH", "- is only in BASE", "~ is in both"):
        assert mark in diffing.HELP
