"""The operator's command, run by a real worker …"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from deployments.drivers import target_path
from deployments.execution import left_behind
from deployments.models import Deploy
from deployments.states import DeployStatus
from tests.factories import deploy, fresh, make_location, push
from tests.settings.commands import command, is_running, wait_for
from tests.workers import finished, running_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


# The first run of it would go on for a long time; it knows by this trace that it is the first.
SLOW_AT_FIRST = "echo $$ >> {folder}/running; [ $(wc -l < {folder}/running) -gt 1 ] || exec sleep 600"


def first_run(folder: Path) -> int:
    """Wait until the command runs, and answer its process."""
    note = folder / "running"
    return int(wait_for(lambda: note.exists() and note.read_text().strip()))


def said(made: Deploy) -> str:
    """Answer the deploy's log."""
    return "\n".join(made.events.order_by("seq").values_list("message", flat=True))


def test_that_is_killed_meanwhile_is_run_again_by_another_one(broker: str, tmp_path: Path):
    location = make_location()
    command(location, tmp_path, SLOW_AT_FIRST.format(folder=tmp_path))
    made = push(location, {"a.py": b"1"})

    with running_worker(broker, tmp_path / "killed.log", beat=False) as killed:
        first_run(tmp_path)
        killed.send(signal.SIGKILL)
        wait_for(lambda: not killed.alive)
    with running_worker(broker, tmp_path / "healthy.log"):
        ended = finished(made)

    assert ended.status == DeployStatus.SUCCEEDED, ended.error
    assert "another took over at step Run the command" in said(made)
    assert len((tmp_path / "running").read_text().split()) == 2
    assert fresh(location).live_deploy == ended


def test_whose_worker_was_taken_for_dead_never_runs_twice_at_once(broker: str, tmp_path: Path):
    location = make_location()
    command(location, tmp_path, SLOW_AT_FIRST.format(folder=tmp_path))
    made = push(location, {"a.py": b"1"})

    with running_worker(broker, tmp_path / "zombie.log", beat=False) as zombie:
        first = first_run(tmp_path)
        zombie.send(signal.SIGSTOP)
        with running_worker(broker, tmp_path / "healthy.log"):
            ended = finished(made)
        still_there = is_running(first)
        zombie.send(signal.SIGCONT)
        wait_for(lambda: "is somebody else's now" in zombie.log.read_text())

    assert ended.status == DeployStatus.SUCCEEDED, ended.error
    assert not still_there
    assert "Ended what an earlier worker had left running." in said(made)
    assert Deploy.objects.get(pk=made.pk).finished_at == ended.finished_at


def test_ends_what_another_one_left_behind_and_nothing_else(tmp_path: Path):
    """The number of a process may be somebody else's by now."""
    note = tmp_path / "note"
    processes = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(2)]
    try:
        left_behind.remember(note, processes[0].pid)
        note.write_text(note.read_text().replace(str(processes[0].pid), str(os.getpid())))
        assert not left_behind.end(note)
        left_behind.remember(note, processes[0].pid)
        assert left_behind.end(note)
        assert processes[0].wait(10) == -signal.SIGKILL
        assert not left_behind.end(note)
        assert processes[1].poll() is None
        for nonsense in ("", "a", "a b c d", "host x y", "\0"):
            note.write_text(nonsense)
            assert not left_behind.end(note)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_leaves_no_note_behind(tmp_path: Path):
    location = make_location()
    command(location, tmp_path, ":")
    made = deploy(location, {"a.py": b"1"})

    assert made.status == DeployStatus.SUCCEEDED
    assert not (target_path(location) / ".lastgood" / "command").exists()
