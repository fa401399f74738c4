"""Talking to a portal: retries, keys, refusals, and what is no portal."""

from __future__ import annotations

import socket
from datetime import timedelta
from email.utils import format_datetime

import pytest
from lastgood import dates, retries
from lastgood.api import Portal
from lastgood.exits import REFUSED, UNREACHABLE
from lastgood.problems import NotAPortal, NotUnderstood, Refused, Unreachable

from .scripted_portal import SILENCE, ScriptedPortal, answer, page, problem, rows

DONE = answer({"number": 7}, 202)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def talk(portal: ScriptedPortal, waits: list[float]) -> Portal:
    return Portal(portal.url, "lg_secret", sleep=waits.append)


def keys(portal: ScriptedPortal) -> list[str]:
    return [request.headers["Idempotency-Key"] for request in portal.requests]


@pytest.mark.parametrize(
    "trouble",
    [SILENCE, page("Bad gateway", 502), problem(503, "database_busy", "Busy."), page("Timeout", 504),
     problem(429, "throttled", "Slow down."), problem(409, "in_progress", "Still at it.")],
)  # fmt: skip
def test_tries_again_with_the_same_key_and_body(trouble: object, talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(trouble, trouble, trouble, DONE)  # type: ignore[arg-type]

    done = talk.write("/x/", {"a": 1})

    assert (done.status, done.document) == (202, {"number": 7})
    assert len(set(keys(portal))) == 1
    assert {request.body for request in portal.requests} == {portal.requests[0].body}


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(SILENCE, UNREACHABLE), (page("Bad gateway", 502), UNREACHABLE),
     (problem(429, "throttled", "Slow down."), REFUSED), (problem(409, "in_progress", "Still."), REFUSED)],
)  # fmt: skip
def test_gives_up_after_four_tries(trouble: object, code: int, talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(*[trouble] * 9)  # type: ignore[list-item]

    with pytest.raises((Refused, Unreachable)) as end:
        talk.write("/x/", {})

    assert end.value.exit_code == code
    assert len(portal.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_does_not_try_again_what_is_refused(status: int, talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(problem(status, "outdated", "#9 is live, not #7."))

    with pytest.raises(Refused, match=r"#9 is live, not #7\. \(outdated\)") as refusal:
        talk.write("/x/", {})

    assert refusal.value.exit_code == REFUSED
    assert (refusal.value.code, refusal.value.status) == ("outdated", status)
    assert len(portal.requests) == 1


def test_does_not_try_again_what_the_portal_broke_on(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(page("<h1>Server Error</h1>", 500))

    with pytest.raises(Unreachable, match="POST /api/v1/x/ was answered with 500"):
        talk.write("/x/", {})
    assert len(portal.requests) == 1


def test_uses_another_key_for_another_write_and_another_invocation(portal: ScriptedPortal) -> None:
    portal.script(DONE, DONE, DONE)

    with Portal(portal.url) as first, Portal(portal.url) as second:
        first.write("/x/", {})
        first.write("/x/", {})
        second.write("/x/", {})

    assert len(set(keys(portal))) == 3


def test_waits_longer_each_time(
    talk: Portal, portal: ScriptedPortal, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "BACKOFF", (0.5, 1.0, 2.0))
    portal.script(SILENCE, SILENCE, SILENCE, DONE)

    talk.write("/x/", {})

    assert waits == [pytest.approx(pause, rel=0.21) for pause in (0.5, 1.0, 2.0)]


def test_waits_as_long_as_the_portal_asks(talk: Portal, portal: ScriptedPortal, waits: list[float]) -> None:
    soon = format_datetime(dates.now() + timedelta(seconds=30))
    portal.script(
        problem(429, "throttled", "Slow down.", Retry_After="7"),
        problem(503, "database_busy", "Busy.", Retry_After=soon),
        problem(503, "database_busy", "Busy.", Retry_After="whenever"),
        DONE,
    )

    talk.write("/x/", {})

    assert waits == [7.0, pytest.approx(29, abs=2), 0.0]


def test_does_not_wait_for_hours(talk: Portal, portal: ScriptedPortal, waits: list[float]) -> None:
    portal.script(problem(429, "throttled", "Slow down.", Retry_After="7200"))

    with pytest.raises(Refused, match="Slow down"):
        talk.write("/x/", {})
    assert waits == []


def test_says_that_nobody_answers() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(Unreachable, match=f"{url} cannot be reached: "):
        Portal(url).read("/x/")


def test_sends_the_token(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(answer({}))

    talk.read("/x/")

    assert portal.requests[0].headers["Authorization"] == "Bearer lg_secret"
    assert portal.requests[0].headers["User-Agent"].startswith("lastgood/")


def test_follows_no_redirect(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(answer({}, 302, Location="https://user:pw@login.example/next?token=x"))

    with pytest.raises(NotAPortal, match=r"a redirect to https://login\.example/next\. Use") as refusal:
        talk.read("/x/")

    assert refusal.value.exit_code == UNREACHABLE
    assert len(portal.requests) == 1


@pytest.mark.parametrize("text", ["<html>Welcome</html>", "[1, 2]", "{", "\x00"])
def test_knows_what_is_no_portal(text: str, talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(page(text))

    with pytest.raises(NotAPortal, match="does not look like a Lastgood portal"):
        talk.read("/x/")


def test_says_that_a_path_is_not_the_portal_s(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(page("<h1>Not Found</h1>", 404))

    with pytest.raises(Refused, match="does not look like a Lastgood portal: GET /api/v1/x/ was answered with 404"):
        talk.read("/x/")


@pytest.mark.parametrize("list_of", [{"results": "x"}, {"results": [1]}, {}])
def test_says_that_a_list_is_none(list_of: dict[str, object], talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(answer(list_of))

    with pytest.raises((NotAPortal, NotUnderstood)):
        talk.rows("/x/")


def test_names_the_fields_that_are_wrong(talk: Portal, portal: ScriptedPortal) -> None:
    errors = [{"field": "image", "detail": "Too long."}, {"field": "git.url", "detail": "Not a URL."}, "odd"]
    portal.script(answer({"detail": "Look.", "code": "invalid", "errors": errors}, 400))

    with pytest.raises(Refused) as refusal:
        talk.write("/x/", {})

    assert refusal.value.message.splitlines() == ["Look. (invalid)", "  image: Too long.", "  git.url: Not a URL."]


def test_says_what_was_asked_for_when_it_is_absent(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(problem(404, "not_found", "Nothing here."))

    with pytest.raises(Refused, match="Asked for: /api/v1/organizations/acme/"):
        talk.read("/organizations/acme/")


def test_does_not_let_a_refusal_command_the_terminal(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(problem(403, "no", "\x1b]0;owned\x07[red]No[/red]"))

    with pytest.raises(Refused) as refusal:
        talk.read("/x/")
    assert refusal.value.format_message() == "[red]No[/red] (no)"


def test_reads_pages_up_to_the_limit_and_stays_with_its_own_host(talk: Portal, portal: ScriptedPortal) -> None:
    elsewhere = "http://elsewhere.example/api/v1/x/?cursor=abc&collapse=true&limit=200"
    portal.script(
        rows(*({"n": n} for n in range(200)), following=elsewhere), rows(*({"n": n} for n in range(200, 250)))
    )

    found = talk.listed("/x/", {"collapse": "true"}, limit=230)

    assert [row["n"] for row in found["results"]] == list(range(230))
    assert [request.query for request in portal.requests] == [
        {"collapse": ["true"], "limit": ["200"]},
        {"collapse": ["true"], "limit": ["30"], "cursor": ["abc"]},
    ]


def test_gives_a_single_page_as_it_came(talk: Portal, portal: ScriptedPortal) -> None:
    document = {"next": "http://x/?cursor=abc", "previous": None, "results": [{"n": 1}, {"n": 2}], "other": 1}
    portal.script(answer(document))

    assert talk.listed("/x/", limit=2) == document


def test_sends_bytes_anew_at_each_try(talk: Portal, portal: ScriptedPortal) -> None:
    portal.script(page("Bad gateway", 502), answer({}, 201))

    talk.put_bytes("/blobs/abc", {"organization": "acme"}, size=6, content=lambda: iter([b"one", b"two"]))

    assert [request.body for request in portal.requests] == [b"onetwo", b"onetwo"]
    assert portal.requests[0].headers["Content-Length"] == "6"
    assert portal.requests[0].query == {"organization": ["acme"]}


def test_keeps_a_prefix_of_the_portal_s_address(portal: ScriptedPortal) -> None:
    portal.script(answer({}))

    with Portal(f"{portal.url}/tools/lastgood") as talk:
        talk.read("/organizations/a%2Fb/")

    assert portal.requests[0].path == "/tools/lastgood/api/v1/organizations/a%2Fb/"
