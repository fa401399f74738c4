"""The private broker keeps what it accepted, and answers its owner alone."""

import os
import re
import shutil
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
from kombu import Connection

from portal.broker import (
    LONGEST_SOCKET_PATH,
    Broker,
    BrokerUnusable,
    find_server,
    make_broker,
    private_folder,
)
from tests.up.conftest import Supervise
from tests.up.processes import wait_until


def ask(broker: Broker, *words: str) -> str:
    """Answer what the server says to one command."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(broker.socket))
        line.sendall((" ".join(words) + "\r\n").encode())
        return line.recv(10_000).decode().strip()


@pytest.fixture(params=["from PATH", "that comes along"])
def broker(request: pytest.FixtureRequest, short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    with monkeypatch.context() as patch:
        if request.param == "that comes along":
            patch.setenv("PATH", "")
        return make_broker(short_tmp_path / "valkey" / "valkey.sock")


def process_of(broker: Broker) -> int:
    found = re.search(r"process_id:(\d+)", ask(broker, "INFO", "server"))
    assert found
    return int(found[1])


def as_json(broker: Broker) -> dict[str, object]:
    child = broker.child()
    return {"name": child.name, "argv": list(child.argv), "stops_last": True}


def test_keeps_what_it_accepted_when_it_is_killed(supervise: Supervise, broker: Broker) -> None:
    supervised = supervise(as_json(broker))
    wait_until(broker.answers, what="a broker")
    assert ask(broker, "SET", "deploy", "42") == "+OK"

    os.kill(process_of(broker), signal.SIGKILL)
    wait_until(lambda: "broker stopped" in supervised.said(), what="a word about its death")
    wait_until(broker.answers, what="a new broker")

    assert ask(broker, "GET", "deploy").endswith("42")


def test_lets_only_its_owner_in(supervise: Supervise, broker: Broker) -> None:
    supervise(as_json(broker))
    wait_until(broker.answers, what="a broker")

    assert stat.S_IMODE(broker.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(broker.socket.stat().st_mode) == 0o700


def test_runs_on_a_short_path_when_the_wanted_one_is_too_long(supervise: Supervise, tmp_path: Path) -> None:
    wanted = tmp_path / ("long " * 20) / ("ä" * 60) / "valkey.sock"

    broker = make_broker(wanted)
    supervised = supervise(as_json(broker))
    wait_until(broker.answers, what="a broker")

    assert len(os.fsencode(broker.socket)) <= LONGEST_SOCKET_PATH
    assert stat.S_IMODE(broker.socket.parent.stat().st_mode) == 0o700
    assert make_broker(wanted).socket == broker.socket
    supervised.stop()
    shutil.rmtree(broker.socket.parent)


@pytest.mark.parametrize("folder", ["plain", "with space", "100%25 #1?", "größe"])
def test_celery_finds_it_whatever_the_folder_is_called(supervise: Supervise, short_tmp_path: Path, folder: str) -> None:
    broker = make_broker(short_tmp_path / folder / "valkey.sock")
    supervise(as_json(broker))
    wait_until(broker.answers, what="a broker")

    with Connection(broker.url) as connection:
        queue = connection.SimpleQueue("greetings")
        queue.put("hello")
        assert queue.get(timeout=10).payload == "hello"


def test_takes_the_server_that_comes_along_when_none_is_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    server = find_server()

    assert server.flavour == "valkey"
    assert Path(sys.prefix) in server.program.parents


def test_leaves_servers_alone_that_are_too_old_or_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, says in {"valkey-server": "exit 1", "redis-server": "echo 'Redis server v=5.0.7 sha=0'"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_server().flavour == "valkey"


def test_refuses_a_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(BrokerUnusable, match="belongs to somebody else"):
        private_folder(tmp_path / "folder")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_refuses_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.chown(tmp_path / "folder", 65534, 65534)

    with pytest.raises(BrokerUnusable, match="belongs to somebody else"):
        private_folder(tmp_path / "folder")
