"""A workspace.yaml on a disk, which the acts of several code locations edit, each its own entry.

    <folder>/.lastgood-workspace/<file name>/fences/<shared fence>/act-<root>-<fence>-<token>/file

The new text is written on a desk and renamed from there over the file. A desk goes when a higher shared fence comes,
or when the fence of the directory target it acts for rises; from a desk that has gone nothing can be renamed.
"""

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deployments.targets._desk import TRIES, Desk, never_empty, removed, standing_in
from deployments.targets._disk import NEW_FILE, make_directory, reported, sync_directory, write_all
from deployments.targets._fences import Fences
from deployments.targets._layout import Layout
from deployments.targets._workspace_yaml import Surroundings, Workspace
from deployments.targets.base import TargetRefused, TargetUnreachable

LARGEST = 1_000_000  # bytes
LOOKS = 5


class WorkspaceFile:
    """The workspace file at that path, edited where it really lies. Refuses with workspace_…, stale_fence and the disk's."""

    def __init__(self, path: Path, *, layout: Layout, location: str) -> None:
        self.path = path.absolute()
        self._about = Surroundings(file=self.path, root=layout.root, location=location)
        self._acts = Fences(layout)
        self._owner = "act-" + hashlib.sha256(os.fsencode(layout.root)).hexdigest()[:12]

    def read(self) -> Workspace:
        """Read the file."""
        return self._seen(_Place(self.path))[0]

    def highest(self) -> int:
        """Answer the highest shared fence that the file has seen, 0 before the first."""
        with reported("read", self.path):
            return _Place(self.path).fences.highest()

    def refuse_unusable(self, *, shared_fence: int) -> None:
        """Refuse what `lead_to` would refuse, as far as that can be told before, changing nothing."""
        place = _Place(self.path)
        with reported("read", self.path):
            place.fences.refuse_stale(shared_fence)
        self._seen(place)[0].leads_to()
        for folder in filter(os.path.lexists, (place.real.parent, place.layout.fences)):
            if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
                raise TargetRefused(
                    "target_read_only",
                    f"{self.path} is replaced as a whole, and {folder} cannot be written to. Mount it writable and "
                    f"let the worker (uid {os.geteuid()}) write there, then try again.",
                )

    def lead_to(self, name: str, *, fence: int, shared_fence: int) -> bool:
        """Lead our entry to the release, and say whether that changed anything. Raises the shared fence."""
        place = _Place(self.path)
        with self._acting(place, fence, shared_fence) as desk:
            for _ in range(LOOKS):
                workspace, looks = self._seen(place)
                text = workspace.led_to(name)
                if text == workspace.text:
                    # Whoever wrote it may have been killed before this.
                    with reported("flush", self.path):
                        place.fences.refuse_stale(shared_fence)
                        sync_directory(place.real.parent)
                    return False
                if self._replaced(place, desk, text, looks):
                    return True
        raise TargetUnreachable(
            "workspace_moving",
            f"Somebody else writes {self.path} all the time: it was another one after each reading. This is tried "
            "again; if it goes on, look for what writes it.",
        )

    def overtake(self, fence: int) -> None:
        """Make every edit for our root with a lower fence a powerless one. Called after that fence was raised."""
        with reported("change", self.path):
            for desk in _Place(self.path).fences.desks():
                of_ours = re.fullmatch(rf"{self._owner}-([0-9]+)-[0-9a-f]+", desk.name)
                if of_ours and int(of_ours[1]) < fence:
                    _remove(desk)

    @contextmanager
    def _acting(self, place: "_Place", fence: int, shared_fence: int) -> Iterator[Desk]:
        """Raise the shared fence and give a desk. What then fails because of a newer act is refused as stale."""
        try:
            with reported("change", self.path):
                place.prepare()
                desk = place.fences.open_desk(shared_fence, by=f"{self._owner}-{fence}")
            try:
                # After the desk was made: whoever raises that fence looks for desks afterwards.
                self._refuse_stale_act(fence)
                yield desk
            finally:
                desk.close()
        except (TargetRefused, TargetUnreachable) as failure:
            if isinstance(failure.__cause__, OSError):
                self._refuse_stale_act(fence)
                with reported("read", self.path):
                    place.fences.refuse_stale(shared_fence)
            raise

    def _refuse_stale_act(self, fence: int) -> None:
        with reported("read", self._about.root):
            self._acts.refuse_stale(fence)

    def _seen(self, place: "_Place") -> tuple[Workspace, os.stat_result]:
        """Read the file, and answer how it looked then."""
        self._refuse_inside_release(place.real)
        with reported("read", self.path):
            content, looks = self._content(place.real)
        if len(content) > LARGEST:
            raise self._unreadable(f"has more than {LARGEST // 1_000_000} MB. Remove what is no code location")
        try:
            return Workspace(content.decode(), self._about), looks
        except UnicodeDecodeError as error:
            raise self._unreadable(f"is not UTF-8 (byte {error.start}). Save it as UTF-8") from error

    def _content(self, real: Path) -> tuple[bytes, os.stat_result]:
        try:
            # A pipe would wait for its writer.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise self._missing(real) from error
        try:
            looks = os.fstat(descriptor)
            if not stat.S_ISREG(looks.st_mode):
                raise self._unreadable("is no file. Move it away and write a workspace file there")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(LARGEST + 1), looks
        finally:
            os.close(descriptor)

    def _unreadable(self, said: str) -> TargetRefused:
        return TargetRefused("workspace_unreadable", f"{self.path} {said}, then try again.")

    def _missing(self, real: Path) -> TargetRefused:
        leads = f", a link to {real}, leads nowhere" if os.path.lexists(self.path) else " does not exist"
        return TargetRefused(
            "workspace_missing",
            f"The workspace file {self.path}{leads}. Write it like this, with the path of your own definitions below "
            f"current, or correct the path of the file, then try again:\nload_from:\n{self._about.lines()}",
        )

    def _refuse_inside_release(self, real: Path) -> None:
        root = self._about.root
        releases = os.path.realpath(root / "releases")
        if real.is_relative_to(releases) or self.path.is_relative_to(root / "current"):
            raise TargetRefused(
                "workspace_inside_release",
                f"{self.path} lies in a release, and releases are never changed. Put the workspace file outside of "
                f"{root / 'releases'} and {root / 'current'}, name that to Dagster and here, then try again.",
            )

    def _replaced(self, place: "_Place", desk: Desk, text: str, looks: os.stat_result) -> bool:
        """Put the text in the file's place in one step. Says False when the file is another one than was looked at."""
        new = desk.path / "file"
        with reported("write", self.path):
            new.unlink(missing_ok=True)
            self._write(new, text.encode(), place.real, looks)
            if _identity(os.stat(place.real)) != _identity(looks):
                return False
            try:
                os.replace(new, place.real)
            except OSError as error:
                if error.errno == errno.EBUSY:
                    raise self._mounted(place.real) from error
                raise
            sync_directory(place.real.parent)
        return True

    def _mounted(self, real: Path) -> TargetRefused:
        return TargetRefused(
            "target_read_only",
            f"{self.path} is mounted by itself, so it cannot be replaced. Mount its folder {real.parent} instead, "
            "then try again.",
        )

    def _write(self, new: Path, content: bytes, old: Path, looks: os.stat_result) -> None:
        """Write the content into a new file with the old one's owner, mode and attributes."""
        descriptor = os.open(new, NEW_FILE, 0o600)
        try:
            write_all(descriptor, content)
            made = os.fstat(descriptor)
            if (made.st_uid, made.st_gid) != (looks.st_uid, looks.st_gid):
                self._give(descriptor, looks)
            shutil.copystat(old, new)
            os.utime(new)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _give(self, descriptor: int, looks: os.stat_result) -> None:
        try:
            os.fchown(descriptor, looks.st_uid, looks.st_gid)
        except PermissionError as error:
            raise TargetRefused(
                "target_read_only",
                f"{self.path} belongs to uid {looks.st_uid} and gid {looks.st_gid}, and the worker (uid "
                f"{os.geteuid()}) may not write a file for them. Let the file belong to the worker, and let Dagster "
                "read it, then try again.",
            ) from error


