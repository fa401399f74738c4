"""Where everything of a directory target lies, and what can be read there. Nothing here changes anything."""

import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RELEASE_NAME = re.compile(r"[0-9]+-[0-9a-f]{12}(\.[0-9]+)?")


@dataclass(frozen=True)
class Marker:
    """What a release directory's name cannot say. It lies outside any code path."""

    number: int
    digest: str
    fence: int
    placed_at: str  # for the operator who reads it

    def as_json(self) -> bytes:
        """Answer the bytes of the marker's file."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"

    def fits(self, name: str) -> bool:
        """Say whether a release directory of that name is what the marker speaks of."""
        return name.partition(".")[0] == f"{self.number}-{self.digest[:12]}"


@dataclass(frozen=True)
class Layout:
    """The paths below a root. What cannot be read raises OSError."""

    root: Path

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def home(self) -> Path:
        return self.root / ".lastgood"

    @property
    def fences(self) -> Path:
        return self.home / "fences"

    @property
    def markers(self) -> Path:
        return self.home / "releases"

    def marker_path(self, name: str) -> Path:
        return self.markers / f"{name}.json"

    def pointer(self) -> str | None:
        """Answer where `current` points, "" when there is no `current`, None when it is not a link."""
        try:
            standing = self.current.lstat()
            return os.readlink(self.current) if stat.S_ISLNK(standing.st_mode) else None
        except FileNotFoundError:
            return ""

    def is_in_use(self, name: str) -> bool:
        """Say whether `current` leads to or into that release, even if it has just been taken away."""
        # Resolved, so that a hand-made link from somewhere else to a release protects it, too.
        directory = Path(os.path.realpath(self.releases)) / name
        return Path(os.path.realpath(self.current)).is_relative_to(directory)

    def release_names(self) -> list[str]:
        """Answer the names of release directories, oldest number first; what others put there is left out."""
        if not self.releases.is_dir():
            return []
        with os.scandir(self.releases) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(filter(RELEASE_NAME.fullmatch, names), key=lambda name: (number_in(name), name))

    def marker(self, name: str) -> Marker | None:
        """Answer the marker of the release directory, None when there is none that can be read."""
        match _json_of(self.marker_path(name)):
            case {
                "number": int(number),
                "digest": str(digest),
                "fence": int(fence),
                "placed_at": str(placed_at),
            }:
                return Marker(number=number, digest=digest, fence=fence, placed_at=placed_at)
        return None

    def marked(self) -> list[str]:
        """Answer the names of all release directories that have a marker."""
        return [path.stem for path in self.markers.glob("*.json")]


def number_in(name: str) -> int:
    """Answer the number that the release directory's name begins with."""
    return int(name.partition("-")[0])


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
