"""The building of a release directory, aside from where anybody looks."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from deployments.targets._disk import (
    NEW_FILE,
    READ_DIRECTORY,
    Flusher,
    reported,
    sync_directory,
    write_all,
    write_flushed,
)
from deployments.targets.base import PlannedFile, PlannedRelease, TargetRefused

LONGEST_PATH = 4095  # bytes; Linux opens no longer one
PLACEABLE_MODES = (0o444, 0o555)
CHUNK = 1024 * 1024
# No mount can be named so.
PRIVATE = ".lastgood"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def checked(files: Iterable[PlannedFile], *, below: Path) -> list[PlannedFile]:
    """Answer the files in order of their directories. Refuses paths and modes that shall never be placed."""
    ordered = sorted(files, key=lambda planned: (_parent(planned.path), planned.path))
    seen: set[str] = set()
    parents = {parent for planned in ordered for parent in _parents(planned.path)}
    for planned in ordered:
        if fault := _fault(planned.path, seen, parents):
            raise TargetRefused(
                "bad_path",
                f"The path {planned.path!r} {fault}. Nothing was placed: build the bundle again without it.",
            )
        if planned.mode not in PLACEABLE_MODES:
            raise TargetRefused(
                "bad_mode",
                f"{planned.path} asks for mode {planned.mode:04o}; only 0444 and 0555 are placed. "
                "Build the bundle again with plain files.",
            )
        if len(os.fsencode(below / planned.path)) > LONGEST_PATH:
            raise TargetRefused(
                "path_too_long",
                f"{planned.path} is too long a path below {below}. Shorten it in the bundle.",
            )
        seen.add(planned.path)
    return ordered


def _fault(path: str, seen: set[str], parents: set[str]) -> str:
    components = path.split("/")
    if path.startswith("/"):
        return "is absolute"
    if ".." in components:
        return "leads upwards"
    if "" in components or "." in components:
        return "has an empty component or a '.' in it"
    if components[0] == PRIVATE:
        return f"lies in {PRIVATE}, which is the portal's own"
    if "\0" in path or "\\" in path:
        return "has a NUL or a backslash in it"
    if not _is_encodable(path):
        return "is not valid Unicode"
    if path in seen:
        return "is there twice"
    return "is a file and the directory of another file" if path in parents else ""


def _is_encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _parents(path: str) -> Iterator[str]:
    while path := _parent(path):
        yield path


def build(aside: Path, release: PlannedRelease, files: list[PlannedFile], *, step: Callable[[], None]) -> None:
    """Build the release as the new directory `aside`, calling `step` before each piece that is written.

    What `open_blob` raises comes through unchanged: it speaks of the store, not of the target.
    """
    with reported("write", aside):
        aside.mkdir(0o700)
    instant = (release.placed_at - EPOCH) // timedelta(microseconds=1) * 1000
    directories = {parent for planned in files for parent in _parents(planned.path)}
    with Flusher() as flusher:
        for parent, members in groupby(files, key=lambda planned: _parent(planned.path)):
            with _opened(aside, parent, make=True) as directory:
                for planned in members:
                    path = aside / planned.path
                    descriptor = _write(directory, planned, release.open_blob, path, step)
                    _finish(descriptor, planned.mode, instant, flusher, path)
        # Directories last: every file made in one moves its time.
        for parent in ("", *directories):
            with _opened(aside, parent, make=False) as directory:
                _finish(os.dup(directory), 0o755, instant, flusher, aside / parent)


def write_private(aside: Path, private: Mapping[str, bytes]) -> None:
    """Write small files into the release's own folder, 0600 in a 0700 directory, flushed."""
    if not private:
        return
    folder = aside / PRIVATE
    with reported("write", folder):
        folder.mkdir(0o700)
        for name, content in sorted(private.items()):
            write_flushed(folder / name, content)
        sync_directory(folder)
        sync_directory(aside)


@contextmanager
def _opened(aside: Path, parent: str, *, make: bool) -> Iterator[int]:
    """Open the directory below `aside` component by component, so that no link is ever followed."""
    with reported("write", aside / parent):
        descriptor = _descend(aside, parent.split("/") if parent else [], make=make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(aside: Path, components: list[str], *, make: bool) -> int:
    descriptor = os.open(aside, READ_DIRECTORY)
    for component in components:
        try:
            if make:
                _make(component, descriptor)
            below = os.open(component, READ_DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _make(component: str, directory: int) -> None:
    try:
        os.mkdir(component, 0o755, dir_fd=directory)
    except FileExistsError:
        return


def _write(
    directory: int,
    planned: PlannedFile,
    open_blob: Callable[[str], BinaryIO],
    path: Path,
    step: Callable[[], None],
) -> int:
    """Write the stored bytes into a new file and answer its descriptor. Refuses other bytes than planned."""
    with reported("write", path):
        descriptor = os.open(path.name, NEW_FILE, 0o600, dir_fd=directory)
    try:
        _copy(descriptor, planned, open_blob, path, step)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _copy(
    descriptor: int,
    planned: PlannedFile,
    open_blob: Callable[[str], BinaryIO],
    path: Path,
    step: Callable[[], None],
) -> None:
    digest, size = hashlib.sha256(), 0
    with open_blob(planned.sha256) as stored:
        # A blob that has grown is not read to its end: it could fill the disk.
        while size <= planned.size and (chunk := stored.read(CHUNK)):
            digest.update(chunk)
            size += len(chunk)
            with reported("write", path):
                step()
                write_all(descriptor, chunk)
    if size != planned.size or digest.hexdigest() != planned.sha256:
        raise TargetRefused(
            "damaged_blob",
            f"The stored bytes of {planned.path} are damaged: they are not the {planned.size} bytes of "
            f"sha256 {planned.sha256}. Nothing was placed. Upload that file again, then deploy again.",
            sha256=planned.sha256,
        )


def _finish(descriptor: int, mode: int, instant: int, flusher: Flusher, path: Path) -> None:
    """Set mode and times, and hand the descriptor over to be flushed."""
    try:
        with reported("write", path):
            os.fchmod(descriptor, mode)
            os.utime(descriptor, ns=(instant, instant))
    except BaseException:
        os.close(descriptor)
        raise
    flusher.take(descriptor, path)
