"""The operator's command …"""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from deployments import drivers, execution
from deployments.models import CodeLocation, Deploy
from deployments.states import DeployStatus
from tests.factories import ask_rollback, carry_out, deploy, fresh, noon, push, roll_back
from tests.operations.asking import ONE, THREE, TWO, current, lines, look_again, push_parts, retry, settle
from tests.operations.brokers import silent_broker
from tests.operations.scripted_platform import FAILED, ScriptedPlatform, Served
from tests.settings.acting import secret, set_up
from tests.settings.commands import command, is_running, wait_for

__all__ = ["silent_broker"]
pytestmark = [pytest.mark.django_db]

SECRET = "p4ssw0rd-of-the-lake"
IMAGE = "registry.example/shop:2"


def test_a9_runs_after_the_swap_and_is_told_where_everything_lies(location, tmp_path):
    told = tmp_path / "told"
    command(location, tmp_path, f'env > {told}; pwd > {told}.pwd; cat "$LASTGOOD_SETTINGS/env" > {told}.env; echo "$@"')

    made = set_up(location, parts={"image": IMAGE, "runtime_version": "3.1-2"}, env={"A": secret(SECRET)})

    assert made.status == DeployStatus.SUCCEEDED, made.error
    variables = dict(line.split("=", 1) for line in told.read_text().splitlines())
    folder = str(current(location).parent)
    assert {name: value for name, value in variables.items() if name.startswith("LASTGOOD_")} == {
        "LASTGOOD_PLACE": "acme/production/shop",
        "LASTGOOD_DEPLOY": "1",
        "LASTGOOD_RELEASE": made.release.digest,
        "LASTGOOD_FOLDER": folder,
        "LASTGOOD_SETTINGS": f"{folder}/current/.lastgood",
        "LASTGOOD_IMAGE": IMAGE,
        "LASTGOOD_RUNTIME_VERSION": "3.1-2",
        "LASTGOOD_CHANGED": "settings image runtime_version",
    }
    assert Path(f"{told}.pwd").read_text().strip() == folder
    assert Path(f"{told}.env").read_text() == f"A={SECRET}\n"


