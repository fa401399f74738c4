"""What people see."""

from __future__ import annotations

from typing import Any

import pytest
from lastgood import dates, show
from lastgood.place import Place

PROD = Place("acme", "prod", "default")
NOON = dates.parse("2026-01-31T12:00:00Z")


def make_deploy(number: int = 7, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "dags",
        "status": "SUCCEEDED",
        "description": "Add orders",
        "actor": {"name": "ada", "kind": "person"},
        "git": {"commit": "c0ffee0123456789", "branch": "main"},
        "created_at": "2026-01-31T11:59:00Z",
        "started_at": "2026-01-31T11:59:01Z",
        "activated_at": "2026-01-31T11:59:02Z",
        "finished_at": "2026-01-31T11:59:03.500000Z",
        "verified": True,
        "error": None,
        **fields,
    }


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "now", lambda: NOON)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_history_shows_a_deploy_on_a_line_and_marks_the_live_one(capsys: pytest.CaptureFixture[str]) -> None:
    rollback = make_deploy(8, kind="rollback", restores=6, status="FAILED", verified=None)
    show.history({"results": [rollback, make_deploy(7)]}, live=7)

    heading, failed, live = shown(capsys).splitlines()
    assert heading.split() == ["#", "Status", "When", "Who", "Type", "Description", "Commit"]
    assert " ".join(failed.split()) == "8 ✗ Failed 1 min ago ada rollback to #6 Add orders c0ffee01"
    assert " ".join(live.split()) == "● 7 ✓ Succeeded 1 min ago ada DAGs Add orders c0ffee01"


def test_history_counts_what_is_collapsed(capsys: pytest.CaptureFixture[str]) -> None:
    run = {"count": 12, "first_at": "2026-01-31T01:00:00Z", "last_at": "2026-01-31T11:59:00Z"}
    show.history({"results": [make_deploy(run=run), make_deploy(run={"count": 1})]}, live=None)

    _, collapsed, single = shown(capsys).splitlines()
    assert "1 min ago ×12" in collapsed
    assert "×" not in single


