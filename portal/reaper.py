"""Leaves no orphan: a small process that outlives the supervisor by seconds and ends what it left behind.

Runs as a script of its own (`python -I -S reaper.py …`) on the standard library alone, so that it starts in
milliseconds and has nothing that could break. Two uses:

    reaper.py watch SECONDS          reads "+group" and "-group" lines; when the pipe ends, ends those groups
    reaper.py run PIPE PARENT ARGV…  enrols this process with the watcher, then becomes ARGV

The pipe ends when the supervisor does, whatever killed it: no signal, no poll, no file is needed. A process
that leaves its group on purpose (a service that an operator's command starts) is not ours to end.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress

PR_SET_PDEATHSIG = 1


def run(pipe: int, parent: int, argv: list[str]) -> None:
    """Enrol the group that this process leads, then become argv. Returns never."""
    # Enrolled by itself, before it is anything else: at no moment is there a group that nobody knows.
    with suppress(BrokenPipeError):  # the watcher is being replaced; the supervisor tells the next one
        os.write(pipe, b"+%d\n" % os.getpid())
    os.close(pipe)
    _end_with(parent)
    # Python ignores SIGPIPE, and what is ignored stays so across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(argv[0], argv)


def _end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies: the second belt, on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The supervisor is gone.")


def watch(patience: float) -> None:
    """Follow the pipe to its end, then end every group that is still enrolled."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        group = int(line[1:])
        (groups.add if line.startswith(b"+") else groups.discard)(group)
    end(groups, patience)


def end(groups: set[int], patience: float) -> None:
    """Ask each group's leader to stop, and kill what is left when it is gone or the patience is over."""
    # Leaders alone: a Celery worker that gets TERM lets its pool finish; a pool process dies of it at once.
    for group in groups:
        send(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while groups and time.monotonic() < deadline:
        for group in [group for group in groups if not send(group, 0)]:
            kill_group(group)
            groups.discard(group)
        time.sleep(0.05)
    for group in groups:
        kill_group(group)


def send(process: int, sign: int) -> bool:
    """Send a signal, and say whether there was a process to get it."""
    try:
        os.kill(process, sign)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_group(group: int) -> None:
    """Kill every process of a group; an empty one is fine."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses when only zombies are left
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "watch":
        watch(float(sys.argv[2]))
    else:
        run(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
