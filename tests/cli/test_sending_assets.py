"""What a deploy defines, sent with it or afterwards: `lastgood deploy --assets`, `lastgood send-assets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .scripted_portal import ScriptedPortal, answer, problem

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"
QUEUED = answer({"number": 7, "status": "QUEUED"}, 202)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where there is no repository."""
    monkeypatch.chdir(tmp_path)


def test_says_what_assets_it_defines(ask: Run, portal: ScriptedPortal, tmp_path: Path) -> None:
    orders = {"key": ["db", "orders"], "code_version": "2", "description": None, "owners": [], "extra": False}
    orders["metadata"] = {"ratio": {"type": "Float", "value": float("nan")}}
    (tmp_path / "assets.json").write_text(json.dumps({"assets": [orders]}))
    portal.script(QUEUED)

    done = ask("deploy", "acme/prod/etl", "--image", "etl:1.4", "--assets", "assets.json")

    assert done.exit_code == 0, done.output
    assert portal.requests[0].document["assets"] == {
        "format": "lastgood.assets/1",
        "source": "snapshot",
        "assets": [
            {
                "key": ["db", "orders"],
                "code_version": "2",
                "metadata": {"ratio": {"type": "Float", "value": "NaN"}},
                "extra": False,
            }
        ],
    }


def test_sends_a_manifest_of_dbt_as_a_snapshot(ask: Run, portal: ScriptedPortal) -> None:
    raw = {"unique_id": "source.shop.raw", "resource_type": "source", "package_name": "shop", "tags": ["nightly"]}
    about = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}
    manifest = {"metadata": about, "nodes": {}, "sources": {"source.shop.raw": raw}}
    portal.script(QUEUED)

    done = ask("deploy", "acme/prod/etl", "--image", "etl:1.4", "--assets", "-", input=json.dumps(manifest))

    assert done.exit_code == 0, done.output
    sent = portal.requests[0].document["assets"]
    assert (sent["format"], sent["source"]) == ("lastgood.assets/1", "dbt")
    assert [each["key"] for each in sent["assets"]] == [["source.shop.raw"]]
    assert "nightly" in sent["assets"][0]["tags"]


@pytest.mark.parametrize(
    "content", ['{"assets": 7}', "no json", '{"assets": [{"key": ["a"], "description": "\\ud800"}]}']
)
def test_sends_nothing_when_the_assets_cannot_be_read(
    content: str, ask: Run, portal: ScriptedPortal, tmp_path: Path
) -> None:
    (tmp_path / "assets.json").write_text(content)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "orders.py").write_text("orders = 1")

    done = ask("deploy", "acme/prod", "--dags", "dags", "--assets", "assets.json")

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: assets.json ")
    assert portal.requests == []


def test_assets_alone_are_nothing_to_deploy(ask: Run, portal: ScriptedPortal, tmp_path: Path) -> None:
    (tmp_path / "assets.json").write_text('{"assets": []}')

    done = ask("deploy", "acme/prod/etl", "--assets", "assets.json")

    assert done.exit_code == 2
    assert "nothing to deploy" in done.stderr
    assert portal.requests == []


def test_sends_a_snapshot_afterwards(ask: Run, portal: ScriptedPortal, tmp_path: Path) -> None:
    (tmp_path / "assets.json").write_text('{"assets": [{"key": ["a"]}, {"key": ["b"]}]}')
    recorded = {"assets": 2, "added": 1, "removed": 0, "changed": 1, "compared_with": 11, "note": "Mind the gap."}
    portal.script(problem(503, "busy", "In a moment."), answer({"recorded": recorded, "kept_until_live": False}))

    done = ask("send-assets", "acme/prod/etl", 12, "assets.json")

    assert done.exit_code == 0, done.output
    assert done.stdout == "Recorded for acme/prod/etl #12: 2 assets, +1 ~1 against #11.\n"
    assert done.stderr == "Mind the gap.\n"
    first, again = portal.requests
    assert (again.method, again.path) == ("PUT", f"/api/v1{ETL}deploys/12/assets/")
    assert again.document == {
        "format": "lastgood.assets/1", "source": "snapshot", "assets": [{"key": ["a"]}, {"key": ["b"]}],
    }  # fmt: skip
    assert again.headers["Content-Type"] == "application/json"
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"recorded": None, "kept_until_live": True}, "Kept for acme/prod/etl #12: recorded as soon as it is live.\n"),
        ({"recorded": {"assets": 2, "added": 2, "compared_with": None}},
         "Recorded for acme/prod/etl #12: 2 assets, the first that are known.\n"),
    ],
)  # fmt: skip
def test_says_what_became_of_a_snapshot(document: dict[str, Any], said: str, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(answer(document))

    done = ask("send-assets", "acme/prod/etl", 12, "-", input='{"assets": []}')

    assert done.stdout == said


def test_sends_no_snapshot_that_cannot_be_read(ask: Run, portal: ScriptedPortal) -> None:
    done = ask("send-assets", "acme/prod", 12, "-", input="[]")

    assert done.exit_code == 2
    assert portal.requests == []


def test_says_that_another_snapshot_was_recorded(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(problem(409, "already_recorded", "Another snapshot was recorded for #12."))

    done = ask("send-assets", "acme/prod/etl", 12, "-", input='{"assets": []}')

    assert done.exit_code == 4
    assert "(already_recorded)" in done.stderr
