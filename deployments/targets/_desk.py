"""From where one call changes the target: all it does to others' paths is a rename out of its desk or into it.

    <desk>/build       what is being written  → releases/<name>
    <desk>/marker      what it is             → .lastgood/releases/<name>.json
    <desk>/current     the link to it         → current
    <desk>/gone-*      what was taken away: out of releases, or from a desk that was overtaken

The kernel renames nothing from or into a directory that has been removed, whatever handles a process holds on it.
So a call whose desk was removed has no effect any more, however late it goes on.
"""

import errno
import os
import stat
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Thread

from deployments.targets._disk import remove_tree, sync_directory, write_flushed
from deployments.targets._layout import Layout, Marker

LINK = "current"
TRIES = 100  # each one more is due to another process in the middle of a single step
CLEARING_TRIES = 3  # what stays is taken over and deleted by the next one
CLEARING_PATIENCE = 1.0  # seconds


class Desk:
    """One call's desk. What fails because it was removed raises FileNotFoundError."""

    def __init__(self, layout: Layout, path: Path) -> None:
        self.path = path
        self.build = path / "build"
        self._link = path / LINK
        self._marker = path / "marker"
        self._layout = layout
        self._numbers = count(1)

    def make(self) -> None:
        """Make the desk. Its name is nobody else's, ever."""
        self.path.mkdir(0o700)

    def show_life(self) -> None:
        """Tell others that somebody works here, and oneself whether the desk still stands."""
        os.utime(self.path)

    # Placing

    def place(self, name: str, marker: Marker) -> bool:
        """Move the build among the releases under that name; say False when another took the name first."""
        try:
            os.rename(self.build, self._layout.releases / name)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        # From here to the swap this link says: that release is this desk's, and was never live.
        os.symlink(f"releases/{name}", self._link)
        sync_directory(self._layout.releases)
        # After the directory: its name is ours alone by now, and so is the marker's.
        write_flushed(self._marker, marker.as_json())
        os.rename(self._marker, self._layout.marker_path(name))
        sync_directory(self._layout.markers)
        return True

    def swap(self) -> None:
        """Point `current` at what was placed."""
        os.replace(self._link, self._layout.current)
        sync_directory(self._layout.root)

    # Taking away

    def take_release(self, name: str) -> Path | None:
        """Move the release and its marker here and answer where it is; None when it was not there."""
        aside = self._aside()
        # The marker first: while the directory stands, nobody else takes the name.
        self._take(self._layout.marker_path(name), _marker_beside(aside))
        return aside if self._take(self._layout.releases / name, aside) else None

    def put_back(self, name: str, aside: Path) -> None:
        """Undo `take_release`."""
        os.rename(aside, self._layout.releases / name)
        with suppress(FileNotFoundError):
            os.rename(_marker_beside(aside), self._layout.marker_path(name))

    def take_orphan(self, name: str) -> None:
        """Move here the marker of a release that is no more."""
        aside = self._aside()
        if self._take(self._layout.marker_path(name), aside) and os.path.lexists(self._layout.releases / name):
            os.rename(aside, self._layout.marker_path(name))

    def take_unused(self, name: str) -> None:
        """Take away a release that was placed and will never be pointed at, unless a hand did that."""
        if not self._layout.is_in_use(name):
            self.take_release(name)

    def absorb(self, other: Path) -> str:
        """Remove the other desk, its trees now here. Answers the release it placed and never pointed at, or ""."""
        claimed = ""
        for _ in range(TRIES):
            claimed = _claim_link(other / LINK) or claimed
            self._carry_off(other)
            if removed(other):
                return claimed
        raise never_empty(other)

    def close(self) -> None:
        """Take back what was placed and not pointed at, and delete all that is here and the desk, as far as it goes.

        What takes long to delete is deleted in the background.
        """
        with suppress(OSError):
            if claimed := _claim_link(self._link):
                self.take_unused(claimed)
        with suppress(OSError):
            if removed(self.path):
                return
        # An emergency's rollback waits a moment for this at most: the trees of a dead act may be large.
        clearing = Thread(target=self._clear, name="clear-desk", daemon=True)
        with suppress(RuntimeError):
            clearing.start()
            clearing.join(CLEARING_PATIENCE)

    def _clear(self) -> None:
        for _ in range(CLEARING_TRIES):
            with suppress(OSError):
                self._delete_all()
                if removed(self.path):
                    return

    def _delete_all(self) -> None:
        for path in standing_in(self.path):
            with suppress(OSError):
                _delete(path)

    def _carry_off(self, other: Path) -> None:
        for path in standing_in(other):
            if stat.S_ISDIR(_mode(path)):
                self._take(path, self._aside())
            elif path.name != LINK:
                path.unlink(missing_ok=True)

    def _take(self, path: Path, aside: Path) -> bool:
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            # Somebody was quicker; or else we are overtaken ourselves, and this raises.
            self.path.lstat()
            return False
        return True

    def _aside(self) -> Path:
        return self.path / f"gone-{next(self._numbers)}"


def standing_in(directory: Path) -> list[Path]:
    """Answer what stands in the directory; nothing when there is none."""
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []


def removed(directory: Path) -> bool:
    """Remove the directory if it is empty, and say whether it is gone."""
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def never_empty(directory: Path) -> OSError:
    """Answer the error of a directory in which something new stands at every look."""
    return OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(directory))


def _claim_link(link: Path) -> str:
    """Remove the link, so that it becomes nobody's `current`. Answers the release it names if it was still there."""
    try:
        name = os.readlink(link).removeprefix("releases/")
        link.unlink()
    except FileNotFoundError:
        return ""
    return name


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def _delete(path: Path) -> None:
    if stat.S_ISDIR(_mode(path)):
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _marker_beside(aside: Path) -> Path:
    return aside.with_name(f"{aside.name}.json")
