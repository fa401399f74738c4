"""Real workers and a real broker for tests: processes of their own, of which nothing stays behind (see real/minder.py)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from django.conf import settings
from django.db import connection

from deployments.models import Deploy
from portal.broker import find_server

ROOT = Path(__file__).resolve().parent.parent
MINDER = ROOT / "tests" / "real" / "minder.py"
PATIENCE = 60.0  # a bound for machines under load, not a measure


class Process:
    """A command under the minder. `pid` is the command's own, to be stopped, continued or killed."""

    def __init__(self, command: list[str], *, log: Path, env: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as out:
            self._minder = subprocess.Popen(
                [sys.executable, "-I", "-S", str(MINDER), *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env={**os.environ, **env},
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Say whether the command still runs."""
        return self._minder.poll() is None

    @property
    def pid(self) -> int:
        """Answer the command's process id."""
        children = Path(f"/proc/{self._minder.pid}/task/{self._minder.pid}/children")
        return int(wait_for(lambda: children.read_text().split(), what="the command's process")[0])

    def send(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """End the command and all that it started."""
        if self._minder.stdin:
            self._minder.stdin.close()
        self._minder.wait(PATIENCE)


def wait_for(condition: Callable[[], Any], *, what: str, patience: float = PATIENCE) -> Any:
    """Poll until the condition holds, and answer what it answered. Raises AssertionError, saying what did not come."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"In {patience:g} s there was not: {what}"
        time.sleep(0.05)
    return found


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """Run a broker of our own on a socket, and answer its address for Celery."""
    socket = folder / "b.sock"
    command = [
        str(find_server().program),
        "--port",
        "0",
        "--unixsocket",
        str(socket),
        "--dir",
        str(folder),
        "--save",
        "",
    ]
    process = Process(command, log=folder / "broker.log", env={})
    try:
        wait_for(socket.exists, what=f"a broker at {socket}")
        wait_for(lambda: _pongs(socket), what=f"an answer of the broker at {socket}")
        yield f"redis+socket://{quote(str(socket))}"
    finally:
        process.end()


def _pongs(socket: Path) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=str(socket)).ping())
    except redis.ConnectionError:
        return False


def database_url() -> str:
    """Answer the address of this test's database, for another process."""
    entry = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{entry['NAME']}"
    return f"postgres://{entry['USER']}:{entry['PASSWORD']}@{entry['HOST']}:{entry['PORT']}/{entry['NAME']}"


def environment(broker: str) -> dict[str, str]:
    """Answer what makes another process work on this test's database, broker and folders."""
    return {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": broker,
        "DATA_DIR": str(settings.DATA_DIR),
        "LASTGOOD_TARGET_ROOT": str(settings.LASTGOOD_TARGET_ROOT),
        "LASTGOOD_LEASE_SECONDS": "2",
        "LASTGOOD_FINGERPRINT_KEY": settings.FINGERPRINT_KEY,
        "LASTGOOD_ENCRYPTION_KEYS": ",".join(settings.LASTGOOD_ENCRYPTION_KEYS),
        "SECRET_KEY": settings.SECRET_KEY,
        "LOG_LEVEL": "INFO",
    }


@contextmanager
def running_worker(
    broker: str, log: Path, *, queues: str = "deploys,rollbacks", beat: bool = True, fault: str = ""
) -> Iterator[Process]:
    """Run a real worker, with the schedule inside it if wanted; `fault` names a moment of tests/faults.py."""
    command = [sys.executable, "-m", "tests.faults", fault] if fault else [sys.executable, "-m", "celery"]
    command += ["-A", "portal", "worker", "-Q", queues, "--pool", "solo", "-n", f"test-{time.monotonic_ns()}@%h"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"]
    if beat:
        command += ["-B"]
    process = Process(command, log=log, env=environment(broker))
    try:
        yield process
    finally:
        process.end()


def finished(deploy: Deploy, *, patience: float = PATIENCE) -> Deploy:
    """Wait until the deploy has ended, and answer it as it is then."""

    def row() -> Deploy | None:
        found = Deploy.objects.with_places().get(pk=deploy.pk)
        return found if found.is_finished else None

    ended: Deploy = wait_for(row, what=f"an end of {deploy}", patience=patience)
    return ended
