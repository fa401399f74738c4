"""The supervisor keeps its children running, and leaves none behind."""

import os
import signal
import subprocess
import sys

import pytest

from tests.up.conftest import Supervise, Supervised
from tests.up.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A child with a child of its own that hears nothing; both say when they are there.
FAMILY = """
import os, signal, sys, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("grandchild", flush=True)
    time.sleep(600)
print("child", flush=True)
time.sleep(600)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), sys.exit(0)))
print("hello", flush=True)
time.sleep(600)
"""


def python(name: str, code: str, **more: object) -> dict[str, object]:
    return {"name": name, "argv": [sys.executable, "-c", code], **more}


def reaper_of(supervised: Supervised) -> int:
    return next(process for process, line in supervised.others().items() if "reaper.py watch" in line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stops_all_and_exits_with_zero_when_asked(supervise: Supervise, number: int) -> None:
    supervised = supervise(python("family", FAMILY), python("polite", POLITE))
    wait_until(lambda: "grandchild" in supervised.log("family"), what="a grandchild")
    wait_until(lambda: "hello" in supervised.log("polite"), what="a polite child")

    code = supervised.stop(number)

    assert code == 0, supervised.said()
    assert supervised.said().endswith("stopped\n")
    assert "goodbye" in supervised.log("polite")
    assert supervised.others() == {}


def test_kills_a_child_that_does_not_stop_in_its_time(supervise: Supervise) -> None:
    supervised = supervise(python("deaf", DEAF, patience=0.5))
    wait_until(lambda: "deaf" in supervised.log("deaf"), what="a deaf child")

    assert supervised.stop() == 0
    assert supervised.others() == {}


def test_a_second_signal_ends_the_patience(supervise: Supervise) -> None:
    supervised = supervise(python("deaf", DEAF, patience=600))
    wait_until(lambda: "deaf" in supervised.log("deaf"), what="a deaf child")
    supervised.process.send_signal(signal.SIGINT)

    # Two within a second are one, made twice by make and the terminal: so it is asked until it hears.
    def asked_again() -> bool:
        supervised.process.send_signal(signal.SIGINT)
        try:
            return supervised.process.wait(2) == 0
        except subprocess.TimeoutExpired:
            return False

    wait_until(asked_again, what="an end of the patience")
    assert supervised.others() == {}


def test_leaves_no_process_of_any_group_when_it_is_killed(supervise: Supervise) -> None:
    supervised = supervise(python("family", FAMILY), python("deaf", DEAF), python("polite", POLITE))
    wait_until(lambda: "grandchild" in supervised.log("family"), what="a grandchild")
    wait_until(lambda: "deaf" in supervised.log("deaf"), what="a deaf child")
    wait_until(lambda: "hello" in supervised.log("polite"), what="a polite child")

    supervised.kill()

    wait_until(lambda: not supervised.others(), what="an end of every process")
    assert "goodbye" in supervised.log("polite"), "It was killed without being asked first."


def test_leaves_nothing_when_it_is_killed_while_children_start(supervise: Supervise) -> None:
    children = [python(f"family-{number}", FAMILY) for number in range(8)]
    supervised = supervise(*children)

    supervised.kill()

    wait_until(lambda: not supervised.others(), what="an end of every process")


def test_the_kernel_asks_children_to_stop_when_the_reaper_is_killed_too(supervise: Supervise) -> None:
    supervised = supervise(python("polite", POLITE))
    wait_until(lambda: "hello" in supervised.log("polite"), what="a polite child")

    supervised.process.send_signal(signal.SIGSTOP)
    os.kill(reaper_of(supervised), signal.SIGKILL)
    supervised.kill()

    wait_until(lambda: not supervised.others(), what="an end of every process")


def test_replaces_a_reaper_that_was_killed(supervise: Supervise) -> None:
    supervised = supervise(python("family", FAMILY))
    wait_until(lambda: "grandchild" in supervised.log("family"), what="a grandchild")

    os.kill(reaper_of(supervised), signal.SIGKILL)
    wait_until(lambda: "another one watches" in supervised.said(), what="a new reaper")
    supervised.kill()

    wait_until(lambda: not supervised.others(), what="an end of every process")


def test_starts_a_child_again_and_kills_what_it_left(supervise: Supervise) -> None:
    supervised = supervise(python("family", FAMILY))
    wait_until(lambda: "grandchild" in supervised.log("family"), what="a grandchild")
    before = [process for process, line in supervised.others().items() if "os.fork" in line]

    os.kill(next(process for process in before if os.getpgid(process) == process), signal.SIGKILL)

    wait_until(lambda: supervised.log("family").count("grandchild") == 2, what="a second run")
    assert not set(before) & set(supervised.others())
    assert "family stopped (killed by SIGKILL), starts again in 0.5 s" in supervised.said()


def test_waits_longer_before_each_further_start(supervise: Supervise) -> None:
    supervised = supervise(python("broken", "raise SystemExit('no database')"))

    wait_until(lambda: "again in 2 s" in supervised.said(), what="a third death")

    first = "broken stopped (exit code 1), starts again in 0.5 s: no database (log: "
    assert first in supervised.said()
    assert "again in 1 s" in supervised.said()


def test_says_when_a_program_is_not_there(supervise: Supervise) -> None:
    supervised = supervise({"name": "absent", "argv": ["/nonexistent/program"]})

    wait_until(lambda: "absent stopped (exit code 1)" in supervised.said(), what="a word about it")

    assert "No such file or directory" in supervised.said()


def test_says_when_a_folder_is_not_there(supervise: Supervise) -> None:
    supervised = supervise({"name": "absent", "argv": ["true"], "cwd": "/nonexistent"})

    wait_until(lambda: "absent stopped" in supervised.said(), what="a word about it")

    assert supervised.stop() == 0


def test_shows_warnings_and_keeps_the_rest_in_the_log(supervise: Supervise) -> None:
    code = "print('INFO fine'); print('WARNING: the disk is full'); print('» Dagster is being installed.')"
    supervised = supervise(python("talker", code))

    wait_until(lambda: "talker stopped" in supervised.said(), what="an end of the talk")

    lines = supervised.said().splitlines()
    assert "talker: WARNING: the disk is full" in lines
    assert "Dagster is being installed." in lines
    assert not any("INFO fine" in line for line in lines)
    assert "INFO fine" in supervised.log("talker")
