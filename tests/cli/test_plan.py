"""`lastgood plan` and what `lastgood rollback` takes over from it."""

from __future__ import annotations

from typing import Any

from .scripted_portal import answer, problem

BARRIER = {
    "name": "runtime_downgrade",
    "level": "soft",
    "title": "An older runtime is restored",
    "detail": "Data is erased.",
    "advice": "Back it up.",
    "source": "",
}


def plan(**changed: Any) -> dict[str, Any]:
    """Answer a plan as the portal says it."""
    side = {"kind": "dags", "status": "SUCCEEDED", "actor": "ci", "created_at": "2026-01-01T00:00:00Z", "release": "ab"}
    return {
        "place": "acme/prod/default",
        "etag": "0123abcd",
        "scope": "all",
        "to": {"number": 3, "description": "Orders", **side},
        "served": {"number": 5, "description": "Refunds", **side},
        "restorable": True,
        "changes_nothing": False,
        "files_unknown": False,
        "image": None,
        "runtime_version": {"old": "13.7.0", "new": "13.6.0"},
        "settings": [
            {
                "group": "env",
                "name": "PW",
                "word": "changed",
                "secret": True,
                "old": "aa",
                "new": "bb",
                "applied": True,
            },
            {
                "group": "runtime",
                "name": "workers",
                "word": "added",
                "secret": False,
                "old": None,
                "new": 4,
                "applied": False,
            },
        ],
        "bundles": [{"mount": "dags", "same": False, "added": 1, "removed": 0, "changed": 2}],
        "assets": {
            "added": 0,
            "removed": 1,
            "changed": 0,
            "results": [{"key": "dag/refunds", "kind": "removed"}],
            "more": 2,
        },
        "steps_over": [{"number": 5}, {"number": 4}],
        "more_steps": False,
        "happens": ["The files of #3 are put in place."],
        "stays": ["Data stays."],
        "warnings": ["#3 was live, but not verified."],
        "barriers": [BARRIER],
        "acknowledge": ["runtime_downgrade"],
        "agents": [{"name": "pod-1", "version": "13.7.0", "ready": False}],
        "runs_in_flight": {"total": 2, "at": "2026-01-01T00:00:00Z", "by_release": {}},
        **changed,
    }


def test_a_plan_says_what_stands_in_the_way_before_all_else(ask, portal):
    portal.script(answer(plan()))

    done = ask("plan", "acme/prod/default", "--to", "last-good")

    assert done.exit_code == 0, done.output
    assert portal.requests[0].document == {"to": "last-good", "scope": "all"}
    lines = done.output.splitlines()
    assert lines[0] == "acme/prod/default: #5 “Refunds” → #3 “Orders”"
    assert lines[1] == "! An older runtime is restored (runtime_downgrade)"
    for words in (
        "13.7.0 → 13.6.0",
        "~ PW  secret aa → secret bb",
        "+ runtime.workers  4  (recorded, not applied)",
        "files +1 ~2",
        "- dag/refunds",
        "… and 2 more",
        "#5, #4",
        "pod-1 at 13.7.0: to be reverted first",
        "2 in flight, counted ",
        "Artifacts",
        "  · Data stays.",
        "Etag  0123abcd",
        "It runs only with --acknowledge runtime_downgrade.",
    ):
        assert words in done.output, words


def test_a_plan_that_cannot_be_carried_out_says_so(ask, portal):
    gone = {"code": "artifact_gone", "detail": "The files of #3 were purged."}
    portal.script(answer(plan(restorable=gone, barriers=[], acknowledge=[])))

    done = ask("plan", "acme/prod/default", "--to", "3", "--scope", "code")

    assert portal.requests[0].document == {"to": 3, "scope": "code"}
    assert "✗ The files of #3 were purged." in done.output
    assert "It runs only with" not in done.output
    assert "Artifacts" not in done.output


def test_a_rollback_names_the_plan_and_what_was_acknowledged(ask, portal):
    portal.script(answer({"number": 6, "status": "QUEUED"}, 202))
    said = ["--plan", "0123abcd", "--acknowledge", "runtime_downgrade", "--scope", "settings", "--description", "Back"]

    done = ask("rollback", "acme/prod/default", "--to", "3", *said)

    assert done.exit_code == 0, done.output
    assert portal.requests[0].document == {
        "to": 3,
        "description": "Back",
        "scope": "settings",
        "plan_etag": "0123abcd",
        "acknowledge": ["runtime_downgrade"],
    }


def test_a_plan_that_is_outdated_is_a_refusal(ask, portal):
    portal.script(problem(409, "plan_outdated", "Since that plan was made, acme/prod/default moved."))

    done = ask("rollback", "acme/prod/default", "--to", "3", "--plan", "old", "--description", "Back")

    assert done.exit_code == 4
    assert "Since that plan was made" in done.output
