"""Signing in and out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from lastgood import config
from lastgood.config import Login

from .conftest import Run
from .scripted_portal import SILENCE, Scripted, ScriptedPortal, answer, problem

TOKEN = answer({"token": "lg_fresh", "expiry": "2030-01-31T12:00:00Z"}, 201)


def test_login_stores_the_token_and_never_shows_it(
    run: Run, portal: ScriptedPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTGOOD_PASSWORD", "hunter2")
    portal.script(TOKEN)

    done = run("login", "--url", portal.url, "--username", "ada", "--name", "laptop")

    assert done.exit_code == 0, done.output
    assert portal.asked() == ["POST /auth/token/"]
    assert portal.requests[0].document == {"username": "ada", "password": "hunter2", "name": "laptop"}
    assert config.stored() == Login(portal.url, "lg_fresh", "2030-01-31T12:00:00Z")
    assert stat.S_IMODE(config.path().stat().st_mode) == 0o600
    assert "lg_fresh" not in done.output
    assert "hunter2" not in done.output
    assert f"Signed in to {portal.url} as ada until 2030-01-31" in done.stdout


def test_login_reads_the_password_from_standard_input(run: Run, portal: ScriptedPortal) -> None:
    portal.script(TOKEN)

    done = run("login", "--url", portal.url, "--username", "ada", "--json", input="hunter2\nrest\n")

    assert done.exit_code == 0, done.output
    assert portal.requests[0].document["password"] == "hunter2"
    assert "lg_fresh" not in done.output
    assert '"expiry": "2030-01-31T12:00:00Z"' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["--username", "ada"], "--url"),
        (["--url", "http://localhost:1"], "--username"),
        (["--url", "http://localhost:1", "--username", "ada"], "LASTGOOD_PASSWORD"),
        (["--url", "localhost", "--username", "ada"], "http://"),
    ],
)
def test_login_never_prompts_without_a_terminal(arguments: list[str], missing: str, run: Run) -> None:
    done = run("login", *arguments, input="")

    assert done.exit_code == 2
    assert missing in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="There are no pseudo-terminals.")
def test_login_asks_on_a_terminal_and_shows_no_password(portal: ScriptedPortal) -> None:
    portal.script(TOKEN)
    terminal, inner = os.openpty()

    with subprocess.Popen(
        [sys.executable, "-m", "lastgood.main", "login", "--url", portal.url],
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as login:
        assert login.stderr is not None
        said = b""
        for question, words in ((b"User name: ", b"ada"), (b"Password: ", b"hunter2")):
            while not said.endswith(question):
                byte = login.stderr.read(1)
                assert byte, said
                said += byte
            os.write(terminal, words + b"\n")
        stdout, stderr = login.communicate(timeout=60)

    assert login.returncode == 0, stderr
    assert b"hunter2" not in stdout + said + stderr
    assert portal.requests[0].document["password"] == "hunter2"


def test_login_keeps_nothing_when_it_is_refused(run: Run, portal: ScriptedPortal) -> None:
    portal.script(problem(401, "wrong_password", "User name or password is wrong."))

    done = run("login", "--url", portal.url, "--username", "ada", input="wrong\n")

    assert done.exit_code == 4
    assert done.stderr.splitlines()[-1] == "Error: User name or password is wrong. (wrong_password)"
    assert config.stored() is None


@pytest.mark.parametrize("token", [answer({"expiry": None}), answer({"token": "lg_\nx"})])
def test_login_keeps_no_token_that_is_none(token: Scripted, run: Run, portal: ScriptedPortal) -> None:
    portal.script(token)

    done = run("login", "--url", portal.url, "--username", "ada", input="hunter2\n")

    assert done.exit_code in (2, 5)
    assert config.stored() is None


def test_login_warns_of_a_connection_that_others_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTGOOD_TOKEN", "lg_env")

    done = run("login", "--url", "http://lastgood.invalid", "--username", "ada", input="")

    assert "not encrypted" in done.stderr


def test_logout_revokes_and_forgets(run: Run, portal: ScriptedPortal) -> None:
    config.store(Login(portal.url, "lg_stored"))
    portal.script(Scripted(204))

    done = run("logout")

    assert done.exit_code == 0, done.output
    assert portal.asked() == ["DELETE /auth/token/"]
    assert portal.requests[0].headers["Authorization"] == "Bearer lg_stored"
    assert config.stored() is None


def test_logout_is_content_with_a_token_that_is_not_valid_any_more(run: Run, portal: ScriptedPortal) -> None:
    config.store(Login(portal.url, "lg_stored"))
    portal.script(problem(401, "not_signed_in", "Expired."))

    assert run("logout").exit_code == 0
    assert config.stored() is None


def test_logout_says_that_the_portal_was_not_told(run: Run, portal: ScriptedPortal) -> None:
    config.store(Login(portal.url, "lg_stored"))
    portal.script(*[SILENCE] * 4)

    done = run("logout")

    assert done.exit_code == 5
    assert "the token is not revoked" in done.stderr
    assert config.stored() is None


def test_logout_of_nobody_is_done(run: Run) -> None:
    done = run("logout")

    assert done.exit_code == 0
    assert done.stdout == "You were not signed in.\n"
