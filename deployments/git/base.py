"""What git is asked for, what it answers, and the two ways in which it can fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO


class GitRefused(Exception):
    """What was asked for, or what is there, can never be taken as it is: the code says why."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


class GitUnreachable(Exception):
    """The repository could not be read this time: the code says why."""

    def __init__(self, detail: str, *, code: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Remote:
    """A branch of a repository, a folder of it, and what opens it. `protocols` are those that may be spoken."""

    url: str
    branch: str
    folder: str = ""
    token: str = field(default="", repr=False)
    deploy_key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    protocols: tuple[str, ...] = ("https", "ssh")


@dataclass(frozen=True)
class Limits:
    """How much is taken, in bytes, files and seconds."""

    patience: float
    fetched_bytes: int
    files: int
    file_bytes: int
    bundle_bytes: int


@dataclass(frozen=True)
class Surroundings:
    """Where git may write, how much, and whom it tells all the while that it is alive. What that raises, ends git."""

    folder: Path
    limits: Limits
    alive: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Commit:
    """One commit. `author` is a name without an address; `message` is its first line and its body, not too long.

    `at` is when it was committed; None when that is no time.
    """

    name: str
    author: str
    at: datetime | None
    message: str


@dataclass(frozen=True)
class TreeFile:
    """One file below the folder: `path` relative to it, `size` in bytes, `blob` its name in the repository."""

    path: str
    blob: str
    size: int
    executable: bool


@dataclass(frozen=True)
class Fetched:
    """What a branch's head holds. `open` answers a file's bytes; one file is open at a time."""

    commit: Commit
    files: tuple[TreeFile, ...]
    submodules: tuple[str, ...]
    open: Callable[[TreeFile], IO[bytes]]
