"""A process under the supervisor: what to run, its log file, and one run of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from portal import reaper

# A line that a person should see at once, in our own formats (text and JSON), gunicorn's and Celery's.
WARNINGS = re.compile(r'(?<!%)\b(?:WARNING|ERROR|CRITICAL)\b|"level": ?"(?:warning|error|critical)"')
# A child's line that begins like this is for the person at the terminal.
SAID = "»"

LOG_LIMIT = 10 * 1024**2
READ_AT_ONCE = 256 * 1024
FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
HEALTHY_AFTER = 30.0


@dataclass(frozen=True, eq=False)
class Child:
    """One process to keep: `env` is added to the supervisor's own; what others need stops last."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    shows: re.Pattern[str] | None = WARNINGS
    patience: float = 10.0
    stops_last: bool = False


class ChildLog:
    """A log file that a child writes by itself, so that nothing we do or fail to do holds it up."""

    def __init__(self, path: Path, *, limit: int = LOG_LIMIT) -> None:
        self.path = path
        self.limit = limit
        self.last_line = ""
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def open(self) -> int:
        """Answer a descriptor that appends, with room made first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.make_room()
        self.last_line = ""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def make_room(self) -> None:
        """Move a log that has grown past the limit to `.1`, over the one before."""
        if not self.path.exists() or self.path.stat().st_size <= self.limit:
            return
        # Copied and cut, not renamed: a child that is running goes on writing to the file it has open.
        with suppress(OSError):  # a full disk: then it is cut all the more
            shutil.copyfile(self.path, f"{self.path}.1")
        os.truncate(self.path, 0)
        self._offset, self._rest = 0, b""

    def fresh_lines(self) -> Iterator[str]:
        """Answer the whole lines that were written since the last call."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._offset:  # somebody emptied it
            self._offset, self._rest = 0, b""
        if size == self._offset:
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            read = file.read(READ_AT_ONCE)
        self._offset += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            self.last_line = text or self.last_line
            yield text


class Run:
    """A child's current process, and when to try again once it is gone, if it is to be kept."""

    def __init__(self, child: Child, log: ChildLog, *, kept: bool) -> None:
        self.child = child
        self.log = log
        self.kept = kept
        self.deaths = 0
        self.due: float | None = None
        self._delay = FIRST_DELAY
        self._started = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def group(self) -> int | None:
        """The process group, which has the number of the process that leads it, or None when nothing runs."""
        return self._process.pid if self._process else None

    def start(self, env: Mapping[str, str], *, pipe: int, now: float) -> None:
        """Start the process as leader of a session of its own, enrolled with the reaper. Raises OSError."""
        self.due, self._started = None, now
        launcher = [sys.executable, "-I", "-S", reaper.__file__, "run", str(pipe), str(os.getpid())]
        log = self.log.open()
        try:
            self._process = subprocess.Popen(
                [*launcher, *self.child.argv],
                env={**env, **self.child.env},
                cwd=self.child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(pipe,),
                start_new_session=True,
            )
        finally:
            os.close(log)

    def collect(self) -> int | None:
        """Answer the exit code once the process is gone, killing what it left in its group, else None."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        reaper.kill_group(self._process.pid)
        self._process = None
        self.deaths += 1
        return code

    def plan_restart(self, now: float) -> float:
        """Set when to start again, and answer in how many seconds: more each time, until it stays healthy."""
        if now - self._started >= HEALTHY_AFTER:
            self._delay = FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        self.due = now + delay
        return delay

    def terminate(self) -> None:
        """Ask the process, not its group, to stop."""
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the whole group, and collect the process."""
        if self._process:
            reaper.kill_group(self._process.pid)
            self._process.wait()
            self._process = None


def describe_exit(code: int) -> str:
    """Say how a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
