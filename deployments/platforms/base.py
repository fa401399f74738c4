"""What every platform driver takes, gives and raises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class PlatformRefused(Exception):
    """The platform said no, and asking again would not help. `code` is a stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PlatformUnreachable(Exception):
    """The platform did not answer in time, or not in its own language: worth asking again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class LoadError:
    """Why a code location did not load. `chain`: outermost first, each `{message, class_name, stack, frame}`."""

    message: str
    class_name: str
    chain: list[dict[str, Any]] = field(default_factory=list)
    transient: bool = False  # known to heal by itself: worth one more look


@dataclass(frozen=True)
class Status:
    """The cheap answer: did this location move? `version_key` is opaque; `loading` while it works."""

    version_key: str
    loading: bool
    server_id: str | None  # None while the location has failed to load


@dataclass(frozen=True)
class LocationReport:
    """What a platform serves for one location now. `definitions_digest` is None when it failed to load."""

    version_key: str
    server_id: str | None
    error: LoadError | None
    definitions_digest: str | None
    asset_count: int
    metadata: dict[str, str] = field(default_factory=dict)  # image, working directory, library versions …
    raw: dict[str, Any] = field(default_factory=dict, repr=False)  # normal-form definitions, for the asset app
    written: bytes = field(default=b"", repr=False)  # the same as canonical JSON, of which the digest is made
    # `metadata` with the paths of releases made relative ("{release}/dags"): alike wherever the same code lies.
    placeless: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # what this version of the platform cannot tell, in sentences


@dataclass(frozen=True)
class Connection:
    """What a platform says of itself. `may_reload` None: it does not say. `missing`: what this version cannot tell."""

    version: str
    locations: tuple[str, ...]
    may_reload: bool | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunsInFlight:
    """What runs or is queued now: so many in all, and by the release that they are pinned to.

    `by_release` has the name that the platform shows of a release ("12-0123456789ab"), "" for runs that are pinned to
    none. `more`: there are others that were not counted.
    """

    total: int
    by_release: dict[str, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True)
class ExpectedFile:
    """One file of a release, as the platform will find it: `path` relative to the folder that it reads."""

    path: str
    sha256: str
    text: Callable[[], str] = field(repr=False)  # its content; "" when it is no text


@dataclass(frozen=True)
class Expected:
    """What was put in place and is to be seen: the release's directory name, its files by path, and since when it lies there.

    `asked_at` is now by the clock that says `placed_at`; None: by this machine's own. Another machine's clock may differ.
    """

    release: str
    files: Mapping[str, ExpectedFile]
    placed_at: datetime
    asked_at: datetime | None = None


@dataclass(frozen=True)
class Convergence:
    """How far a platform that reads files by itself has come. `done` None: not yet, and `words` say what is waited for.

    `done` False: it will not come to it, `error` says why. `seen`: plain data to be given back with the next question.
    """

    done: bool | None
    words: str
    error: LoadError | None = None
    seen: dict[str, Any] = field(default_factory=dict)


class Platform(Protocol):
    """A running system. Every method may raise PlatformRefused or PlatformUnreachable."""

    def version(self) -> str:
        """Answer the platform's own version. Cheap: used as the connection test."""

    def connection(self) -> Connection:
        """Say what there is, and what we may do: for whoever has just typed the address in."""

    def statuses(self) -> dict[str, Status]:
        """Answer the cheap status of every location, by name, in one question."""

    def status(self, location: str) -> Status | None:
        """Answer the location's cheap status, or None when the platform does not know it."""

    def report(self, location: str) -> LocationReport | None:
        """Read what the location serves, definitions included; None when the platform does not know it."""

    def reload(self, location: str) -> bool:
        """Ask for a reload. True: the platform answered; False: it goes on beyond our patience, ask `status`."""

    def reload_all(self) -> bool:
        """Ask it to read its list of locations anew and to reload all of them. Answers as `reload` does."""


class FileReader(Platform, Protocol):
    """A platform that reads what lies in place by itself, file by file, and has to be asked how far it is."""

    def ask_to_read(self) -> bool:
        """Have it look at its files now. False: nothing there could be asked for yet, it looks by itself later."""

    def converge(self, expected: Expected, seen: Mapping[str, Any]) -> Convergence:
        """Say whether what it serves is what was expected, asking it to read again where that may help."""

    def runs_in_flight(self) -> RunsInFlight:
        """Count what runs or is queued now. Raises PlatformRefused, PlatformUnreachable."""
