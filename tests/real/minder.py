"""Run one command and leave nothing of it behind: `python minder.py COMMAND…`.

We end the command and everything it ever started when our standard input closes, which the kernel does
even for a test process that is killed with -9; also when the command ends by itself, and on SIGTERM.
Grandchildren that lost their parent come to us (we are their subreaper), whatever group or session they
made for themselves.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    """Run the command until it ends or nobody wants it any more; answer its exit code."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Started by `cmd &` we would hand on an ignored SIGINT, and Dagster then ignores SIGTERM as well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            # Should somebody kill -9 the minder itself.
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
        )
        select.select([sys.stdin.fileno(), os.pidfd_open(child.pid)], [], [])
        return child.poll() or 0
    finally:
        end_descendants()


def end_descendants() -> None:
    """Kill and reap until we have no children: each one that dies leaves us its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while children := _children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
