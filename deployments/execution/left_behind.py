"""Commands that a killed worker left running: the next one ends them before it starts its own."""

import contextlib
import os
import signal
import socket
from pathlib import Path


def remember(note: Path, process_id: int) -> None:
    """Write down which process leads the command's group. Raises OSError."""
    note.write_text(f"{socket.gethostname()} {process_id} {_began(process_id)}")


def forget(note: Path, process_id: int) -> None:
    """Say that this process runs no more. What a later worker wrote down stays."""
    with contextlib.suppress(OSError, ValueError):
        host, noted, _ = note.read_text().split(" ")
        if (host, noted) == (socket.gethostname(), str(process_id)):
            note.unlink()


def end(note: Path) -> bool:
    """End what an earlier worker of this host started and did not see the end of. Says whether something was ended."""
    try:
        host, process_id, began = note.read_text().split(" ")
    except (OSError, ValueError):
        return False
    # A number is given to another process once this one is gone: when it began tells them apart.
    if host != socket.gethostname() or not began or _began(int(process_id)) != began:
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(int(process_id), signal.SIGKILL)
        return True
    return False


def _began(process_id: int) -> str:
    """Answer when a process began, in ticks since the host did; "" where nobody says."""
    try:
        told = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return ""
    state, *fields = told.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else fields[18]
