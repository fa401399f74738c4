"""Three code locations whose releases one workspace.yaml names, and a Dagster that reads that file when it is told to."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deployments.drivers import target_path
from deployments.models import CodeLocation, Deployment
from deployments.platforms.base import (
    Connection,
    LoadError,
    LocationReport,
    PlatformRefused,
    PlatformUnreachable,
    Status,
)
from tests.factories import make_deployment, make_location
from tests.operations.scripted_platform import DIGEST

NAMES = ("customers", "orders", "shop")
FILE = "dags/defs.py"
BROKEN = b"broken"


def code(word: str) -> dict[str, bytes]:
    """Answer a project that defines this word."""
    return {"defs.py": word.encode()}


@dataclass
class FilePlatform:
    """Serves what the files hold that its workspace.yaml named when it was last read; each load has another server.

    `while_reading` is called when the file has been read and nothing is served of it yet. `unanswered` reloads of all
    go on beyond everybody's patience, until `finish`. `silent` ones are not even taken.
    """

    file: Path
    asked: list[str] = field(default_factory=list)
    while_reading: Callable[[], None] = lambda: None
    unanswered: int = 0
    silent: int = 0
    heals: set[str] = field(default_factory=set)
    _served: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _loads: int = 0
    _coming: dict[str, tuple[str, bytes]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def version(self) -> str:
        """Answer a version."""
        return "1.12.0"

    def connection(self) -> Connection:
        """Answer which locations there are."""
        return Connection(self.version(), tuple(self._served), may_reload=True)

    def statuses(self) -> dict[str, Status]:
        """Answer what is served under every name."""
        return {name: self._status(*served) for name, served in self._served.items()}

    def status(self, location: str) -> Status | None:
        """Answer what is served, cheaply."""
        self.asked.append("status")
        served = self._served.get(location)
        return served and self._status(*served)

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served."""
        self.asked.append("report")
        if (served := self._served.get(location)) is None:
            return None
        status, text = self._status(*served), served[1]
        error = LoadError("It does not load.", "SyntaxError", transient=location in self.heals)
        return LocationReport(
            version_key=status.version_key,
            server_id=status.server_id,
            error=error if text == BROKEN else None,
            definitions_digest=None if text == BROKEN else DIGEST(int.from_bytes(text)),
            asset_count=1,
        )

    def reload(self, location: str) -> bool:
        """Load a location from where the file named it when it was read last: nobody asks for that here."""
        raise AssertionError(f"Only the whole workspace is reloaded, not {location} alone.")

    def reload_all(self) -> bool:
        """Read the file, and load all that it names."""
        self.asked.append("reload_all")
        if self.silent:
            self.silent -= 1
            raise PlatformUnreachable("platform_unreachable", "No answer from Dagster.")
        coming = self._read()
        self.while_reading()
        if self.unanswered:
            self.unanswered -= 1
            self._coming = coming
            return False
        with self._lock:
            self._served = coming
        return True

    def finish(self) -> None:
        """End the reload that nobody waits for any more."""
        assert self._coming is not None
        self._served, self._coming = self._coming, None

    def serves(self, location: str) -> str:
        """Answer the word that a location defines."""
        return self._served[location][1].decode()

    def _read(self) -> dict[str, tuple[str, bytes]]:
        try:
            entries = yaml.safe_load(self.file.read_text())["load_from"]
        except OSError as missing:
            raise PlatformRefused("reload_failed", "There is no workspace.yaml.") from missing
        read: dict[str, tuple[str, bytes]] = {}
        for entry in entries:
            told = entry["python_file"]
            path = Path(told["relative_path"])
            with self._lock:
                self._loads += 1
                server = f"server-{self._loads}"
            read[told["location_name"]] = (server, path.read_bytes() if path.exists() else BROKEN)
        return read

    def _status(self, server: str, text: bytes) -> Status:
        broken = text == BROKEN
        return Status(f"{server}/{text!r}", False, None if broken else server)


@dataclass
class Workspace:
    """The file, its locations, and the Dagster that reads it."""

    file: Path
    deployment: Deployment
    locations: dict[str, CodeLocation]
    platform: FilePlatform

    def entry(self, name: str) -> dict[str, Any]:
        """Answer a location's entry as Dagster reads it."""
        entries = yaml.safe_load(self.file.read_text())["load_from"]
        [found] = [each["python_file"] for each in entries if each["python_file"]["location_name"] == name]
        return dict(found)

    def named(self, name: str) -> bytes:
        """Answer the content of the file that a location's entry names."""
        return Path(self.entry(name)["relative_path"]).read_bytes()


def make_workspace(folder: Path) -> Workspace:
    """Make the rows, and a workspace.yaml as somebody wrote it who has deployed nothing yet."""
    file = folder / "etc" / "workspace.yaml"
    file.parent.mkdir()
    deployment = make_deployment(
        target="workspace", workspace_file=str(file), platform="dagster", platform_url="http://127.0.0.1:3000"
    )
    locations = {name: make_location(deployment, name) for name in NAMES}
    lines = ["# ours: keep the comments", "load_from:"]
    for name, location in locations.items():
        current = target_path(location) / "current"
        lines.append(
            f"  - python_file: {{relative_path: {current}/{FILE}, working_directory: {current}/dags, "
            f"location_name: {name}}}  # of {name}"
        )
    file.write_text("\n".join(lines) + "\n")
    return Workspace(file, deployment, locations, FilePlatform(file))
