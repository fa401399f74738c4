"""Keeps processes running: starts them, starts them again when they die, and leaves none behind."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from portal import reaper
from portal.child import SAID, Child, ChildLog, Run, describe_exit

TICK = 0.1
# What the reaper gives to processes whose supervisor was killed; then it kills too.
REAPER_PATIENCE = 3.0
DEATHS_BEFORE_READY = 3
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildFailed(Exception):
    """A child did not do what the start needs. The message names its log."""


class StopAsked(Exception):
    """Somebody asked the supervisor to stop."""


class Watcher:
    """The reaper's process, and the pipe whose end tells it that we are gone."""

    def __init__(self, *, keeps_open: Iterable[int]) -> None:
        self._keeps_open = tuple(keeps_open)
        self._start()

    def _start(self) -> None:
        # In a session of its own: neither Ctrl-C nor the end of the terminal reaches it.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__, "watch", str(REAPER_PATIENCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=self._keeps_open,
            start_new_session=True,
        )

    @property
    def pipe(self) -> int:
        """The end of the pipe that is written to."""
        assert self._process.stdin is not None
        return self._process.stdin.fileno()

    def is_gone(self) -> bool:
        """Say whether the reaper has died."""
        return self._process.poll() is not None

    def replace(self, groups: Iterable[int]) -> None:
        """Start another reaper in place of one that died, and tell it all groups. Raises OSError."""
        dead = self._process
        self._start()
        assert dead.stdin is not None
        dead.stdin.close()
        for group in groups:
            self._tell(b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """Tell the reaper that a group has ended: its number may be given to somebody else."""
        self._tell(b"-%d\n" % group)

    def _tell(self, line: bytes) -> None:
        with suppress(BrokenPipeError):  # it died: the next tick replaces it
            os.write(self.pipe, line)

    def close(self) -> None:
        """End the pipe, and wait until the reaper has ended what is still enrolled."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Supervisor:
    """Runs children until somebody asks it to stop; a context manager, whose exit stops them all.

    One thread, one loop: `tick` looks at everything once, and whatever waits, waits by ticking. Only the main
    thread starts children: the kernel's parent-death signal follows the thread that started them.
    """

    def __init__(
        self,
        *,
        log_dir: Path,
        env: Mapping[str, str],
        say: Callable[[str], None],
        keeps_open: Iterable[int] = (),
        stops_with_parent: bool = False,
    ) -> None:
        self._log_dir = log_dir
        self._env = dict(env)
        self._say = say
        self._parent = os.getppid() if stops_with_parent else None
        self._runs: dict[str, Run] = {}
        self._signals_seen = 0
        self._signal_at = -math.inf
        self._watcher = Watcher(keeps_open=keeps_open)

    def __enter__(self) -> Self:
        for number in STOPPING_SIGNALS:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stop every child, then the reaper. A request to stop has been met by that."""
        self._stop([run for run in self._runs.values() if not run.child.stops_last])
        self._stop([run for run in self._runs.values() if run.child.stops_last])
        self._watcher.close()
        return isinstance(error, StopAsked)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Ctrl-C and `kill` can reach us twice, by make and by our group: only a later one means "faster".
        if time.monotonic() - self._signal_at > 1:
            self._signals_seen += 1
        self._signal_at = time.monotonic()

    def start(self, child: Child) -> None:
        """Start a child and keep it; wait until it is ready, if it can tell. Raises ChildFailed."""
        run = self._add(child, kept=True)
        if child.ready is not None:
            self.wait_until(child.ready, patience=60, run=run)

    def run_to_end(self, *children: Child) -> None:
        """Run children once, side by side. Raises ChildFailed when one does not end with 0."""
        for run in [self._add(child, kept=False) for child in children]:
            while (code := self._collect(run)) is None:
                self.tick()
            del self._runs[run.child.name]
            if code != 0:
                raise ChildFailed(f"{run.child.name} failed ({describe_exit(code)}): {self._whereabouts(run)}")

    def run_forever(self) -> None:
        """Keep the children until somebody asks to stop. Raises StopAsked."""
        while True:
            self.tick()

    def wait_until(self, ready: Callable[[], bool], *, patience: float, run: Run) -> None:
        """Tick until ready. Raises ChildFailed when the child keeps dying or the patience is over."""
        deadline = time.monotonic() + patience
        while not ready():
            self.tick()
            if run.deaths >= DEATHS_BEFORE_READY:
                raise ChildFailed(f"{run.child.name} does not stay up: {self._whereabouts(run)}")
            if time.monotonic() > deadline:
                late = f"{run.child.name} was not ready in {patience:.0f} s"
                raise ChildFailed(f"{late}: {self._whereabouts(run)}")

    def tick(self) -> None:
        """Look at everything once, and sleep a little. Raises StopAsked."""
        if self._signals_seen or (self._parent is not None and os.getppid() != self._parent):
            raise StopAsked
        if self._watcher.is_gone():
            with suppress(OSError):  # no process can be made now: the next tick tries again
                self._watcher.replace(group for run in self._runs.values() if (group := run.group))
                self._say("The reaper was killed; another one watches.")
        for run in self._runs.values():
            self._look_at(run)
        time.sleep(TICK)

    def _add(self, child: Child, *, kept: bool) -> Run:
        run = self._runs[child.name] = Run(child, ChildLog(self._log_dir / f"{child.name}.log"), kept=kept)
        self._spawn(run)
        return run

    def _spawn(self, run: Run) -> None:
        try:
            run.start(self._env, pipe=self._watcher.pipe, now=time.monotonic())
        except OSError as error:
            if not run.kept:
                raise ChildFailed(f"{run.child.name} cannot be started: {error}") from error
            run.deaths += 1
            self._plan_restart(run, str(error))

    def _look_at(self, run: Run) -> None:
        if run.group is None:
            if run.due is not None and time.monotonic() >= run.due:
                self._spawn(run)
            return
        self._relay(run)
        # What runs to its end is collected by whoever waits for it.
        if run.kept and (code := self._collect(run)) is not None:
            self._plan_restart(run, describe_exit(code))

    def _collect(self, run: Run) -> int | None:
        """Answer the exit code of a child that has ended, once all that it left is gone."""
        group = run.group
        code = run.collect()
        if group is not None and code is not None:
            self._watcher.forget(group)
            self._relay(run)
        return code

    def _plan_restart(self, run: Run, why: str) -> None:
        delay = run.plan_restart(time.monotonic())
        self._say(f"{run.child.name} stopped ({why}), starts again in {delay:g} s: {self._whereabouts(run)}")

    def _relay(self, run: Run) -> None:
        """Show the lines of a child's log that a person should see at once, and keep the log small."""
        shows = run.child.shows
        for line in run.log.fresh_lines():
            if line.startswith(SAID):
                self._say(line.removeprefix(SAID).removeprefix(" "))
            elif shows is not None and shows.search(line):
                self._say(f"{run.child.name}: {line}")
        run.log.make_room()

    def _whereabouts(self, run: Run) -> str:
        return f"{run.log.last_line or 'it said nothing'} (log: {run.log.path})"

    def _stop(self, runs: list[Run]) -> None:
        """Ask each to stop, wait as long as it may take, kill its group. A second signal ends the wait."""
        signals_seen, since = self._signals_seen, time.monotonic()
        for run in runs:
            run.terminate()
        waiting = [run for run in runs if run.group]
        while waiting and self._signals_seen == signals_seen:
            waited = time.monotonic() - since
            waiting = [run for run in waiting if self._collect(run) is None and waited < run.child.patience]
            time.sleep(TICK / 2)
        for run in runs:
            if group := run.group:
                run.kill()
                self._watcher.forget(group)
