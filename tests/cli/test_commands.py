"""The commands that look, and those that change what runs: what is asked, what is printed, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from lastgood import outcome

from .conftest import Run
from .scripted_portal import SILENCE, Scripted, ScriptedPortal, answer, page, problem, rows

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"


def deploy(status: str, number: int = 7, **fields: Any) -> dict[str, Any]:
    return {"number": number, "status": status, "kind": "dags", **fields}


@pytest.mark.parametrize(
    "arguments",
    [
        ["history", "acme/prod"], ["show", "acme/prod", "7"], ["logs", "acme/prod", "7"], ["status", "acme/prod"],
        ["places"], ["cancel", "acme/prod", "7"], ["retry", "acme/prod", "7"], ["resume", "acme/prod"],
        ["hold", "acme/prod", "--reason", "x"], ["rollback", "acme/prod", "--to", "7", "--description", "x"],
        ["deploy", "acme/prod", "--image", "etl:1"],
    ],
)  # fmt: skip
def test_every_command_ends_with_5_when_nobody_answers(arguments: list[str], ask: Run, portal: ScriptedPortal) -> None:
    portal.script(*[SILENCE] * 4)

    done = ask(*arguments)

    assert done.exit_code == 5
    assert f"{portal.url} cannot be reached" in done.stderr
    assert done.stdout == ""
    assert "lg_secret" not in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["history"], ["history", "acme"], ["history", "acme/prod", "--limit", "0"], ["show", "acme/prod", "x"],
        ["hold", "acme/prod"], ["hold", "acme/prod", "--reason", "x", "--until", "soon"],
        ["rollback", "acme/prod", "--to", "7"], ["rollback", "acme/prod", "--to", "0", "--description", "x"],
        ["rollback", "acme/prod", "--to", "best", "--description", "x"],
        ["rollback", "acme/prod", "--to", "7", "--description", "x", "--scope", "half"],
        ["unknown"],
    ],
)  # fmt: skip
def test_ends_with_2_when_it_is_used_wrongly(arguments: list[str], ask: Run, portal: ScriptedPortal) -> None:
    done = ask(*arguments)

    assert done.exit_code == 2
    assert portal.requests == []


def test_ends_with_2_when_no_portal_is_known(run: Run) -> None:
    done = run("places")

    assert done.exit_code == 2
    assert "lastgood login" in done.stderr


def test_ends_with_2_when_the_location_is_not_clear(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows({"name": "etl"}, {"name": "ml"}))

    done = ask("history", "acme/prod")

    assert done.exit_code == 2
    assert "acme/prod/ml" in done.stderr


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429])
def test_ends_with_4_when_it_is_refused(status: int, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(*[problem(status, "no", "You need roll_back on acme/prod.")] * 4)

    done = ask("resume", "acme/prod/etl")

    assert done.exit_code == 4
    assert done.stderr.splitlines()[0] == "Error: You need roll_back on acme/prod. (no)"
    assert done.stdout == ""


def test_prints_the_refusal_as_json_too(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(problem(409, "already_placed", "#7 is in place: roll back instead."))

    done = ask("cancel", "acme/prod/etl", 7, "--json")

    assert done.exit_code == 4
    assert json.loads(done.stdout)["code"] == "already_placed"
    assert "(already_placed)" in done.stderr


def test_ends_with_5_when_it_is_no_portal(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(page("<h1>Welcome</h1>"))

    done = ask("status", "acme/prod/etl")

    assert done.exit_code == 5
    assert "does not look like a Lastgood portal" in done.stderr


def test_history_asks_for_collapsed_rows_and_marks_the_live_one(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows(deploy("SUCCEEDED")), answer({"name": "etl", "live_deploy": 7}))

    done = ask("history", "acme/prod/etl", "--limit", 5)

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"GET {ETL}deploys/", f"GET {ETL}"]
    assert portal.requests[0].query == {"collapse": ["true"], "limit": ["5"]}
    assert "●" in done.stdout


def test_history_prints_the_portal_s_document(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(rows(deploy("SUCCEEDED")))

    done = ask("history", "acme/prod/etl", "--no-collapse", "--json")

    assert json.loads(done.stdout) == {"next": None, "previous": None, "results": [deploy("SUCCEEDED")]}
    assert "collapse" not in portal.requests[0].query


def test_show_prints_one_deploy(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(deploy("FAILED", error={"detail": "No module named orders", "code": "load_failed"})))

    done = ask("show", "acme/prod/etl", 7)

    assert done.exit_code == 0
    assert "No module named orders (load_failed)" in done.stdout
    assert portal.asked() == [f"GET {ETL}deploys/7/"]


def test_logs_prints_events_one_a_line_as_json(ask: Run, portal: ScriptedPortal) -> None:
    events = [{"seq": seq, "at": None, "kind": "LOG", "message": "x"} for seq in (1, 2)]
    portal.script(rows(*events), rows())

    done = ask("logs", "acme/prod/etl", 7, "--json")

    assert [json.loads(line) for line in done.stdout.splitlines()] == events


@pytest.mark.parametrize(("status", "code"), [("SUCCEEDED", 0), ("FAILED", 1), ("HELD", 3)])
def test_logs_that_are_followed_end_as_the_deploy_does(
    status: str, code: int, ask: Run, portal: ScriptedPortal
) -> None:
    portal.script(answer(deploy(status)), rows({"seq": 1, "kind": "LOG", "message": "hello"}), rows())

    done = ask("logs", "acme/prod/etl", 7, "--follow")

    assert done.exit_code == code
    assert "hello" in done.stdout
    assert "#7" in done.stderr


@pytest.mark.parametrize(
    ("status", "code"),
    [("SUCCEEDED", 0), ("FAILED", 1), ("ERRORED", 1), ("CANCELED", 1), ("SUPERSEDED", 1), ("HELD", 3)],
)
def test_a_rollback_that_is_waited_for_ends_as_the_deploy_does(
    status: str, code: int, ask: Run, portal: ScriptedPortal
) -> None:
    portal.script(answer(deploy("QUEUED"), 202), answer(deploy(status)), rows())

    done = ask("rollback", "acme/prod/etl", "--to", "last-good", "--description", "Back", "--wait", "--json")

    assert done.exit_code == code
    assert json.loads(done.stdout)["status"] == status
    assert portal.requests[0].document == {"to": "last-good", "description": "Back"}


def test_a_rollback_sends_the_scope_only_when_it_is_given(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(deploy("QUEUED"), 202))

    done = ask("rollback", "acme/prod/etl", "--to", "5", "--scope", "code", "--description", "Back")

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"POST {ETL}rollbacks/"]
    assert portal.requests[0].document == {"to": 5, "scope": "code", "description": "Back"}
    assert done.stdout == "… Queued acme/prod/etl #7\n"


def test_a_wait_that_takes_too_long_ends_with_1(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(deploy("QUEUED", 8), 202), answer(deploy("RUNNING", 8)), rows())

    done = ask("retry", "acme/prod/etl", 7, "--wait", "--wait-time", 0)

    assert done.exit_code == 1
    assert "#8 has not ended in the time given. It goes on." in done.stderr
    assert portal.asked()[0] == f"POST {ETL}deploys/7/retry/"


def test_a_wait_that_is_interrupted_leaves_the_deploy_to_itself(
    ask: Run, portal: ScriptedPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "follow", interrupted)
    portal.script(answer(deploy("QUEUED", 8), 202))

    done = ask("retry", "acme/prod/etl", 7, "--wait")

    assert done.exit_code == 130
    assert "`lastgood logs acme/prod/etl 8 --follow`" in done.stderr


def test_hold_sends_a_time_with_its_zone(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer({"reason": "x"}, 201), answer({"reason": "x"}, 201))

    done = ask("hold", "acme/prod/etl", "--reason", "[b]Closing[/b]", "--until", "2030-01-31T18:00:00Z")
    ask("hold", "acme/prod/etl", "--reason", "Closing", "--until", "2030-01-31T18:00")

    exact, local = (request.document for request in portal.requests)
    assert exact == {"reason": "[b]Closing[/b]", "until": "2030-01-31T18:00:00+00:00"}
    assert local["until"][16:] != ""
    assert "[b]Closing[/b]" in done.stdout


@pytest.mark.parametrize("empty", [Scripted(204), Scripted(200, b"{}", {"Content-Type": "application/json"})])
def test_resume_needs_no_document(empty: Scripted, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(empty)

    done = ask("resume", "acme/prod/etl")

    assert done.exit_code == 0
    assert done.stdout == "acme/prod/etl takes deploys again.\n"
    assert portal.asked() == [f"POST {ETL}resume/"]


def test_resume_says_what_goes_live_now(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(deploy("QUEUED", 9), 202))

    assert ask("resume", "acme/prod/etl").stdout == "acme/prod/etl takes deploys again; #9 is activated now.\n"


def test_places_lists_every_code_location(ask: Run, portal: ScriptedPortal) -> None:
    hold = {"reason": "Month-end", "until": None}
    found = (
        rows({"slug": "acme", "name": "Acme Ltd"}),
        rows({"slug": "prod"}, {"slug": "new"}),
        rows({"name": "etl", "live_deploy": 7, "placed_deploy": 7, "hold": hold}, {"name": "ml", "live_deploy": None}),
        rows(),
    )
    portal.script(*found, *found)

    human, machine = ask("places"), ask("places", "--json")

    assert human.exit_code == 0, human.output
    lines = [" ".join(line.split()) for line in human.stdout.splitlines()]
    assert lines[1:] == ["acme/prod/etl #7 held: Month-end", "acme/prod/ml –", "acme/new – no code location"]
    assert [row["place"] for row in json.loads(machine.stdout)["results"]] == [
        "acme/prod/etl",
        "acme/prod/ml",
        "acme/new",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["history", "--help"], 0), (["history", "ä/ö"], 2)]
)
def test_runs_as_a_program_where_nothing_can_be_written_but_ascii(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lastgood.main", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_has_json_help_and_an_example(run: Run) -> None:
    from lastgood.main import cli

    for name in cli.commands:
        shown = run(name, "--help").stdout
        assert "--json" in shown
        assert f"  lastgood {name}" in shown
