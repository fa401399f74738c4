"""`lastgood compare`: two deploys, and what was live at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lastgood import dates

from .conftest import Run
from .scripted_portal import ScriptedPortal, answer, problem, rows

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"
LIVE_15 = answer({"name": "etl", "live_deploy": 15, "last_good": {"number": 12}})
SAME = {"added": 0, "removed": 0, "changed": 0}


def brief(number: int, **fields: Any) -> dict[str, Any]:
    said = {"number": number, "kind": "dags", "status": "SUCCEEDED", "actor": {"name": "ada"}, "verified": True}
    return {**said, "git": {}, "description": "", "finished_at": "2026-01-31T11:59:00Z", **fields}


def compared(*results: Any, following: str | None = None, **fields: Any) -> dict[str, Any]:
    said = {"from": brief(12), "to": brief(15), "image": None, "runtime_version": None, "bundles": [], "assets": None}
    return {**said, "next": following, "previous": None, "results": list(results), **fields}


def squeezed(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [["acme/prod/etl"], ["acme/prod/etl", "12"], ["acme/prod/etl", "12", "newest"], ["acme/prod/etl", "0", "12"],
     ["acme/prod/etl", "12", "15", "--at", "2026-01-31"], ["acme/prod/etl", "--at", "noon"], ["acme", "1", "2"],
     ["acme/prod/etl", "1", "9" * 30]],
)  # fmt: skip
def test_ends_with_2_when_it_is_used_wrongly(arguments: list[str], ask: Run, portal: ScriptedPortal) -> None:
    assert ask("compare", *arguments).exit_code == 2
    assert portal.requests == []


def test_shows_everything_that_differs(ask: Run, portal: ScriptedPortal) -> None:
    files = [{"change": "added", "path": "new.py"}, {"change": "changed", "path": "orders.py"}]
    bundles = [
        {"mount": "dags", "old": "b1", "new": "b2", "added": 1, "removed": 0, "changed": 4, "files": files},
        {"mount": "dbt/shop", "old": "b3", "new": "b3", "added": 0, "removed": 0, "changed": 0, "files": []},
        {"mount": "plugins", "old": None, "new": "b4", "added": 2, "removed": 0, "changed": 0, "files": []},
        {"mount": "old", "old": "b5", "new": None, "added": 0, "removed": 3, "changed": 0, "files": []},
    ]  # fmt: skip
    details = {"change_types": ["CODE_VERSION"], "code_version": {"old": "2", "new": "3"}}
    portal.script(
        answer(
            compared(
                {"key": "db/new", "kind": "added", "change_types": [], "details": None},
                {"key": "db/old", "kind": "removed", "change_types": [], "details": None},
                {"key": "db/orders", "kind": "changed", "change_types": ["CODE_VERSION"], "details": details},
                to=brief(15, description="Count refunds", git={"commit": "c0ffee0123456789"}),
                image={"old": "", "new": "etl:1.5"},
                runtime_version={"old": "3.1", "new": "3.2"},
                bundles=bundles,
                assets={"added": 1, "removed": 1, "changed": 1, "unchanged": 1200},
            )
        )
    )

    done = ask("compare", "acme/prod/etl", "12", "#15")

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"GET {ETL}compare/"]
    assert portal.requests[0].query == {"from": ["12"], "to": ["15"], "limit": ["50"]}
    at = dates.full("2026-01-31T11:59:00Z")
    assert squeezed(done.stdout) == [
        "acme/prod/etl #12 → #15",
        f"#12 ✓ Succeeded {at} ada",
        f"#15 ✓ Succeeded {at} ada c0ffee01 Count refunds",
        "Image none → etl:1.5",
        "Runtime 3.1 → 3.2",
        "Files dags +1 ~4",
        "+ new.py",
        "~ orders.py",
        "… and 3 more",
        "dbt/shop the same",
        "plugins a new mount, +2",
        "… and 2 more",
        "old not there any more, −3",
        "… and 3 more",
        "Assets +1 −1 ~1, 1,200 unchanged",
        "",
        "+ db/new",
        "- db/old",
        "~ db/orders CODE_VERSION",
        "code version 2 → 3",
    ]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        (None, "not known of both"),
        ({**SAME, "unchanged": 6}, "nothing differs, 6 unchanged"),
        ({**SAME, "unchanged": 6, "from_recorded": {"ASSETS": 12}, "to_recorded": {"ASSETS": 15}},
         "nothing differs, 6 unchanged"),
        ({**SAME, "unchanged": 6, "from_recorded": {"ASSETS": 11, "DBT": 12}, "to_recorded": {"ASSETS": 15, "DBT": 15}},
         "nothing differs, 6 unchanged (last recorded at #11, #12 and #15)"),
    ],
)  # fmt: skip
def test_says_what_is_known_of_the_assets(assets: Any, said: str, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(compared(assets=assets)))

    done = ask("compare", "acme/prod/etl", 12, 15)

    assert f"Assets {said}" in squeezed(done.stdout)


@pytest.mark.parametrize(
    ("words", "numbers"), [(("last-good", "live"), ("12", "15")), (("live", "3"), ("15", "3")), (("3", "live"), ("3", "15"))]
)  # fmt: skip
def test_knows_what_is_live_and_last_good(
    words: tuple[str, str], numbers: tuple[str, str], ask: Run, portal: ScriptedPortal
) -> None:
    portal.script(rows({"name": "etl"}), LIVE_15, answer(compared()))

    done = ask("compare", "acme/prod", *words)

    assert done.exit_code == 0, done.output
    assert portal.asked()[1:] == [f"GET {ETL}", f"GET {ETL}compare/"]
    query = portal.requests[-1].query
    assert (query["from"], query["to"]) == ([numbers[0]], [numbers[1]])


def test_ends_with_2_when_nothing_is_last_good(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer({"name": "etl", "live_deploy": 15, "last_good": None}))

    done = ask("compare", "acme/prod/etl", "last-good", "live")

    assert done.exit_code == 2
    assert "acme/prod/etl has no deploy that is last-good" in done.stderr


def test_names_the_deploy_that_is_not_there(ask: Run, portal: ScriptedPortal) -> None:
    missing = problem(404, "not_found", "Nothing here.")
    portal.script(missing, answer(brief(12)), missing)

    done = ask("compare", "acme/prod/etl", 12, 99)

    assert done.exit_code == 4
    assert f"Asked for: /api/v1{ETL}deploys/99/" in done.stderr


def test_follows_the_pages_up_to_the_limit_and_says_that_there_are_more(ask: Run, portal: ScriptedPortal) -> None:
    def page(*keys: str) -> Any:
        steps = [{"key": key, "kind": "added", "change_types": []} for key in keys]
        counted = {"added": 9, "removed": 0, "changed": 0, "unchanged": 0}
        following = "http://elsewhere/compare/?from=12&to=15&cursor=c2&limit=3"
        return answer(compared(*steps, following=following, assets=counted))

    portal.script(page("a", "b"), page("c"))

    done = ask("compare", "acme/prod/etl", 12, 15, "--limit", 3)

    assert done.stdout.splitlines()[-3:] == ["+ a", "+ b", "+ c"]
    assert done.stderr == "There are 6 more than these 3: see --limit.\n"
    assert portal.requests[1].query["cursor"] == ["c2"]


def test_prints_the_portal_s_document(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(compared()))

    assert json.loads(ask("compare", "acme/prod/etl", 12, 15, "--json").stdout) == compared()


def test_shows_what_was_live_at_a_time(ask: Run, portal: ScriptedPortal) -> None:
    at = "2026-01-31T18:00:00+00:00"
    portal.script(answer({"at": at, "live": brief(12)}), answer({"at": at, "live": None}))

    then = ask("compare", "acme/prod/etl", "--at", "2026-01-31T18:00Z")
    before = ask("compare", "acme/prod/etl", "--at", "2026-01-31 18:00Z")

    assert then.exit_code == before.exit_code == 0, then.output
    assert portal.requests[0].query == {"at": [at]}
    assert then.stdout.splitlines()[:2] == [f"Live at {dates.full(at)}:", "acme/prod/etl #12  ✓ Succeeded"]
    assert before.stdout == f"Nothing was live in acme/prod/etl at {dates.full(at)}.\n"


def test_sends_nothing_to_the_terminal_that_it_would_obey(ask: Run, portal: ScriptedPortal) -> None:
    bad = "\x1b[2J[red]x\u202e"
    files = [{"change": "added", "path": bad}]
    bundles = [{"mount": bad, "old": None, "new": "b", "added": 1, "removed": 0, "changed": 0, "files": files}]
    step = {"key": bad, "kind": bad, "change_types": [bad], "details": None}
    portal.script(
        answer(compared(step, bundles=bundles, to=brief(15, description=bad), image={"old": bad, "new": bad}))
    )

    done = ask("compare", "acme/prod/etl", 12, 15)

    assert done.exit_code == 0, done.output
    assert done.stdout.count("[red]x") == 7
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
