"""What every target driver takes, gives and raises."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol


class TargetRefused(Exception):
    """The target said no, and asking again would not help: the deploy FAILED.

    `code` is a stable word, the message says what, on which, and what to do. `sha256` names the blob whose stored
    bytes turned out to be wrong, if that is why.
    """

    def __init__(self, code: str, message: str, *, sha256: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.sha256 = sha256


class TargetUnreachable(Exception):
    """The target did not answer: worth asking again, a bounded number of times.

    It may have done what was asked all the same, so whoever asks again reads first.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class PlannedFile:
    """One file of a release: `path` is relative to the release, mount included."""

    path: str
    mode: int  # 0o444 or 0o555, as it shall be placed
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class PlannedRelease:
    """What is to be put in place: the act's number, the content's digest, and the files.

    `open_blob` answers a stream of the stored bytes of a sha256; the driver hashes what it writes and
    refuses (`damaged_blob`) what does not hash to its name. It is called from the calling thread alone,
    one file at a time. What it raises comes through unchanged: that is the store's word, not the target's.
    """

    number: int
    digest: str
    fence: int
    placed_at: datetime
    files: Iterable[PlannedFile] = field(repr=False)
    open_blob: Callable[[str], BinaryIO] = field(repr=False)
    # For targets that hand the order on: {place, kind, image, image_digest, runtime_version, bundles, callback_url},
    # `image` pinned where it could be ("repository@sha256:…"), `bundles` as {mount: digest}.
    order: Mapping[str, Any] = field(default_factory=dict)
    # Files beside the mounts, outside any code path, readable to the worker's user alone: settings, and what applies them.
    private: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    # For what several code locations share: its own fence, raised with every change (see `workspace.py`).
    shared_fence: int = 0


@dataclass(frozen=True)
class InPlace:
    """What a target holds now, as read from the target itself."""

    number: int
    digest: str  # at least the first 12 digits of the release's digest
    name: str  # as an operator finds it there: a directory's name, an image reference


@dataclass(frozen=True)
class Ordered:
    """The target took the order and carries it out in its own time: it calls back, or the platform shows it."""

    name: str  # what was ordered, in words


@dataclass(frozen=True)
class Holding:
    """A target's answer to `read` and `raise_fence`: what is in place (None: nothing of ours), the highest fence.

    `known` False: this target cannot be looked into, so nothing can be said to have drifted.
    """

    in_place: InPlace | None
    fence: int
    found: str = ""  # what stands there instead when it is not ours, in words
    known: bool = True


class Target(Protocol):
    """A place of one code location. Every method may raise TargetRefused or TargetUnreachable.

    The fence law: a call whose fence is lower than the one the target knows is refused with code
    `stale_fence` and changes nothing. Every call that carries a fence raises it first of all, before
    anything that can be refused: an act whose build fails has fenced out the one it overtook all the same.
    Nobody waits for anybody: a call that is overtaken while it runs, or while its process is stopped, has no
    effect from that moment on, and is refused with `stale_fence` when it goes on.
    """

    puts: frozenset[str]  # of "bundles", "settings", "image"

    def read(self) -> Holding:
        """Say what is in place, changing nothing."""

    def raise_fence(self, fence: int) -> Holding:
        """Make every call with a lower fence a refused one from now on, and say what is in place."""

    def activate(self, release: PlannedRelease, *, progress: Callable[[str], None]) -> InPlace | Ordered:
        """Raise the fence, then put the release in place, atomically. What is already in place stays as it is.

        That is told by number and digest. To mend what somebody changed by hand, ask with a new number.
        """

    def prune(self, *, keep: Callable[[int], bool], fence: int) -> list[str]:
        """Remove the releases whose number `keep` denies, never the one in place. Answers their names.

        `keep` keeps the numbers in flight, too. A prune that is overtaken is refused; what it removed is gone.
        """
