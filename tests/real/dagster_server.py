"""Real Dagster processes for tests. Whatever happens to the test, none stays behind (see minder.py)."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

HOST = "127.0.0.1"
START_SECONDS = 60.0  # two cores, and other work beside us
STOP_SECONDS = 20.0
MINDER = Path(__file__).with_name("minder.py")


class DagsterProcess:
    """One Dagster command that listens on a port of its own. Answers once `start` or `with` returned."""

    def __init__(
        self,
        command: list[str],
        *,
        bin_dir: Path,
        home: Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self._command = [str(bin_dir / command[0]), *command[1:], "-h", HOST, "-p", str(self.port)]
        self._cwd = cwd
        self._home = home
        self._env = {
            "PATH": f"{bin_dir}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            **(env or {}),
        }
        self._minder: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, wait: bool = True) -> None:
        """Start the command; with `wait=False` somebody must call `wait_until_it_answers`."""
        # gRPC servers share ports silently (SO_REUSEPORT): two of them would answer in turns.
        _assert_free(self.port)
        self._home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._minder = subprocess.Popen(
                [sys.executable, "-I", "-S", str(MINDER), *self._command],
                stdin=subprocess.PIPE,  # nothing is ever written: it is how the minder learns of our end
                stdout=log,
                stderr=log,
                cwd=self._cwd,
                env=self._env,
                start_new_session=True,
            )
        if wait:
            self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Return once the process answers. Raises RuntimeError, with its log, when it does not."""
        assert self._minder is not None
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at and self._minder.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{self._command} does not answer: {self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        """End the process and all that it started, and wait until they are gone."""
        if self._minder is None:
            return
        minder, self._minder = self._minder, None
        assert minder.stdin is not None
        minder.stdin.close()
        try:
            minder.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(minder.pid, signal.SIGKILL)
            minder.wait()
            raise

    @property
    def log(self) -> Path:
        """Where the process writes what it says."""
        return self._home / f"{Path(self._command[0]).name}-{self.port}.log"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


class DagsterServer(DagsterProcess):
    """A `dagster-webserver` of the given workspace.yaml; `options` are its own, like --read-only."""

    def __init__(self, workspace: Path, *options: str, bin_dir: Path, home: Path) -> None:
        command = ["dagster-webserver", "-w", str(workspace), *options]
        super().__init__(command, bin_dir=bin_dir, home=home, cwd=workspace.parent)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{HOST}:{self.port}"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/server_info", timeout=5).is_success
        except httpx.TransportError:
            return False


class CodeServer(DagsterProcess):
    """A gRPC server of code: `how` is `code-server start` (reloads) or `api grpc` (never does)."""

    def __init__(
        self,
        how: str,
        *options: str,
        bin_dir: Path,
        home: Path,
        cwd: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(["dagster", *how.split(), *options], bin_dir=bin_dir, home=home, cwd=cwd, env=env)


def free_port() -> int:
    """Answer a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _assert_free(port: int) -> None:
    """Raise OSError if anybody still listens on the port."""
    with socket.socket() as probe:
        # As servers do, or the remains of closed connections would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
