"""What a directory target knows beside its releases: the lock, the fence, and a marker per release."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployments.targets._disk import make_directory, reported, write_durably
from deployments.targets.base import TargetRefused, TargetUnreachable

LOCK_PAUSE = 0.01  # seconds between two tries


@dataclass(frozen=True)
class Marker:
    """What a release directory's name cannot say. It lies outside any code path."""

    number: int
    digest: str
    fence: int
    placed_at: str  # for the operator who reads it


class Ledger:
    """The files below `.lastgood`. Write only while holding the lock."""

    def __init__(self, home: Path, *, lock_patience: float) -> None:
        self.home = home
        self.markers = home / "releases"
        self._lock = home / "lock"
        self._state = home / "state.json"
        self._lock_patience = lock_patience

    def prepare(self) -> None:
        """Make the directories, readable to the worker's user alone."""
        make_directory(self.home, 0o700)
        make_directory(self.markers, 0o700)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process and thread out. Raises TargetUnreachable when another stays too long."""
        with reported("open", self._lock):
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._wait_for_lock(descriptor)
            try:
                yield
            finally:
                # Said aloud, because a forked child may share the descriptor and keep it open.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def _wait_for_lock(self, descriptor: int) -> None:
        give_up_at = time.monotonic() + self._lock_patience
        while not self._got_lock(descriptor):
            if time.monotonic() >= give_up_at:
                raise TargetUnreachable(
                    "target_locked",
                    f"Another process has held {self._lock} for more than {self._lock_patience:g} s. "
                    f"This is tried again; if it goes on, `fuser {self._lock}` names that process.",
                )
            time.sleep(LOCK_PAUSE)

    def _got_lock(self, descriptor: int) -> bool:
        try:
            with reported("lock", self._lock):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except TargetUnreachable as error:
            if isinstance(error.__cause__, BlockingIOError):
                return False
            raise
        return True

    def fence(self) -> int:
        """Answer the highest fence known, 0 before the first. Refuses a state that cannot be read."""
        try:
            state = _json_of(self._state)
        except FileNotFoundError:
            return 0
        match state:
            case {"fence": int(fence)}:
                return fence
        raise TargetRefused(
            "state_damaged",
            f'{self._state} does not say {{"fence": number}}. Somebody changed it by hand: '
            "put the number back, or remove the file while no deploy is running here.",
        )

    def write_fence(self, fence: int) -> None:
        """Remember the fence durably."""
        with reported("write", self._state):
            write_durably(self._state, _as_json({"fence": fence}))

    def marker(self, name: str) -> Marker | None:
        """Answer the marker of the release directory, None when there is none that can be read."""
        try:
            marker = _json_of(self._marker_path(name))
        except FileNotFoundError:
            return None
        match marker:
            case {
                "number": int(number),
                "digest": str(digest),
                "fence": int(fence),
                "placed_at": str(placed_at),
            }:
                return Marker(number=number, digest=digest, fence=fence, placed_at=placed_at)
        return None

    def write_marker(self, name: str, marker: Marker) -> None:
        """Remember durably what the release directory of that name is."""
        path = self._marker_path(name)
        with reported("write", path):
            write_durably(path, _as_json(asdict(marker)))

    def remove_marker(self, name: str) -> None:
        """Forget the release directory of that name."""
        self._marker_path(name).unlink(missing_ok=True)

    def marked(self) -> list[str]:
        """Answer the names of all release directories that have a marker."""
        return [path.stem for path in self.markers.glob("*.json")]

    def _marker_path(self, name: str) -> Path:
        return self.markers / f"{name}.json"


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return None


def _as_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