def test_knows_nothing_of_the_portals_own_environment(location, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", f"postgres://lastgood:{SECRET}@db/lastgood")
    command(location, tmp_path, f"env > {tmp_path}/told")

    deploy(location, ONE)

    told = (tmp_path / "told").read_text()
    assert SECRET not in told
    assert "PATH=" in told


def test_is_words_and_no_shell(location, tmp_path):
    command(location, tmp_path, 'printf "%s|" "$@"', words="'a b' $HOME; touch x && `id` *")

    made = deploy(location, ONE)

    assert "a b|$HOME;|touch|x|&&|`id`|*|" in lines(made)
    assert not (current(location).parent / "x").exists()


def test_says_in_the_log_what_it_does_and_no_secret(location, tmp_path):
    key = "-----BEGIN-----\nMIIEowIBAAKCAQEA\n-----END-----\n"
    quoted = "it\"s \\ a 'secret'"
    command(
        location,
        tmp_path,
        'set -x; . "$LASTGOOD_SETTINGS/env"; echo "$A-$KEY"; cat "$LASTGOOD_SETTINGS/"*; echo fin >&2',
    )

    made = set_up(location, env={"A": secret(SECRET), "KEY": secret(key), "Q": secret(quoted), "PUBLIC": "shown"})

    said = lines(made)
    assert made.status == DeployStatus.SUCCEEDED, made.error
    assert "•••" in said
    assert "fin" in said
    assert "PUBLIC" in said
    assert "shown" in said
    for hidden in (SECRET, "MIIEowIBAAKCAQEA", 'it"s', "'secret'"):
        assert hidden not in said, hidden


def test_cuts_no_secret_in_two_at_the_end_of_a_line_that_is_too_long(location, tmp_path):
    command(location, tmp_path, '. "$LASTGOOD_SETTINGS/env"; printf "%1990s%s%5000s%s" "" "$A" "" "$A"')

    made = set_up(location, env={"A": secret(SECRET)})

    said = lines(made)
    assert "•••" in said
    assert SECRET[:4] not in said


def test_tells_the_first_and_the_last_lines_of_many(location, tmp_path):
    command(location, tmp_path, "seq 1 5000; echo the reason >&2; exit 3")

    failed = deploy(location, ONE)

    said = lines(failed).splitlines()
    assert (failed.status, failed.error["code"]) == (DeployStatus.FAILED, "command_failed")
    assert "apply.sh ended with 3" in failed.error["detail"]
    assert [line for line in said if line == "200"] == ["200"]
    assert "201" not in said
    assert "the reason" in said
    assert "5000" in said
    assert any("4781 lines are left out" in line for line in said)
    assert len(said) < 240


@pytest.mark.parametrize("ends", ["exit 1", "kill -9 $$", "exec false"])
def test_that_fails_fails_the_deploy_which_stays_in_place(location, tmp_path, ends):
    deploy(location, ONE)
    command(location, tmp_path, ends)

    failed = deploy(location, TWO)

    assert (failed.status, failed.error["code"], failed.error["step"]) == ("FAILED", "command_failed", "COMMAND")
    assert failed.activated_at is not None
    now = fresh(location)
    assert (now.placed_deploy, now.live_deploy.number, now.wanted_deploy) == (failed, 1, failed)
    assert (current(location) / "dags" / "a.py").read_bytes() == TWO["a.py"]


def test_that_failed_is_run_again_by_a_retry_and_by_a_rollback(location, tmp_path):
    deploy(location, ONE)
    script = command(location, tmp_path, "exit 1")
    failed = deploy(location, TWO)
    script.write_text(f'#!/bin/sh\necho "$LASTGOOD_DEPLOY $LASTGOOD_CHANGED" >> {tmp_path}/told\n')

    retried = carry_out(retry(failed))
    back = roll_back(location, 1)

    assert (retried.status, back.status) == (DeployStatus.SUCCEEDED, DeployStatus.SUCCEEDED)
    # Of what failed nobody knows what it applied.
    assert (tmp_path / "told").read_text().splitlines() == ["3 settings image runtime_version", "4 "]


def test_is_told_what_changed_since_it_ran_last(location, tmp_path):
    deploy(location, ONE)  # it did not run then
    command(location, tmp_path, f'echo "$LASTGOOD_DEPLOY $LASTGOOD_CHANGED" >> {tmp_path}/told')

    deploy(location, TWO)
    set_up(location, env={"A": "1"})
    carry_out(push_parts(location, image=IMAGE))
    carry_out(push_parts(location, bundles={"dags": THREE}, runtime_version="2"))
    roll_back(location, 3)

    assert (tmp_path / "told").read_text().splitlines() == [
        "2 settings image runtime_version",
        "3 settings",
        "4 image",
        "5 runtime_version",
        "6 image runtime_version",
    ]


def test_a9_that_failed_after_new_settings_is_told_of_them_when_the_old_ones_come_back(location, tmp_path):
    """What is live has the old ones; what was applied last has not."""
    command(
        location, tmp_path, f'. "$LASTGOOD_SETTINGS/env"; echo "$A: $LASTGOOD_CHANGED" >> {tmp_path}/told; [ $A != 2 ]'
    )
    set_up(location, env={"A": "1"})
    failed = set_up(location, env={"A": "2"})

    roll_back(location, 1)

    assert failed.status == DeployStatus.FAILED
    assert (tmp_path / "told").read_text().splitlines()[-1].startswith("1: settings")


def test_that_had_ended_when_the_platform_said_no_is_known_to_have_applied_all(location, tmp_path, monkeypatch):
    """Files that do not import are no reason to restart everything when they are left."""
    command(location, tmp_path, f'echo "$LASTGOOD_DEPLOY $LASTGOOD_CHANGED" >> {tmp_path}/told')
    platform = ScriptedPlatform()
    platform.serves, platform.reloads = Served("server-0", 0), [Served("server-1", 1), FAILED, Served("server-2", 1)]
    monkeypatch.setattr(drivers, "platform_for", lambda location: platform)
    type(location.deployment).objects.update(platform="dagster", platform_url="http://127.0.0.1:3000")
    deploy(location, ONE)
    broken = deploy(location, TWO)

    roll_back(location, 1)

    assert (broken.status, broken.error["step"]) == (DeployStatus.FAILED, "VERIFY")
    assert (tmp_path / "told").read_text().splitlines() == ["1 settings image runtime_version", "2 ", "3 "]


def test_that_takes_too_long_is_killed_with_its_children(location, tmp_path):
    command(location, tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; echo started; wait", patience=1)

    began = time.monotonic()
    failed = deploy(location, ONE)

    assert (failed.status, failed.error["code"]) == (DeployStatus.FAILED, "command_timed_out")
    assert "within 1 s" in failed.error["detail"]
    assert "started" in lines(failed)
    assert time.monotonic() - began < 15
    child = int((tmp_path / "child").read_text())
    wait_for(lambda: not is_running(child))


def test_that_says_nothing_more_is_not_waited_for_beyond_its_patience(location, tmp_path):
    command(location, tmp_path, "exec >&- 2>&-; sleep 600", patience=1)

    began = time.monotonic()
    failed = deploy(location, ONE)

    assert failed.error["code"] == "command_timed_out"
    assert time.monotonic() - began < 15


def test_may_leave_a_server_running_that_talks_on(location, tmp_path):
    """It restarted something, which has inherited its output, and never stops talking."""
    talks = f"(trap '' PIPE; while :; do echo noise; sleep 0.01; done) & echo $! > {tmp_path}/server; echo done"
    command(location, tmp_path, talks, patience=60)

    began = time.monotonic()
    made = deploy(location, ONE)

    server = int((tmp_path / "server").read_text())
    try:
        assert made.status == DeployStatus.SUCCEEDED, made.error
        assert "done" in lines(made)
        assert time.monotonic() - began < 30
        assert is_running(server)
    finally:
        os.kill(server, signal.SIGKILL)


@pytest.mark.parametrize(
    ("said", "word"),
    [("/nowhere/to-be-found", "No such file"), ("'unfinished", "quotation"), ("   ", "no words")],
)
def test_that_cannot_be_run_fails_in_plain_words(location, said, word):
    type(location.deployment).objects.update(activation_command=said)

    failed = deploy(location, ONE)

    assert (failed.status, failed.error["code"]) == (DeployStatus.FAILED, "command_unusable")
    assert word in failed.error["detail"]


def test_runs_again_for_what_was_put_back(location, tmp_path):
    command(location, tmp_path, f'echo "$LASTGOOD_DEPLOY $LASTGOOD_CHANGED" >> {tmp_path}/told')
    made = deploy(location, ONE)
    current(location).unlink()

    settle(location)

    assert (current(location) / "dags" / "a.py").exists()
    assert (tmp_path / "told").read_text().splitlines()[-1] == "1 settings image runtime_version"
    assert "put back" in lines(made)


def test_that_fails_for_what_was_put_back_is_told_in_its_log(location, tmp_path):
    script = command(location, tmp_path, ":")
    made = deploy(location, ONE)
    script.write_text("#!/bin/sh\nexit 7\n")
    current(location).unlink()

    settle(location)

    assert "ended with 7" in lines(made)
    assert fresh(location).drift == ""


@pytest.mark.django_db(transaction=True)
def test_of_a_deploy_that_is_overtaken_is_ended(location, tmp_path):
    command(
        location, tmp_path, f"[ $LASTGOOD_DEPLOY = 2 ] || exit 0; echo $$ > {tmp_path}/running; sleep 600", patience=100
    )
    deploy(location, ONE)
    slow = push(location, TWO)
    worker = threading.Thread(target=execution.carry_out, args=(slow.pk,), kwargs={"clock": noon})
    worker.start()
    process = wait_for(lambda: (tmp_path / "running").exists() and (tmp_path / "running").read_text().strip())

    back = carry_out(ask_rollback(CodeLocation.objects.get(), 1))
    worker.join(30)

    assert not worker.is_alive()
    wait_for(lambda: not is_running(int(process)))
    assert back.status == DeployStatus.SUCCEEDED, back.error
    assert Deploy.objects.get(pk=slow.pk).status == DeployStatus.SUPERSEDED


def test_is_not_run_by_whoever_looks_again_at_what_has_ended(location, tmp_path):
    command(location, tmp_path, f"echo x >> {tmp_path}/told")
    made = deploy(location, ONE)

    look_again(made)

    assert (tmp_path / "told").read_text() == "x\n"
