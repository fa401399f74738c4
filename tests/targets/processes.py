"""Processes that act on a directory target, and a look at what they leave behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import time_machine

from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import (
    activate,
    assert_nothing_half_done,
    contents_below,
    digest_of,
    make_release,
    numbered,
)

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 30  # seconds for what takes milliseconds, on a machine that does much else


@contextmanager
def acting(scene: str, target: DirectoryTarget, number: int, *more: object) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "tests.targets.actor",
        scene,
        str(target.root),
        str(number),
        *map(str, more),
    ]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the process printed at its end; empty when it was killed."""
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, -signal.SIGKILL)
    return json.loads(printed) if process.returncode == 0 else {}


def is_stopped(process: subprocess.Popen[str]) -> bool:
    """Wait until the process is stopped or at its end, and say which."""
    ended = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert ended is not None
    return ended.si_code == os.CLD_STOPPED


def woken(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Let the stopped process go on, and answer what it printed at its end."""
    process.send_signal(signal.SIGCONT)
    return outcome(process)


class Onlooker:
    """Looks again and again, as a runtime would, and remembers what was wrong."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.looks = 0
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._stop.is_set():
            self.looks += 1
            try:
                self._look()
            except Exception as complaint:
                self.complaints.append(repr(complaint))
            time.sleep(0.0005)

    def _look(self) -> None:
        """Look once. Raises what is wrong."""
        raise NotImplementedError


class Reader(Onlooker):
    """Looks through `current`."""

    def __init__(self, target: DirectoryTarget) -> None:
        super().__init__()
        self._target = target

    def _look(self) -> None:
        # Through one descriptor: what two openings of `current` see may well be two releases.
        directory = os.open(self._target.current, os.O_RDONLY | os.O_DIRECTORY)
        try:
            seen = {path: self._bytes(path, directory) for path in numbered(0)}
        finally:
            os.close(directory)
        number = int(seen["dags/team0/dag0.py"].split()[1])
        assert seen == numbered(number), f"half of #{number}"

    @staticmethod
    def _bytes(path: str, directory: int) -> bytes:
        with open(os.open(path, os.O_RDONLY, dir_fd=directory), "rb") as file:
            return file.read()


def assert_sound(target: DirectoryTarget, *, allowed: set[int]) -> int:
    holding = target.read()
    assert holding.in_place is not None, holding.found
    number = holding.in_place.number
    assert number in allowed
    assert holding.in_place.digest == digest_of(numbered(number))
    assert contents_below(target.current) == numbered(number)
    assert number <= holding.fence <= max(allowed)
    return number


def assert_recovers(target: DirectoryTarget, *, number: int) -> None:
    """The next two acts are done as if nothing had happened, and a prune after an hour leaves no trace."""
    for each in (number, number + 1):
        activate(target, make_release(each, numbered(each)))
        assert_sound(target, allowed={each})
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        target.prune(keep=lambda each: False, fence=number + 1)
    assert_nothing_half_done(target)
    assert len(list(target.releases.iterdir())) == 1
    assert len(list((target.root / ".lastgood/releases").iterdir())) == 1
