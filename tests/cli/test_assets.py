"""`lastgood assets`: what is asked, what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lastgood import dates

from .conftest import Run
from .scripted_portal import SILENCE, ScriptedPortal, answer, problem, rows

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"
BRIEF = {
    "number": 12, "kind": "dags", "status": "SUCCEEDED", "description": "Count refunds",
    "actor": {"name": "ada", "kind": "person"}, "git": {"commit": "c0ffee0123456789"},
    "finished_at": "2026-01-31T11:59:00Z",
}  # fmt: skip
COUNTED = {"code_version": {"old": "1", "new": "2"}, "change_types": ["CODE_VERSION"]}


def listed(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "group": "core", "kinds": ["dbt", "table"], "version": 4, "changed": BRIEF, **fields}


def step(kind: str = "changed", **fields: Any) -> dict[str, Any]:
    said = {"key": "db/orders", "kind": kind, "change_types": [], "compared": "sent", "details": None, "deploy": BRIEF}
    return {**said, **fields}


def detailed(definition: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    said = {"key": "db/orders", "present": True, "version": 4, "exact": True, "upstream": [], "downstream": []}
    return {**said, "changed": BRIEF, "definition": {"partitions_def": None, **(definition or {})}, **fields}


def squeezed(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dates, "now", lambda: dates.parse("2026-01-31T12:00:00Z"))


@pytest.mark.parametrize(
    "arguments",
    [["assets", "acme/prod"], ["assets", "acme/prod/etl", "a"], ["assets", "acme/prod/etl", "a", "--changes"],
     ["compare", "acme/prod/etl", "1", "2"], ["compare", "acme/prod/etl", "--at", "2026-01-31"],
     ["send-assets", "acme/prod/etl", "12", "assets.json"]],
)  # fmt: skip
def test_every_command_ends_with_5_when_nobody_answers(
    arguments: list[str], ask: Run, portal: ScriptedPortal, tmp_path: Path
) -> None:
    (tmp_path / "assets.json").write_text('{"assets": []}')
    portal.script(*[SILENCE] * 4)

    done = ask(*arguments)

    assert done.exit_code == 5, done.output
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [["acme"], ["acme/prod/etl", "--changes"], ["acme/prod/etl", "a", "--group", "x"], ["acme/prod/etl", "--limit", "0"],
     ["acme/prod/etl", "--changed-since", "yesterday"], ["acme/prod/etl", "--changed-since", "#0"]],
)  # fmt: skip
def test_ends_with_2_when_it_is_used_wrongly(arguments: list[str], ask: Run, portal: ScriptedPortal) -> None:
    assert ask("assets", *arguments).exit_code == 2
    assert portal.requests == []


def test_lists_assets_with_what_changed_them_last(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows({"name": "etl"}), rows(listed("db/orders"), listed("raw", group=None, kinds=[], changed=None)))

    done = ask("assets", "acme/prod")

    assert done.exit_code == 0, done.output
    assert squeezed(done.stdout) == [
        "Key Group Kinds Version Changed",
        "db/orders core dbt, table 4 #12 1 min ago",
        "raw 4",
    ]
    assert portal.asked()[-1] == f"GET {ETL}assets/"
    assert portal.requests[-1].query == {"limit": ["50"]}


@pytest.mark.parametrize(
    ("since", "asked"),
    [("12", "12"), ("#12", "12"), ("2026-01-31T18:00Z", "2026-01-31T18:00:00+00:00"),
     ("2026-01-31T18:00+02:00", "2026-01-31T18:00:00+02:00")],
)  # fmt: skip
def test_asks_for_the_assets_that_are_chosen(since: str, asked: str, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows())

    done = ask("assets", "acme/prod/etl", "--group", "core", "--kind", "dbt", "--changed-since", since, "--limit", 9)

    assert done.exit_code == 0, done.output
    assert done.stdout == "No asset is like that.\n"
    query = {"group": ["core"], "kind": ["dbt"], "changed_since": [asked], "limit": ["9"]}
    assert portal.requests[0].query == query


def test_means_a_time_without_a_zone_where_the_person_is(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows())

    ask("assets", "acme/prod/etl", "--changed-since", "2026-01-31")

    said = dates.parse(portal.requests[0].query["changed_since"][0])
    assert said is not None
    assert said.astimezone().strftime("%Y-%m-%d %H:%M") == "2026-01-31 00:00"


def test_says_that_nobody_knows_the_assets(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows())

    assert ask("assets", "acme/prod/etl").stdout == "Nobody has said yet what acme/prod/etl defines.\n"


def test_says_that_there_are_more(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows(listed("a"), listed("b"), following="http://x/?cursor=c"))

    done = ask("assets", "acme/prod/etl", "--limit", 2)

    assert done.stderr == "There are more than these 2: see --limit.\n"


def test_never_cuts_a_key(ask: Run, portal: ScriptedPortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    key = "model.shop." + "long" * 20
    portal.script(rows(listed(key, group="g" * 30)))

    lines = ask("assets", "acme/prod/etl").stdout.splitlines()

    assert "".join(line.split()[0] for line in lines[1:]) == key
    assert max(map(len, lines)) <= 60


def test_shows_one_asset_with_all_that_is_known(ask: Run, portal: ScriptedPortal) -> None:
    partitions = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
    definition = {
        "code_version": "3", "group": "core", "kinds": ["dbt"], "owners": ["team:core", "ada@example.com"],
        "description": "Orders.\nOne a row.", "tags": {"tier": "gold", "nightly": "", "dagster/kind/dbt": ""},
        "metadata": {"rows": {"type": "Int", "value": 3}, "schema": {"type": "Json", "value": {"a": [1]}}},
        "deps": [{"key": ["raw", "orders"], "partition_mapping": {"class": "AllPartitionMapping"}}],
        "partitions_def": partitions,
    }  # fmt: skip
    upstream = [{"key": "raw/orders", "known": True}, {"key": "elsewhere", "known": False}]
    portal.script(answer(detailed(definition, upstream=upstream, downstream=["ml/score", "ml/train"])))

    done = ask("assets", "acme/prod/etl", "db/orders")

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"GET {ETL}assets/detail/"]
    assert portal.requests[0].query == {"key": ["db/orders"]}
    assert squeezed(done.stdout)[0] == "db/orders version 4"
    assert squeezed(done.stdout)[2:] == [
        "Count refunds", "Code version 3", "Group core", "Kinds dbt", "Owners team:core, ada@example.com",
        "Description Orders.", "One a row.", "Partitions daily from 2024-01-01", "Tags nightly", "tier: gold",
        "Upstream raw/orders AllPartitionMapping", "elsewhere (not defined here)", "Downstream ml/score", "ml/train",
        "Metadata rows: 3", "schema", "{", '"a": [', "1", "]", "}",
    ]  # fmt: skip


def test_says_that_an_asset_is_gone_and_who_told_of_it(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(detailed(present=False, exact=False)))

    said = squeezed(ask("assets", "acme/prod/etl", "db/orders").stdout)

    assert "It is not there any more. This is how it was." in said
    assert "Partitions not partitioned (as the platform tells it)" in said


def test_names_the_asset_that_is_not_there(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(problem(404, "not_found", "Nothing here."), answer({"name": "etl"}))

    done = ask("assets", "acme/prod/etl", "db/nope", "--json")

    assert done.exit_code == 4
    assert done.stderr.startswith("Error: acme/prod/etl has no asset db/nope")
    assert json.loads(done.stdout)["code"] == "not_found"


def test_names_the_place_that_is_not_there(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(*[problem(404, "not_found", "Nothing here.")] * 2)

    done = ask("assets", "acme/prod/etl", "db/orders", "--changes")

    assert done.exit_code == 4
    assert f"Asked for: /api/v1{ETL}" in done.stderr


def test_shows_the_changes_of_one_asset_newest_first(ask: Run, portal: ScriptedPortal) -> None:
    details = {**COUNTED, "dependencies": {"added": ["raw/new"], "removed": [], "changed": {}}}
    changed = step(change_types=["CODE_VERSION", "DEPENDENCIES"], details=details)
    portal.script(rows(changed, step("added", deploy={**BRIEF, "number": 5, "git": {}})))

    done = ask("assets", "acme/prod/etl", "db/orders", "--changes", "--limit", 3)

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"GET {ETL}assets/changes/"]
    assert portal.requests[0].query == {"key": ["db/orders"], "limit": ["3"]}
    at = dates.full(BRIEF["finished_at"])
    assert done.stdout.splitlines() == [
        f"#12  {at}  ada  c0ffee01  CODE_VERSION DEPENDENCIES",
        "    code version  1 → 2",
        "  + upstream raw/new",
        "",
        f"#5  {at}  ada  added",
    ]


def test_says_every_kind_of_change_in_the_portal_s_json(ask: Run, portal: ScriptedPortal) -> None:
    entry = {"type": "Int", "value": 3}
    details = {
        "change_types": ["DEPENDENCIES", "PARTITIONS_DEFINITION", "TAGS", "METADATA"],
        "dependencies": {"added": [], "removed": ["b"], "changed": {"a": {"old": None, "new": {"class": "AllMapping"}}}},
        "partitions_definition": {"old": None, "new": {"type": "dynamic", "name": "shops"}},
        "tags": {"added": {"k": "v"}, "removed": {"l": "w"}, "changed": {}},
        "metadata": {"added": {"m": entry}, "removed": {}, "changed": {"n": {"old": entry, "new": {**entry, "value": 4}}}},
        "other": {"owners": {"old": [], "new": ["team:core"]}},
    }  # fmt: skip
    portal.script(rows(step(details=details, compared="common")))

    done = ask("assets", "acme/prod/etl", "db/orders", "--changes")

    assert done.stdout.splitlines()[1:] == [
        "    upstream a  default mapping → AllMapping",
        "  - upstream b",
        "    partitions  not partitioned → dynamic, “shops”",
        "  + tag k       v",
        "  - tag l       w",
        "  + metadata m  3",
        "    metadata n  3 → 4",
        "    owners      none → team:core",
        "    told by two sources: compared is what both can see",
    ]


@pytest.mark.parametrize("details", [{"tags": 7}, {"metadata": {"added": {"m": {}}}}, {"code_version": {"old": "1"}}])
def test_survives_changes_that_it_does_not_understand(details: Any, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows(step(change_types=["NEWER"], details=details)))

    done = ask("assets", "acme/prod/etl", "db/orders", "--changes")

    assert done.exit_code == 0, done.output
    assert "NEWER" in done.stdout
    assert "this client cannot say; --json has it" in done.stdout


def test_sends_nothing_to_the_terminal_that_it_would_obey(ask: Run, portal: ScriptedPortal) -> None:
    bad = "\x1b[2J\x1b]0;t\x07[red]x\u202e"
    brief = {**BRIEF, "description": bad, "actor": {"name": bad}}
    definition = {"group": bad, "tags": {bad: bad}, "metadata": {bad: {"type": "Text", "value": bad}}, "owners": [bad]}
    details = {"change_types": [bad], "tags": {"added": {bad: bad}, "removed": {}, "changed": {}}}
    portal.script(
        rows(listed(bad, group=bad, kinds=[bad], changed=brief)),
        answer(detailed(definition, key=bad, downstream=[bad], upstream=[{"key": bad}], changed=brief)),
        rows(step(change_types=[bad], details=details, deploy=brief)),
    )

    for arguments in ([], ["k"], ["k", "--changes"]):
        done = ask("assets", "acme/prod/etl", *arguments)
        assert done.exit_code == 0, done.output
        assert "[red]x" in done.stdout
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout


@pytest.mark.parametrize("arguments", [[], ["db/orders"], ["db/orders", "--changes"]])
def test_prints_the_portal_s_document(arguments: list[str], ask: Run, portal: ScriptedPortal) -> None:
    document = {"next": None, "previous": None, "results": [listed("a")]}
    portal.script(answer(document))

    assert json.loads(ask("assets", "acme/prod/etl", *arguments, "--json").stdout) == document