def test_history_cuts_only_descriptions_where_the_width_is_short(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show.history({"results": [make_deploy(verified=None, description="word " * 40)]}, live=7)

    _, line = shown(capsys).splitlines()
    assert line.startswith("●  7  ✓ Succeeded, not verified  1 min ago  ada  DAGs  word")
    assert line.rstrip().endswith("…  c0ffee01")
    assert len(line) <= 80


def test_history_says_that_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    show.history({"results": []}, live=None)

    assert shown(capsys) == "Nothing was deployed here yet.\n"


def test_history_keeps_what_people_wrote_as_they_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[bold red]alarm[/] [link=https://evil.example]x[/link] :boom: \x1b[2J\x1b]0;t\x07\u202eend\nsecond"
    show.history({"results": [make_deploy(description=hostile, actor={"name": "\x1b[31mada"})]}, live=None)

    printed = shown(capsys)
    assert "[bold red]alarm[/] [link=https://evil.example]x[/link] :boom: end second" in printed
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 2


def test_history_says_when_a_success_was_not_verified(capsys: pytest.CaptureFixture[str]) -> None:
    show.history({"results": [make_deploy(verified=None)]}, live=None)

    assert "✓ Succeeded, not verified" in shown(capsys)


def test_history_survives_rows_that_say_little(capsys: pytest.CaptureFixture[str]) -> None:
    show.history({"results": [{"number": 1}, {"number": 2, "actor": None, "git": None, "status": "NEW"}]}, live=1)

    assert "? Unknown" in shown(capsys)


@pytest.mark.parametrize(
    ("deploy", "line"),
    [
        (make_deploy(), "✓ Succeeded acme/prod/default #7, verified, 2.5 s"),
        (
            make_deploy(verified=None, verification="No platform is connected."),
            "✓ Succeeded acme/prod/default #7, not verified: No platform is connected, 2.5 s",
        ),
        (
            make_deploy(verified=None, verification="Not verified: no platform connected."),
            "✓ Succeeded acme/prod/default #7, not verified: no platform connected, 2.5 s",
        ),
        (
            make_deploy(status="HELD", finished_at=None, held_reason="Rolled back to #6."),
            "‖ Held acme/prod/default #7: Rolled back to #6.",
        ),
        (make_deploy(status="QUEUED", finished_at=None), "… Queued acme/prod/default #7"),
    ],
)
def test_outcome_says_in_a_line_how_it_stands(
    deploy: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show.outcome(show.output(), PROD, deploy)

    assert shown(capsys) == f"{line}\n"


def test_outcome_says_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    error = {"code": "load_failed", "detail": "ImportError: no module\n  File [red]x[/red]", "step": "VERIFY"}
    show.outcome(show.output(), PROD, make_deploy(status="FAILED", error=error))

    assert shown(capsys).splitlines()[1:] == [
        "  VERIFY: ImportError: no module (load_failed)",
        "    File [red]x[/red]",
    ]


def test_deploy_shows_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    release = {
        "digest": "d1",
        "image": "etl:1.4",
        "runtime_version": "3.1",
        "bundles": [{"mount": "dags", "digest": "b1", "version": "v9", "from_deploy": 5}],
    }
    show.deploy(
        PROD,
        make_deploy(
            release=release,
            assets={"added": 1, "removed": 0, "changed": 2},
            applied={"image": False, "bundles": True},
            restorable={"code": "artifact_gone", "detail": "Its image is gone."},
            metadata={"ticket": "[b]OPS-1[/b]"},
        ),
    )

    printed = shown(capsys)
    for said in (
        "acme/prod/default #7  ✓ Succeeded", "etl:1.4", "dags  v9  from #5", "c0ffee0123456789 main",
        "Assets          +1 ~2", "Not applied     image", "not possible: Its image is gone.",
        "[b]OPS-1[/b]",
    ):  # fmt: skip
        assert said in printed


def test_deploy_shows_the_first_assets_that_it_changed(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        {"key": "a/new", "kind": "added", "change_types": []},
        {"key": "b/\x1b[31mgone", "kind": "removed", "change_types": []},
        {"key": "c/[red]changed", "kind": "changed", "change_types": ["CODE_VERSION", "TAGS"]},
    ]
    changes = {"results": steps, "recorded": [{"compared_with": 6, "note": "3 assets were left out."}]}
    show.deploy(PROD, make_deploy(assets={"added": 3, "removed": 1, "changed": 5}), changes)

    said = [line.strip() for line in shown(capsys).splitlines()]
    assert said[said.index("Assets        +3 −1 ~5") :][1:6] == [
        "+ a/new",
        "- b/gone",
        "~ c/[red]changed  CODE_VERSION TAGS",
        "… and 6 more; `lastgood compare` shows all",
        "3 assets were left out.",
    ]


@pytest.mark.parametrize(
    ("assets", "changes", "said"),
    [
        ({"added": 2, "removed": 0, "changed": 0}, {"results": [], "recorded": [{"compared_with": None}]},
         "+2, the first that are known"),
        ({"added": 0, "removed": 0, "changed": 0}, {"results": [], "recorded": [{"compared_with": 6}]},
         "nothing changed"),
        ({"added": 0, "removed": 1, "changed": 0}, None, "−1"),
    ],
)  # fmt: skip
def test_deploy_says_in_a_word_what_it_changed(
    assets: dict[str, int], changes: dict[str, Any] | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show.deploy(PROD, make_deploy(assets=assets), changes)

    line = next(line for line in shown(capsys).splitlines() if line.startswith("Assets"))
    assert line.split(maxsplit=1)[1].strip() == said


def test_deploy_says_nothing_of_assets_while_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    show.deploy(PROD, make_deploy(assets=None))

    assert "Assets" not in shown(capsys)


def test_history_counts_assets_where_anybody_knows_them(capsys: pytest.CaptureFixture[str]) -> None:
    known = make_deploy(8, assets={"added": 3, "removed": 1, "changed": 5})
    same = make_deploy(7, assets={"added": 0, "removed": 0, "changed": 0})
    show.history({"results": [known, same, make_deploy(6, assets=None)]}, live=None)

    heading, *lines = (" ".join(line.split()) for line in shown(capsys).splitlines())
    assert heading == "# Status When Who Type Assets Description Commit"
    assert [line.split("DAGs ")[1] for line in lines] == [
        "+3 −1 ~5 Add orders c0ffee01",
        "±0 Add orders c0ffee01",
        "Add orders c0ffee01",
    ]


def test_location_shows_three_facts_and_the_hold(capsys: pytest.CaptureFixture[str]) -> None:
    hold = {"reason": "Month-end", "created_by": "ada", "until": None}
    show.location(PROD, {"wanted_deploy": 3, "placed_deploy": 3, "live_deploy": 2, "last_good": 1, "hold": hold})

    printed = shown(capsys)
    assert "Last good  #1" in printed
    assert "Hold       Month-end, by ada" in printed
    assert "#3 is in place and did not go live; #2 was the last live." in printed


def test_location_shows_an_empty_place(capsys: pytest.CaptureFixture[str]) -> None:
    show.location(PROD, {"wanted_deploy": None, "placed_deploy": None, "live_deploy": None, "hold": None})

    printed = shown(capsys)
    assert "Live       –" in printed
    assert "Hold       none" in printed
    assert "in place" not in printed


def test_log_shows_each_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    show.log({"seq": 1, "at": "2026-01-31T11:59:00Z", "kind": "STEP", "step": "ACTIVATE", "message": "Placing"})
    show.log(
        {"seq": 2, "at": "2026-01-31T11:59:00Z", "kind": "LOG", "message": "[x] one\n\x1b[31mtwo", "level": "ERROR"}
    )
    show.log({"seq": 3, "at": None, "kind": "LOG", "message": "y" * 500})

    step, one, two, long = shown(capsys).splitlines()
    moment = dates.time_of_day("2026-01-31T11:59:00Z")
    assert step == f"{moment}  ▸ activate  Placing"
    assert one == f"{moment}    [x] one"
    assert two == f"{moment}    two"
    assert long.endswith("y" * 500)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-01-31T12:00:00Z", "just now"),
        ("2026-01-31T12:00:09Z", "just now"),
        ("2026-01-31T11:59:01Z", "59 s ago"),
        ("2026-01-31T11:00:01Z", "59 min ago"),
        ("2026-01-31T13:00:00+02:00", "1 h ago"),
        ("2026-01-29T11:00:00Z", "2 d ago"),
        ("2025-10-15T12:00:00Z", "2025-10-15"),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_says_how_long_ago_it_was(moment: str | None, words: str) -> None:
    assert NOON is not None
    assert dates.ago(moment, at=NOON) == words
