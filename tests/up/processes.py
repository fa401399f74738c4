"""Real processes for the tests: found by a mark in their environment, whoever their parent is by now."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# A bound for machines under load, not a measure: every wait ends as soon as it can.
PATIENCE = 60.0


def wait_until(condition: Callable[[], object], *, what: str, patience: float = PATIENCE) -> None:
    """Poll until the condition holds. Raises AssertionError, saying what did not come."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"In {patience:g} s there was not: {what}"
        time.sleep(0.05)


def marked(mark: str) -> dict[int, str]:
    """Answer the living processes that have the mark in environment or command line, with the latter."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            # Redis writes its title over its environment: the title has the path of its socket.
            line = (folder / "cmdline").read_text().replace("\0", " ").strip()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if mark.encode() in (folder / "environ").read_bytes() + line.encode() and state not in "ZX":
                found[int(folder.name)] = line
        except OSError:
            pass  # it has ended since
    return found


def kill_marked(mark: str) -> None:
    """Kill whatever a failed test left."""
    for process in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
