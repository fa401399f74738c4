"""A start is refused before anything runs, in a sentence that says what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import preflight
from portal.preflight import StartRefused, nothing_left_behind, only_supervisor, refuse_taken_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        yield line.getsockname()[1]


def test_refuses_a_port_that_is_in_use(taken_port: int) -> None:
    with pytest.raises(StartRefused, match=rf"Port {taken_port} is in use. Choose another one with PORT=."):
        refuse_taken_port("127.0.0.1", taken_port)


def test_refuses_a_port_that_somebody_has_on_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("This machine has no IPv6.")
    with socket.socket(socket.AF_INET6) as line:
        line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        line.bind(("::1", 0))
        line.listen()
        port = line.getsockname()[1]

        with pytest.raises(StartRefused, match=f"Port {port} is in use"):
            refuse_taken_port("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("192.0.2.1", 8000), ("no.such.host", 8000)])
def test_refuses_what_cannot_be_listened_on(host: str, port: int) -> None:
    with pytest.raises(StartRefused, match="Cannot listen on"):
        refuse_taken_port(host, port)


def test_takes_a_port_again_that_was_just_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            # Whoever closes first leaves the port in TIME_WAIT.
            line.accept()[0].close()

    refuse_taken_port("127.0.0.1", port)


def test_refuses_a_second_supervisor_and_names_the_first(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from portal.preflight import only_supervisor\n"
        "with only_supervisor(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"

    with pytest.raises(StartRefused, match=rf"already runs on .* \(process {first.pid}\)"), only_supervisor(tmp_path):
        pass
    first.communicate()

    with only_supervisor(tmp_path):
        assert (tmp_path / "up.lock").read_text().strip() == str(os.getpid())


def test_waits_for_the_last_run_to_end(tmp_path: Path) -> None:
    said: list[str] = []
    with (tmp_path / "up.reaper.lock").open("a") as lock:
        code = "import fcntl, sys, time; fcntl.flock(int(sys.argv[1]), 2); time.sleep(1)"
        handle = lock.fileno()
        holder = subprocess.Popen([sys.executable, "-c", code, str(handle)], pass_fds=[handle])
        while not is_locked(tmp_path / "up.reaper.lock"):
            assert holder.poll() is None

    with nothing_left_behind(tmp_path, said.append):
        assert holder.wait(10) == 0

    assert said == ["Waiting for the last run's processes to end …"]


def test_refuses_when_the_last_run_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "LAST_RUN_PATIENCE", 0.3)

    with (
        nothing_left_behind(tmp_path, print),
        pytest.raises(StartRefused, match="do not end"),
        nothing_left_behind(tmp_path, print),
    ):
        pass


def is_locked(path: Path) -> bool:
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), 2 | 4)"
    return subprocess.run([sys.executable, "-c", code, path], stderr=subprocess.DEVNULL).returncode != 0
