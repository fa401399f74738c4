"""`manage.py up`, whole: the page answers, work is done, and a kill leaves nothing."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from assets.definitions.differ import diff
from assets.definitions.reading import read
from portal.demo import SNAPSHOTS, VERSIONS
from portal.up import answers
from tests.up.processes import PATIENCE, kill_marked, marked, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@dataclass
class Lastgood:
    """A Lastgood of its own, on its own data and port."""

    data_dir: Path
    output: Path
    port: int = field(default_factory=free_port)
    demo: bool = False
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DATABASE_URL"}}
        environment |= {"DATA_DIR": str(self.data_dir), "PORT": str(self.port), "DEMO": str(int(self.demo)), "HOST": ""}
        with self.output.open("wb") as out:
            command = [sys.executable, "manage.py", "up"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
        return self.process

    def start_and_wait(self) -> subprocess.Popen[bytes]:
        process = self.start()
        wait_until(
            lambda: "Lastgood is at" in self.said() or process.poll() is not None, what="a Lastgood", patience=180
        )
        assert process.poll() is None, self.said()
        return process

    def said(self) -> str:
        return self.output.read_text()

    def processes(self) -> dict[int, str]:
        return marked(str(self.data_dir))

    def log(self, name: str) -> str:
        path = self.data_dir / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""


MakeLastgood = Callable[[str], Lastgood]


@pytest.fixture
def make_lastgood(short_tmp_path: Path) -> Iterator[MakeLastgood]:
    yield lambda name: Lastgood(short_tmp_path / name, short_tmp_path / f"{name}.said")
    kill_marked(str(short_tmp_path))


def status(port: int, path: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as line:
        line.request("GET", path)
        return line.getresponse().status


def test_starts_does_work_and_leaves_nothing_when_it_is_killed(make_lastgood: MakeLastgood) -> None:
    lastgood = make_lastgood("var")
    process = lastgood.start_and_wait()

    assert status(lastgood.port, "/livez") == 200
    for queue in ("deploys", "rollbacks", "observations"):
        wait_until(lambda queue=queue: "succeeded" in lastgood.log(f"worker-{queue}"), what=f"work done for {queue}")
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)

    wait_until(lambda: not lastgood.processes(), what="an end of every process")


def test_shows_a_demonstration_on_which_the_tour_of_the_readme_works_as_typed(make_lastgood: MakeLastgood) -> None:
    lastgood = make_lastgood("var")
    lastgood.demo = True
    lastgood.start_and_wait()

    notes = lastgood.data_dir / "demo.json"
    demo = json.loads(notes.read_text())
    tour = (ROOT / "README.md").read_text().partition("## The tour")[2].split("```")[1].strip().splitlines()
    script = "\n".join(f'{line}\necho "exit $?"' for line in tour).replace("var/", f"{lastgood.data_dir}/")
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, text=True, capture_output=True, timeout=120, check=False)

    assert (notes.stat().st_mode & 0o777, demo["place"]) == (0o600, "acme/production/shop")
    assert set(demo["users"]) >= {"orgadmin", "admin", "editor", "deployer", "viewer"}
    exits = [line for line in done.stdout.splitlines() if line.startswith("exit ")]
    assert exits == ["exit 0", "exit 0", "exit 0", "exit 0", "exit 3", "exit 0"], done.stdout + done.stderr
    wait_until(lambda: asset_counts(demo) is not None, what="what each deploy of the demonstration changed")
    names = ["", *list(VERSIONS)[:4], "3-hourly-orders", "next-try"]
    assert asset_counts(demo) == [counts_between(before, after) for before, after in pairwise(names)]


def asset_counts(demo: dict[str, Any]) -> list[dict[str, int]] | None:
    """Answer what each live deploy changed, the oldest first; None while that of one is not recorded."""
    words = [sys.executable, "-m", "lastgood.main", "history", demo["place"], "--json"]
    env = {**os.environ, "LASTGOOD_URL": demo["url"], "LASTGOOD_TOKEN": demo["users"]["viewer"]["token"]}
    rows = json.loads(subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout)["results"]
    counts = [row["assets"] for row in reversed(rows)]
    return counts if all(counts) else None


def counts_between(before: str, after: str) -> dict[str, int]:
    """Answer how many assets differ between the snapshots of two versions; the one before the first has none."""
    old, new = (read((SNAPSHOTS / f"{name}.json").read_bytes()).assets if name else {} for name in (before, after))
    found = diff(old, new)
    return {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}


def test_two_run_side_by_side_but_not_on_one_port_or_one_data_directory(make_lastgood: MakeLastgood) -> None:
    """Then one of both is killed, comes back at once, and stops when asked, while the other one goes on."""
    ours, theirs = make_lastgood("ours"), make_lastgood("theirs")
    running = ours.start_and_wait()
    theirs.start_and_wait()
    same_port, same_data = make_lastgood("third"), make_lastgood("fourth")
    same_port.port, same_data.data_dir = ours.port, ours.data_dir

    assert same_port.start().wait(PATIENCE) == 1
    assert f"Port {ours.port} is in use" in same_port.said()
    assert same_data.start().wait(PATIENCE) == 1
    assert f"already runs on {ours.data_dir} (process {running.pid})" in same_data.said()
    assert answers("127.0.0.1", ours.port)
    assert answers("127.0.0.1", theirs.port)

    running.send_signal(signal.SIGKILL)
    running.wait(PATIENCE)
    process = ours.start_and_wait()
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == 0, ours.said()
    assert ours.said().endswith("Lastgood has stopped.\n")
    assert ours.processes() == {}
    assert answers("127.0.0.1", theirs.port)


def test_says_what_went_wrong_and_stops_when_the_database_cannot_be_made(make_lastgood: MakeLastgood) -> None:
    lastgood = make_lastgood("var")
    (lastgood.data_dir / "lastgood.sqlite3").mkdir(parents=True)

    assert lastgood.start().wait(PATIENCE) == 1

    assert "migrate failed (exit code 1): django.db.utils.OperationalError" in lastgood.said()
    assert lastgood.processes() == {}
