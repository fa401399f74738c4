"""`lastgood deploy`: what is refused before anything is sent, and what is sent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from lastgood import uploads

from .conftest import Git, Run
from .scripted_portal import ScriptedPortal, answer, problem, rows

ETL = "/organizations/acme/deployments/prod/code-locations/etl/"
QUEUED = answer({"number": 7, "status": "QUEUED"}, 202)
HELD = answer({"number": 7, "status": "HELD", "held_reason": "Rolled back to #5."}, 201)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where there is no repository."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "one.py").write_text("one\n")
    (folder / "two.py").write_text("two\n")
    (folder / "same.py").write_text("two\n")
    return folder


def test_refuses_to_deploy_nothing(ask: Run, portal: ScriptedPortal) -> None:
    done = ask("deploy", "acme/prod/etl", "--description", "x")

    assert done.exit_code == 2
    assert "nothing to deploy" in done.stderr
    assert portal.requests == []


@pytest.mark.parametrize(
    "arguments",
    [["--dags", "missing"], ["--bundle", "dags"], ["--bundle", "=dags"], ["--bundle", "x=missing"],
     ["--dags", "dags", "--bundle", "dags=dags"], ["--dags", "dags", "--remove", "dags"],
     ["--image", "etl:1", "--mount", "x"]],
)  # fmt: skip
def test_refuses_parts_that_do_not_fit(arguments: list[str], ask: Run, portal: ScriptedPortal, dags: Path) -> None:
    assert ask("deploy", "acme/prod/etl", *arguments).exit_code == 2
    assert portal.requests == []


def test_refuses_an_empty_directory(ask: Run, portal: ScriptedPortal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = ask("deploy", "acme/prod/etl", "--bundle", "dags=empty")

    assert done.exit_code == 2
    assert "would remove every file of mount dags" in done.stderr
    assert portal.requests == []


def test_refuses_what_is_not_committed(ask: Run, portal: ScriptedPortal, checkout: Path) -> None:
    (checkout / "dags" / "new.py").write_text("new\n")

    done = ask("deploy", "acme/prod/etl", "--dags", checkout / "dags")

    assert done.exit_code == 2
    assert "new.py" in done.stderr
    assert portal.requests == []


def test_says_that_uncommitted_changes_were_forced(ask: Run, portal: ScriptedPortal, checkout: Path) -> None:
    (checkout / "dags" / "new.py").write_text("new\n")
    portal.script(answer({"digest": "b1", "missing": []}), QUEUED)

    done = ask("deploy", "acme/prod/etl", "--dags", checkout / "dags", "--force")

    assert done.exit_code == 0, done.output
    assert portal.requests[-1].document["git"]["dirty"] == "true"


def test_sends_what_is_missing_and_then_the_deploy(ask: Run, portal: ScriptedPortal, dags: Path) -> None:
    portal.script(
        rows({"name": "etl"}),
        answer({"digest": "b1", "missing": [sha("two\n"), sha("one\n")]}),
        answer({}, 201),
        answer({}, 201),
        answer({"digest": "b1", "missing": []}),
        QUEUED,
    )

    done = ask(
        "deploy", "acme/prod", "--dags", "dags", "--remove", "old", "--description", "Two", "--runtime-version", "3.1",
        "--source-position", 41, "--expected-live", 6,
    )  # fmt: skip

    assert done.exit_code == 0, done.output
    assert done.stdout == "… Queued acme/prod/etl #7\n"
    _, manifest, *puts, again, deploy = portal.requests
    assert manifest.document == {
        "organization": "acme",
        "files": [
            {"path": "one.py", "mode": "0644", "sha256": sha("one\n"), "size": 4},
            {"path": "same.py", "mode": "0644", "sha256": sha("two\n"), "size": 4},
            {"path": "two.py", "mode": "0644", "sha256": sha("two\n"), "size": 4},
        ],
    }
    assert {(put.method, put.path, put.body) for put in puts} == {
        ("PUT", f"/api/v1/blobs/{sha(text)}", text.encode()) for text in ("one\n", "two\n")
    }
    assert all(put.query == {"organization": ["acme"]} for put in puts)
    assert again.document == manifest.document
    assert again.headers["Idempotency-Key"] != manifest.headers["Idempotency-Key"]
    assert deploy.path == f"/api/v1{ETL}deploys/"
    assert deploy.document == {
        "bundles": {"old": None, "dags": "b1"},
        "description": "Two",
        "runtime_version": "3.1",
        "source_position": 41,
        "expected_live": 6,
    }


def test_tells_the_commit_and_takes_its_subject_for_a_description(
    ask: Run, portal: ScriptedPortal, git: Git, checkout: Path
) -> None:
    portal.script(answer({"digest": "b1", "missing": []}), QUEUED)

    done = ask("deploy", "acme/prod/etl", "--bundle", f"jobs={checkout / 'dags'}")

    assert done.exit_code == 0, done.output
    assert portal.requests[-1].document == {
        "bundles": {"jobs": "b1"},
        "description": "Add orders",
        "git": {
            "commit": git("rev-parse", "HEAD"),
            "branch": "main",
            "author": "Ada Example",
            "message": "Add orders",
            "committed_at": git("log", "-1", "--format=%cI"),
        },
    }


def test_deploys_an_image_without_a_directory(ask: Run, portal: ScriptedPortal) -> None:
    portal.script(QUEUED)

    done = ask("deploy", "acme/prod/etl", "--image", "etl:1.4", "--json")

    assert json.loads(done.stdout) == {"number": 7, "status": "QUEUED"}
    assert portal.requests[0].document == {"image": "etl:1.4", "description": ""}


def test_leaves_out_a_link_that_leads_outside_when_forced(
    ask: Run, portal: ScriptedPortal, dags: Path, tmp_path: Path
) -> None:
    (dags / "out").symlink_to(tmp_path)
    portal.script(answer({"digest": "b1", "missing": []}), QUEUED)

    refused = ask("deploy", "acme/prod/etl", "--dags", "dags")
    forced = ask("deploy", "acme/prod/etl", "--dags", "dags", "--force")

    assert refused.exit_code == 2
    assert forced.exit_code == 0, forced.output
    assert "Warning: The link 'out' leads out of the directory: left out." in forced.stderr


@pytest.mark.parametrize(("arguments", "code"), [([], 3), (["--wait"], 3), (["--held-ok"], 0)])
def test_says_that_it_is_stored_but_held(arguments: list[str], code: int, ask: Run, portal: ScriptedPortal) -> None:
    portal.script(HELD)

    done = ask("deploy", "acme/prod/etl", "--image", "etl:1.4", *arguments)

    assert done.exit_code == code
    assert done.stdout == "‖ Held acme/prod/etl #7: Rolled back to #5.\n"
    assert len(portal.requests) == 1


def test_waits_and_shows_the_events_beside_the_outcome(ask: Run, portal: ScriptedPortal) -> None:
    step = {"seq": 1, "at": "2026-01-31T12:00:00Z", "kind": "STEP", "step": "ACTIVATE", "message": "Placing files"}
    portal.script(QUEUED, answer({"number": 7, "status": "SUCCEEDED", "verified": True}), rows(step), rows())

    done = ask("deploy", "acme/prod/etl", "--image", "etl:1.4", "--wait")

    assert done.exit_code == 0, done.output
    assert "▸ activate  Placing files" in done.stderr
    assert done.stdout == "✓ Succeeded acme/prod/etl #7, verified\n"


def test_says_that_a_file_changed_while_it_was_sent(
    ask: Run, portal: ScriptedPortal, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.script(
        answer({"digest": "b1", "missing": [sha("one\n")]}),
        problem(400, "blob_mismatch", "The bytes do not hash to this."),
    )
    send_all = uploads._send_all

    def edit_first(*arguments: object) -> None:
        (dags / "one.py").write_text("1ne\n")
        send_all(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "_send_all", edit_first)

    done = ask("deploy", "acme/prod/etl", "--dags", "dags")

    assert done.exit_code == 4
    assert "one.py changed while it was being sent" in done.stderr


@pytest.mark.parametrize("text", ["longer than it was\n", "", None])
def test_says_that_a_file_grew_shrank_or_went_while_it_was_sent(
    text: str | None, ask: Run, portal: ScriptedPortal, dags: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.script(answer({"digest": "b1", "missing": [sha("one\n")]}))
    send_all = uploads._send_all

    def edit_first(*arguments: object) -> None:
        (dags / "one.py").unlink()
        if text is not None:
            (dags / "one.py").write_text(text)
        send_all(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "_send_all", edit_first)

    done = ask("deploy", "acme/prod/etl", "--dags", "dags")

    assert done.exit_code == 4
    assert "one.py changed while it was being sent" in done.stderr


def test_ends_at_the_first_refused_upload(ask: Run, portal: ScriptedPortal, dags: Path) -> None:
    portal.script(
        answer({"digest": "b1", "missing": [sha("one\n")]}), problem(413, "over_quota", "The quota of acme is used up.")
    )

    done = ask("deploy", "acme/prod/etl", "--dags", "dags")

    assert done.exit_code == 4
    assert "The quota of acme is used up. (over_quota)" in done.stderr


def test_does_not_send_for_ever(ask: Run, portal: ScriptedPortal, dags: Path) -> None:
    lacking = answer({"digest": "b1", "missing": [sha("one\n")]})
    portal.script(*[lacking, answer({}, 201)] * uploads.ROUNDS)

    done = ask("deploy", "acme/prod/etl", "--dags", "dags")

    assert done.exit_code == 1
    assert "still lacks files of dags" in done.stderr


@pytest.mark.parametrize("missing", [["0" * 64], "x", [7], [None]])
def test_sends_nothing_that_it_did_not_offer(missing: object, ask: Run, portal: ScriptedPortal, dags: Path) -> None:
    portal.script(answer({"digest": "b1", "missing": missing}))

    done = ask("deploy", "acme/prod/etl", "--dags", "dags")

    assert done.exit_code == 5
    assert len(portal.requests) == 1