@dataclass(frozen=True)
class _Place:
    """Where the file really lies, and its fences beside it."""

    path: Path

    @cached_property
    def real(self) -> Path:
        return Path(os.path.realpath(self.path))

    @cached_property
    def layout(self) -> "_FileLayout":
        return _FileLayout(self.real.parent / ".lastgood-workspace" / self.real.name)

    @cached_property
    def fences(self) -> "_FileFences":
        return _FileFences(self.layout, self.path)

    def prepare(self) -> None:
        """Make the directories of the fences."""
        for folder in (self.layout.root.parent, self.layout.root, self.layout.fences):
            make_directory(folder, 0o700)


class _FileLayout(Layout):
    """The fences of a file: a layout in which no release ever lies."""

    @property
    def fences(self) -> Path:
        return self.root / "fences"


class _FileFences(Fences):
    """The fences of a file, which several code locations raise in turn."""

    def __init__(self, layout: Layout, file: Path) -> None:
        super().__init__(layout)
        self._file = file

    def refuse_stale(self, fence: int) -> None:
        """Refuse when a higher shared fence is known."""
        known = self.highest()
        if known > fence:
            raise TargetRefused(
                "stale_fence",
                f"{self._file} has seen shared fence {known}, and this act carries {fence}: a newer one, perhaps of "
                "another code location, has overtaken it. The file was not changed; try again with a higher one.",
            )


def _identity(looks: os.stat_result) -> tuple[int, int, int, int]:
    return looks.st_dev, looks.st_ino, looks.st_size, looks.st_ctime_ns


def _remove(desk: Path) -> None:
    for _ in range(TRIES):
        for path in standing_in(desk):
            path.unlink(missing_ok=True)
        if removed(desk):
            return
    raise never_empty(desk)
