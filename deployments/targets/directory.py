"""Releases as directories of one file system, and a link `current` that is swapped in one step.

    current -> releases/7-ab12cd34ef56
    releases/7-ab12cd34ef56/…     never changed once it stands there
    .lastgood/                    lock, state.json (the fence), releases/<name>.json (a marker for each),
                                  build-* and trash-* (what is coming and what is going)

Whoever is killed at any moment leaves the old `current` or the new one. What else is left behind is found in
nobody's code path, and pruned.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deployments.targets._disk import make_directory, reported, sync_directory
from deployments.targets._files import built_aside, checked
from deployments.targets._ledger import Ledger, Marker
from deployments.targets._trash import Trash
from deployments.targets.base import Holding, InPlace, PlannedRelease, TargetRefused

RELEASE_NAME = re.compile(r"[0-9]+-[0-9a-f]{12}(\.[0-9]+)?")
LOOKS = 5


class DirectoryTarget:
    """A directory of a host that this worker can write to.

    Refuses with stale_fence, damaged_blob, bad_path, bad_mode, bad_release, path_too_long, disk_full,
    target_read_only, current_in_the_way, not_a_directory, state_damaged. Is unreachable with target_locked,
    target_io.
    """

    puts = frozenset({"bundles"})

    def __init__(self, root: Path, *, lock_patience: float = 10.0) -> None:
        self.root = root.absolute()
        self.current = self.root / "current"
        self.releases = self.root / "releases"
        self._home = self.root / ".lastgood"
        self._next = self.root / ".current.new"
        self._ledger = Ledger(self._home, lock_patience=lock_patience)

    def read(self) -> Holding:
        """Say what is in place, changing nothing, not even when the root does not exist yet."""
        with reported("read", self.root):
            return self._holding()

    def raise_fence(self, fence: int) -> Holding:
        """Make every call with a lower fence a refused one from now on, and say what is in place."""
        with self._changing():
            self._pass_fence(fence)
            return self._holding()

    def activate(self, release: PlannedRelease, *, progress: Callable[[str], None]) -> InPlace:
        """Build the release aside, then point `current` at it.

        The fence is asked twice: early, to refuse cheaply, and in the same locked step as the swap, because a
        newer act may have come by while this one was building.
        """
        _refuse_unnameable(release)
        with self._changing():
            if confirmed := self._confirmed(release):
                return confirmed
        files = checked(release.files, below=self.releases / f"{_stem(release)}.999")
        with built_aside(self._home, release, files) as aside:
            progress(f"Wrote {_amount(len(files), sum(planned.size for planned in files))}.")
            with self._changing():
                # Somebody with the same fence may have done the same meanwhile.
                if confirmed := self._confirmed(release):
                    return confirmed
                placed = self._place(release, aside)
        # Told only now: whatever listens must not be waited for under the lock.
        progress(f"Pointed current at {placed.name}.")
        return placed

    def prune(self, *, keep: Callable[[int], bool], fence: int) -> list[str]:
        """Remove the releases whose number `keep` denies, never what `current` leads to. Answers their names.

        `keep` is asked before the lock is taken. A release placed after that is not looked at.
        """
        with reported("read", self.releases):
            if not self._home.is_dir():
                return []
            known = self._release_names()
        doomed = [name for name in known if not keep(_number(name))]
        trash = Trash(self._home)
        try:
            with self._changing():
                self._refuse_stale(fence)
                removed = self._take_out(doomed, trash)
                trash.take_leftovers()
        finally:
            trash.empty()
        return removed

    # What stands there

    def _holding(self) -> Holding:
        """Read `current`, its marker and the fence as they were at one moment: no swap in between."""
        for _ in range(LOOKS):
            pointer = self._pointer()
            in_place, found = self._described(pointer)
            holding = Holding(in_place=in_place, fence=self._ledger.fence(), found=found)
            if self._pointer() == pointer:
                break
        return holding

    def _pointer(self) -> str | None:
        """Answer where `current` points, "" when there is no `current`, None when it is not a link."""
        try:
            standing = self.current.lstat()
            return os.readlink(self.current) if stat.S_ISLNK(standing.st_mode) else None
        except FileNotFoundError:
            return ""

    def _described(self, pointer: str | None) -> tuple[InPlace | None, str]:
        """Answer the release that `current` points at, or else in words what stands there."""
        if pointer == "":
            return None, ""
        if pointer is None:
            return None, f"{self.current} is a {self._kind_of_current()}, not a link to a release."
        name = pointer.removeprefix("releases/")
        if pointer != f"releases/{name}" or "/" in name or name in {"", ".", ".."}:
            return None, f"{self.current} points at {pointer}, which is not one of {self.releases}."
        if not os.path.lexists(self.releases / name):
            return None, f"{self.current} points at {pointer}, which does not exist."
        marker = self._ledger.marker(name) if _is_directory(self.releases / name) else None
        if marker is None or not _fits(marker, name):
            return None, f"{self.current} points at {pointer}, which was not placed by Lastgood."
        return InPlace(number=marker.number, digest=marker.digest, name=name), ""

    def _kind_of_current(self) -> str:
        return "directory" if _is_directory(self.current) else "file"

    def _release_names(self) -> list[str]:
        """Answer the names of release directories, oldest number first; what others put there is left out."""
        if not self.releases.is_dir():
            return []
        with os.scandir(self.releases) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(filter(RELEASE_NAME.fullmatch, names), key=lambda name: (_number(name), name))

    # Under the lock

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with reported("change", self.root):
            self._prepare()
            with self._ledger.locked():
                yield

    def _prepare(self) -> None:
        missing = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
        for folder in reversed(missing):
            make_directory(folder, 0o755)
        make_directory(self.releases, 0o755)
        self._ledger.prepare()

    def _refuse_stale(self, fence: int) -> None:
        known = self._ledger.fence()
        if known > fence:
            raise TargetRefused(
                "stale_fence",
                f"{self.root} has seen fence {known}, and this act carries {fence}: a newer one has "
                "overtaken it. Nothing was changed; look at the newer one before you try again.",
            )

    def _pass_fence(self, fence: int) -> None:
        self._refuse_stale(fence)
        if self._ledger.fence() < fence:
            self._ledger.write_fence(fence)

    def _confirmed(self, release: PlannedRelease) -> InPlace | None:
        """Answer the release if it is in place already, its fence raised. Refuses what cannot be swapped."""
        self._refuse_stale(release.fence)
        pointer = self._pointer()
        if pointer is None:
            raise TargetRefused(
                "current_in_the_way",
                f"{self.current} is a {self._kind_of_current()}, not a link, and is not replaced. "
                f"Move it away (mv {self.current} {self.current}.before), then deploy again.",
            )
        in_place, _ = self._described(pointer)
        if in_place is None or (in_place.number, in_place.digest) != (release.number, release.digest):
            return None
        self._pass_fence(release.fence)
        # Whoever swapped may have been killed before this.
        sync_directory(self.root)
        return in_place

    def _place(self, release: PlannedRelease, aside: Path) -> InPlace:
        """Move the built directory among the releases, write the fence and swap.

        All that can be refused comes before the fence. A fence once written stays, even if the swap should
        then fail: those it keeps out have been overtaken all the same.
        """
        name = self._free_name(release)
        placed_at = release.placed_at.isoformat()
        marker = Marker(release.number, release.digest, release.fence, placed_at)
        try:
            self._ledger.write_marker(name, marker)
            os.rename(aside, self.releases / name)
            sync_directory(self.releases)
            self._next.unlink(missing_ok=True)
            self._next.symlink_to(f"releases/{name}")
            self._pass_fence(release.fence)
            os.replace(self._next, self.current)
            sync_directory(self.root)
        except BaseException:
            self._withdraw(name, aside)
            raise
        return InPlace(number=release.number, digest=release.digest, name=name)

    def _withdraw(self, name: str, aside: Path) -> None:
        """Take back what was prepared for the swap, unless the swap was made and only flushing it failed."""
        if self._pointer() == f"releases/{name}":
            return
        with suppress(OSError):
            self._next.unlink(missing_ok=True)
        with suppress(OSError):
            os.rename(self.releases / name, aside)
        with suppress(OSError):
            self._ledger.remove_marker(name)

    def _free_name(self, release: PlannedRelease) -> str:
        """Answer a name that no directory has and `current` does not point at: the swap makes it live."""
        name, times = _stem(release), 1
        while os.path.lexists(self.releases / name) or self._pointer() == f"releases/{name}":
            times += 1
            name = f"{_stem(release)}.{times}"
        return name

    def _take_out(self, doomed: list[str], trash: Trash) -> list[str]:
        # Resolved, so that a hand-made link from somewhere else to a release protects it, too.
        in_use = Path(os.path.realpath(self.current))
        removed = []
        for name in doomed:
            directory = self.releases / name
            # Another prune may have been here since we looked.
            if directory.exists() and not in_use.is_relative_to(os.path.realpath(directory)):
                trash.take(directory)
                removed.append(name)
        for name in self._ledger.marked():
            if not os.path.lexists(self.releases / name):
                self._ledger.remove_marker(name)
        return removed


def _stem(release: PlannedRelease) -> str:
    return f"{release.number}-{release.digest[:12]}"


def _refuse_unnameable(release: PlannedRelease) -> None:
    """Refuse a number or digest that would not make a directory's name: it comes from outside."""
    if not RELEASE_NAME.fullmatch(_stem(release)):
        raise TargetRefused(
            "bad_release",
            f"Release {release.number} with digest {release.digest!r} has no name: the number must not be "
            "negative, the digest must be of hexadecimal digits. Deploy it again from its bundle.",
        )


def _number(name: str) -> int:
    return int(name.partition("-")[0])


def _fits(marker: Marker, name: str) -> bool:
    return name.partition(".")[0] == f"{marker.number}-{marker.digest[:12]}"


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _amount(files: int, size: int) -> str:
    noun = "file" if files == 1 else "files"
    return f"{files} {noun}, {size / 1_000_000:.1f} MB" if size >= 100_000 else f"{files} {noun}, {size} bytes"
