"""Who may change a directory target. Nobody waits for anybody: whoever comes with a higher fence takes the others' desks.

    .lastgood/fences/<fence>/               the highest one is the record of the fence
    .lastgood/fences/<fence>/act-<token>/   the desk of one running call

A call first makes its desk, then looks for higher fences, then removes every lower desk. Of two calls the one that
looked later has seen the other's: so either the lower one finds itself overtaken, or the higher one finds its desk.
A fence is removed only by who has seen a higher one: the highest never goes.
"""

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from deployments.targets._desk import TRIES, Desk, removed, standing_in
from deployments.targets._disk import make_directory, sync_directory
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

    def open_desk(self, fence: int) -> Desk:
        """Raise the fence durably, make every lower call a powerless one, and answer a desk. Refuses stale fences."""
        self.refuse_stale(fence)
        home = self._layout.fences / str(fence)
        make_directory(self._layout.fences, 0o700)
        with suppress(FileExistsError):
            home.mkdir(0o700)
        # Before a lower one goes: after a power cut the fence must not be lower than it was.
        sync_directory(self._layout.fences)
        desk = Desk(self._layout, home / f"act-{secrets.token_hex(8)}")
        desk.make()
        try:
            self._overtake(fence, desk)
        except BaseException:
            desk.close()
            raise
        return desk

    def clear_leftovers(self, fence: int, desk: Desk) -> None:
        """Remove the desks of that fence on which nothing has happened for long: their processes were killed."""
        left_before = time.time() - LEFTOVERS_AFTER
        for other in standing_in(self._layout.fences / str(fence)):
            # The change time, because nobody can set it.
            with suppress(FileNotFoundError):
                if other != desk.path and other.lstat().st_ctime < left_before:
                    self._take_unused([desk.absorb(other)], desk)

    def _standing(self) -> set[int]:
        return {int(path.name) for path in standing_in(self._layout.fences) if FENCE_NAME.fullmatch(path.name)}

    def _overtake(self, fence: int, desk: Desk) -> None:
        try:
            self.refuse_stale(fence)
        except TargetRefused:
            desk.close()
            with suppress(OSError):
                removed(desk.path.parent)
            raise
        lower = [self._layout.fences / str(each) for each in sorted(self._standing()) if each < fence]
        unused = [name for home in lower for name in _revoke(home, desk)]
        # Only now that nobody with a lower fence can swap any more.
        for name in unused:
            desk.take_unused(name)


def _revoke(home: Path, desk: Desk) -> list[str]:
    """Remove the fence with all its desks. Answers the releases they placed and never pointed at."""
    unused = []
    for _ in range(TRIES):
        unused += [name for other in standing_in(home) if (name := desk.absorb(other))]
        if removed(home):
            return unused
    raise OSError(f"{home} does not get empty.")
