"""`lastgood show`: what is asked about the assets of a deploy."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Run
from .scripted_portal import ScriptedPortal, answer, problem, rows

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"


def squeezed(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


def test_show_asks_for_the_assets_of_a_deploy_that_has_counts(ask: Run, portal: ScriptedPortal) -> None:
    deploy = {"number": 12, "status": "SUCCEEDED", "assets": {"added": 0, "removed": 0, "changed": 3}}
    portal.script(answer(deploy), rows({"key": "db/orders", "kind": "changed", "change_types": ["TAGS"]}))

    done = ask("show", "acme/prod/etl", 12)

    assert done.exit_code == 0, done.output
    assert portal.asked() == [f"GET {ETL}deploys/12/", f"GET {ETL}deploys/12/asset-changes/"]
    assert portal.requests[1].query == {"limit": ["10"]}
    said = squeezed(done.stdout)
    assert said[said.index("Assets ~3") :][1:3] == ["~ db/orders TAGS", "… and 2 more; `lastgood compare` shows all"]


@pytest.mark.parametrize(
    ("assets", "options"), [(None, []), (None, ["--json"]), ({"added": 1, "removed": 0, "changed": 0}, ["--json"])]
)
def test_show_asks_for_no_assets_that_nobody_sees(
    assets: Any, options: list[str], ask: Run, portal: ScriptedPortal
) -> None:
    portal.script(answer({"number": 12, "status": "SUCCEEDED", "assets": assets}))

    done = ask("show", "acme/prod/etl", 12, *options)

    assert done.exit_code == 0, done.output
    assert len(portal.requests) == 1


def test_show_shows_a_deploy_whose_assets_cannot_be_had(ask: Run, portal: ScriptedPortal) -> None:
    deploy = {"number": 12, "status": "SUCCEEDED", "assets": {"added": 1, "removed": 0, "changed": 0}}
    portal.script(answer(deploy), problem(404, "not_found", "Nothing here."))

    done = ask("show", "acme/prod/etl", 12)

    assert done.exit_code == 0, done.output
    assert "Assets +1" in squeezed(done.stdout)
