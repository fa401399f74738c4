"""Releases as directories of one file system, and a link `current` that is swapped in one step.

    current -> releases/7-ab12cd34ef56
    releases/7-ab12cd34ef56/…     never changed once it stands there; .lastgood/ in it holds its settings
    .lastgood/releases/           <name>.json: a marker for each release
    .lastgood/fences/             the fence, and below it what is coming and what is going

Whoever is killed at any moment leaves the old `current` or the new one. What else is left behind is found in
nobody's code path, and removed by the next act with a higher fence, or pruned. Whoever is stopped is not waited for.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from deployments.targets._desk import Desk
from deployments.targets._disk import make_directory, remove_tree, reported, sync_directory
from deployments.targets._fences import Fences
from deployments.targets._files import build, checked, write_private
from deployments.targets._layout import RELEASE_NAME, Layout, Marker, number_in
from deployments.targets.base import Holding, InPlace, PlannedRelease, TargetRefused, TargetUnreachable

LOOKS = 5


class DirectoryTarget:
    """A directory of a host that this worker can write to.

    Refuses with stale_fence, damaged_blob, bad_path, bad_mode, bad_release, path_too_long, disk_full,
    target_read_only, current_in_the_way, not_a_directory. Is unreachable with target_io.
    """

    puts = frozenset({"bundles", "settings"})

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root.absolute())
        self._fences = Fences(self._layout)
        self.root = self._layout.root
        self.current = self._layout.current
        self.releases = self._layout.releases

    def read(self) -> Holding:
        """Say what is in place, changing nothing, not even when the root does not exist yet."""
        with reported("read", self.root):
            return self._holding()

    def raise_fence(self, fence: int) -> Holding:
        """Make every call with a lower fence a refused one from now on, and say what is in place."""
        with self._acting(fence), reported("read", self.root):
            return self._holding()

    def activate(self, release: PlannedRelease, *, progress: Callable[[str], None]) -> InPlace:
        """Raise the fence, build the release aside, then point `current` at it."""
        with self._acting(release.fence) as desk:
            _refuse_unnameable(release)
            if confirmed := self._confirmed(release):
                return confirmed
            files = checked(release.files, below=self.releases / f"{_stem(release)}.999")
            build(desk.build, release, files, step=desk.show_life)
            write_private(desk.build, release.private)
            progress(f"Wrote {_amount(len(files), sum(planned.size for planned in files))}.")
            # Somebody with the same fence may have done the same meanwhile.
            if confirmed := self._confirmed(release):
                return confirmed
            placed = self._place(release, desk)
            progress(f"Pointed current at {placed.name}.")
        return placed

    def prune(self, *, keep: Callable[[int], bool], fence: int) -> list[str]:
        """Remove the releases whose number `keep` denies, never what `current` leads to. Answers their names.

        `keep` is asked before the fence is raised. A release placed after that is not looked at.
        """
        with reported("read", self.releases):
            if not self._layout.home.is_dir():
                return []
            known = self._layout.release_names()
        doomed = [name for name in known if not keep(number_in(name))]
        with self._acting(fence) as desk:
            with reported("change", self.root):
                self._fences.clear_leftovers(fence, desk)
            return self._removed(doomed, desk)

    # What stands there

    def _holding(self) -> Holding:
        """Read `current`, its marker and the fence as they were at one moment: no swap in between."""
        for _ in range(LOOKS):
            pointer = self._layout.pointer()
            in_place, found = self._described(pointer)
            holding = Holding(in_place=in_place, fence=self._fences.highest(), found=found)
            if self._layout.pointer() == pointer:
                break
        return holding

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
        marker = self._layout.marker(name) if _is_directory(self.releases / name) else None
        if marker is None or not marker.fits(name):
            return None, f"{self.current} points at {pointer}, which was not placed by Lastgood."
        return InPlace(number=marker.number, digest=marker.digest, name=name), ""

    def _kind_of_current(self) -> str:
        return "directory" if _is_directory(self.current) else "file"

    # Changing it

    @contextmanager
    def _acting(self, fence: int) -> Iterator[Desk]:
        """Raise the fence and give a desk. What then fails because of a newer act is refused as stale."""
        try:
            with reported("change", self.root):
                self._prepare()
                desk = self._fences.open_desk(fence)
            try:
                yield desk
            finally:
                desk.close()
        except (TargetRefused, TargetUnreachable) as failure:
            if isinstance(failure.__cause__, OSError):
                self._refuse_stale(fence)
            raise

    def _prepare(self) -> None:
        missing = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
        for folder in reversed(missing):
            make_directory(folder, 0o755)
        make_directory(self.releases, 0o755)
        # Readable to the worker's user alone.
        for folder in (self._layout.home, self._layout.markers, self._layout.fences):
            make_directory(folder, 0o700)

    def _refuse_stale(self, fence: int) -> None:
        with reported("read", self._layout.fences):
            self._fences.refuse_stale(fence)

    def _confirmed(self, release: PlannedRelease) -> InPlace | None:
        """Answer the release if it is in place already. Refuses a `current` that cannot be swapped."""
        with reported("change", self.root):
            pointer = self._layout.pointer()
            if pointer is None:
                raise TargetRefused(
                    "current_in_the_way",
                    f"{self.current} is a {self._kind_of_current()}, not a link, and is not replaced. "
                    f"Move it away (mv {self.current} {self.current}.before), then deploy again.",
                )
            in_place, _ = self._described(pointer)
            if in_place is None or (in_place.number, in_place.digest) != (release.number, release.digest):
                return None
            self._fences.refuse_stale(release.fence)
            # Whoever swapped may have been killed before this.
            sync_directory(self.root)
            return in_place

    def _place(self, release: PlannedRelease, desk: Desk) -> InPlace:
        """Move the built directory among the releases and swap."""
        marker = Marker(release.number, release.digest, release.fence, release.placed_at.isoformat())
        with reported("change", self.root):
            name = next(name for name in self._free_names(release) if desk.place(name, marker))
            # The swap cannot succeed after the desk is gone. This only says it sooner.
            self._fences.refuse_stale(release.fence)
            desk.swap()
        return InPlace(number=release.number, digest=release.digest, name=name)

    def _free_names(self, release: PlannedRelease) -> Iterator[str]:
        """Answer names that no directory has and `current` does not point at: the swap makes it live."""
        stem = _stem(release)
        for name in (stem if times == 1 else f"{stem}.{times}" for times in count(1)):
            if not os.path.lexists(self.releases / name) and self._layout.pointer() != f"releases/{name}":
                yield name

    def _removed(self, doomed: list[str], desk: Desk) -> list[str]:
        """Remove the releases one by one, as far as it goes, then raise the first failure."""
        removed, failures = [], []
        for name in doomed:
            with reported("change", self.root):
                aside = self._taken(name, desk)
            if aside is None:
                continue
            removed.append(name)
            try:
                with reported("delete", aside):
                    remove_tree(aside)
            except (TargetRefused, TargetUnreachable) as failure:
                failures.append(failure)
        with reported("change", self.root):
            for name in self._layout.marked():
                if not os.path.lexists(self.releases / name):
                    desk.take_orphan(name)
        if failures:
            raise failures[0]
        return removed

    def _taken(self, name: str, desk: Desk) -> Path | None:
        if self._layout.is_in_use(name):
            return None
        aside = desk.take_release(name)
        # Only if `keep` denied what an act with this very fence was about to point at.
        if aside and self._layout.is_in_use(name):
            desk.put_back(name, aside)
            return None
        return aside


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


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _amount(files: int, size: int) -> str:
    noun = "file" if files == 1 else "files"
    return f"{files} {noun}, {size / 1_000_000:.1f} MB" if size >= 100_000 else f"{files} {noun}, {size} bytes"
