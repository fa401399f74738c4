"""What of a directory is never deployed: the fixed names, and the lines of `.lastgoodignore`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .exits import Misuse

FILE = ".lastgoodignore"
ALWAYS = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", ".DS_Store", FILE})


class BadRule(Misuse):
    """A line of `.lastgoodignore` says what is not understood."""


@dataclass(frozen=True)
class Rule:
    """One line, cut at its slashes; unanchored when it had none but a last one."""

    parts: tuple[str, ...]
    anchored: bool
    directories_only: bool

    @classmethod
    def parse(cls, line: str) -> Rule:
        """Read one line. Raises BadRule."""
        if line.startswith("!"):
            raise BadRule(f"{FILE}: {line!r} takes something back in, which is not supported. Remove the line.")
        body = line.removesuffix("/")
        parts = tuple(part for part in body.split("/") if part)
        return cls(parts, anchored="/" in body, directories_only=line.endswith("/"))

    def covers(self, path: tuple[str, ...], *, is_directory: bool) -> bool:
        """Say whether the rule means this path."""
        if self.directories_only and not is_directory:
            return False
        return _match(path if self.anchored else path[-1:], self.parts)


class Ignored:
    """The rules of one directory."""

    def __init__(self, root: Path) -> None:
        """Read the directory's `.lastgoodignore`, if it has one. Raises BadRule."""
        self.root = root
        self._rules = [Rule.parse(line) for line in _lines(root / FILE)]

    def leaves_out(self, path: tuple[str, ...]) -> bool:
        """Say whether the file or directory, or one that contains it, is left out."""
        return any(self.names(path[:depth]) for depth in range(1, len(path) + 1))

    def names(self, path: tuple[str, ...]) -> bool:
        """Say whether a rule means this very file or directory."""
        here = self.root.joinpath(*path)
        is_directory = here.is_dir()
        return (
            path[-1] in ALWAYS
            or (path[-1].endswith(".pyc") and not is_directory)
            or (path[-1] == "venv" and (here / "pyvenv.cfg").exists())
            or any(rule.covers(path, is_directory=is_directory) for rule in self._rules)
        )


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadRule(f"{file} cannot be read: {error}.") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _match(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_match(path[skipped:], pattern[1:]) for skipped in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _match(path[1:], pattern[1:])
