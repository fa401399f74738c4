"""Who may change a directory target, or a file. Nobody waits: whoever comes with a higher fence takes the others' desks.

    .lastgood/fences/<fence>/               the highest one is the record of the fence
    .lastgood/fences/<fence>/act-<token>/   the desk of one running call

A call first makes its desk, then looks for higher fences, then removes every lower desk. Of two calls the one that
looked later has seen the other's: so either the lower one finds itself overtaken, or the higher one finds its desk.
A fence is removed only by who has seen a higher one: the highest never goes.
"""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deployments.targets._desk import TRIES, Desk, never_empty, removed, standing_in
from deployments.targets._disk import sync_directory
from deployments.targets._layout import Layout
from deployments.targets.base import TargetRefused

FENCE_NAME = re.compile(r"0|[1-9][0-9]*")
LEFTOVERS_AFTER = 3600.0  # seconds; the desk of a call that still does something is younger


class Fences:
    """The fences of a directory target. What cannot be read or changed raises OSError."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def highest(self) -> int:
        """Answer the highest fence known, 0 before the first."""
        # A single look may pass the place of a new fence too early and that of the old one too late.
        seen = self._standing()
        while new := self._standing() - seen:
            seen |= new
        return max(seen, default=0)

    def refuse_stale(self, fence: int) -> None:
        """Refuse when a higher fence is known."""
        known = self.highest()
        if known > fence:
            raise TargetRefused(
                "stale_fence",
                f"{self._layout.root} has seen fence {known}, and this act carries {fence}: a newer one has "
                "overtaken it. It changes nothing any more; look at the newer one before you try again.",
            )

    def open_desk(self, fence: int, *, by: str = "act") -> Desk:
        """Raise the fence durably, make every lower call a powerless one, and answer a desk. Refuses stale fences.

        The desk's name begins with `by`.
        """
        self.refuse_stale(fence)
        home = self._layout.fences / str(fence)
        with suppress(FileExistsError):
            home.mkdir(0o700)
        # Before a lower one goes: after a power cut the fence must not be lower than it was.
        sync_directory(self._layout.fences)
        desk = Desk(self._layout, home / f"{by}-{secrets.token_hex(8)}")
        desk.make()
        try:
            self.refuse_stale(fence)
            self._overtake(fence, desk)
        except BaseException:
            desk.close()
            with suppress(OSError):
                if self.highest() > fence:
                    removed(home)
            raise
        return desk

    def desks(self) -> Iterator[Path]:
        """Answer every desk that stands, of whatever fence."""
        for fence in sorted(self._standing()):
            yield from standing_in(self._layout.fences / str(fence))

    def clear_leftovers(self, fence: int, desk: Desk) -> None:
        """Remove the desks of that fence on which nothing has happened for long: their processes were killed."""
        left_before = time.time() - LEFTOVERS_AFTER
        for other in standing_in(self._layout.fences / str(fence)):
            # The change time, because nobody can set it.
            with suppress(FileNotFoundError):
                if other != desk.path and other.lstat().st_ctime < left_before:
                    _take_unused([desk.absorb(other)], desk)

    def _standing(self) -> set[int]:
        return {int(path.name) for path in standing_in(self._layout.fences) if FENCE_NAME.fullmatch(path.name)}

    def _overtake(self, fence: int, desk: Desk) -> None:
        lower = [self._layout.fences / str(each) for each in sorted(self._standing()) if each < fence]
        # First all desks, then what they left: nobody with a lower fence may still be able to swap.
        _take_unused([name for home in lower for name in _revoke(home, desk)], desk)


def _revoke(home: Path, desk: Desk) -> list[str]:
    """Remove the fence with all its desks. Answers the releases they placed and never pointed at."""
    unused: list[str] = []
    for _ in range(TRIES):
        unused += [desk.absorb(other) for other in standing_in(home)]
        if removed(home):
            return unused
    raise never_empty(home)


def _take_unused(names: list[str], desk: Desk) -> None:
    for name in filter(None, names):
        desk.take_unused(name)
