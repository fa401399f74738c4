"""A supervisor to be killed, with its children, its words and its mark."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.up.processes import PATIENCE, kill_marked, marked, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Supervised:
    """A running driver and where it writes."""

    process: subprocess.Popen[bytes]
    mark: str
    log_dir: Path
    output: Path

    def said(self) -> str:
        return self.output.read_text()

    def log(self, name: str) -> str:
        path = self.log_dir / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def others(self) -> dict[int, str]:
        """Answer every marked process but the supervisor."""
        return {process: line for process, line in marked(self.mark).items() if process != self.process.pid}

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Supervise = Callable[..., Supervised]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Answer a function that runs children under a supervisor, and leave nothing behind."""
    mark = f"LASTGOOD_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")

    def start(*children: dict[str, Any], prefix: tuple[str, ...] = ()) -> Supervised:
        output, log_dir = tmp_path / "said", tmp_path / "logs"
        command = [*prefix, sys.executable, "-m", "tests.up.driver", str(log_dir), json.dumps(children)]
        with output.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {name: value}, stdout=out, stderr=out)
        supervised = Supervised(process, mark, log_dir, output)
        wait_until(
            lambda: "all started" in supervised.said() or process.poll() is not None,
            what="a supervisor that started its children",
        )
        return supervised

    yield start
    kill_marked(mark)


@pytest.fixture
def short_tmp_path() -> Iterator[Path]:
    """Answer a folder whose path leaves room for a socket's name: pytest's own are long."""
    with tempfile.TemporaryDirectory(prefix="lg-") as folder:
        yield Path(folder)
