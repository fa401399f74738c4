"""What a test started ends with the test, however the test ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MINDER = Path(__file__).with_name("minder.py")
# A child, a grandchild that left for a session of its own, and one that ignores being asked to stop.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
others = [subprocess.Popen(sleeper, start_new_session=True), subprocess.Popen(sleeper)]
print(os.getpid(), *(other.pid for other in others), flush=True)
time.sleep(60)
"""
# Stands for the test process: it holds the pipe to the minder.
OWNER = """
import subprocess, sys, time
minder = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE, start_new_session=True)
print(minder.pid, flush=True)
time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    """Say whether the process runs; one that is dead and not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids: list[int]) -> list[int]:
    give_up_at = time.monotonic() + 10
    while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return left


@pytest.mark.parametrize(
    ("whom", "how"),
    [("owner", signal.SIGKILL), ("owner", signal.SIGTERM), ("minder", signal.SIGTERM)],
)
def test_leaves_nobody_behind(whom: str, how: signal.Signals) -> None:
    command = [sys.executable, "-c", OWNER, str(MINDER), sys.executable, "-c", FAMILY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        minder = int(owner.stdout.readline())
        family = [int(pid) for pid in owner.stdout.readline().split()]
        alive_before = [pid for pid in (minder, *family) if is_alive(pid)]

        os.kill(owner.pid if whom == "owner" else minder, how)
        left = wait_until_gone([minder, *family])
        owner.kill()

    assert alive_before == [minder, *family]
    assert left == []
