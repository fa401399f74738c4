"""What refuses a start: another Lastgood on the same data, one that is still ending, a taken port."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A reaper needs three seconds; a machine under load some more.
LAST_RUN_PATIENCE = 30


class StartRefused(Exception):
    """Nothing was started. The message says why, and what to do."""


@contextmanager
def only_supervisor(data_dir: Path) -> Iterator[None]:
    """Hold the lock of the data directory. Raises StartRefused, naming the process that has it."""
    with (data_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            running = f"Lastgood already runs on {data_dir} (process {holder})"
            raise StartRefused(f"{running}. Stop it, or choose another DATA_DIR=.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def nothing_left_behind(data_dir: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the reaper's lock, once the last run's reaper has let go of it. Raises StartRefused."""
    deadline = time.monotonic() + LAST_RUN_PATIENCE
    told = False
    with (data_dir / "up.reaper.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StartRefused(f"Processes of the last run on {data_dir} do not end.") from None
            if not told:
                say("Waiting for the last run's processes to end …")
                told = True
            time.sleep(0.1)
        yield lock.fileno()


def refuse_taken_port(host: str, port: int) -> None:
    """Raise StartRefused unless the port can be listened on."""
    # A browser may try ::1 for `localhost` first: whoever answers there would be taken for us.
    for address in [host, *(["::1"] if host == "127.0.0.1" else [])]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except (OSError, OverflowError) as error:
            if address != host and getattr(error, "errno", None) != errno.EADDRINUSE:
                continue  # no IPv6 here
            raise StartRefused(_explain(error, host, port)) from error


def _explain(error: OSError | OverflowError, host: str, port: int) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return f"Port {port} is in use. Choose another one with PORT=."
    if code == errno.EACCES:
        return f"Port {port} is for root alone. Choose another one with PORT=."
    return f"Cannot listen on {host}, port {port}: {error}. Choose others with HOST= and PORT=."
