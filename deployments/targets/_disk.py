"""Writes that survive a power cut, and disk errors told to the person who can mend them."""

import errno
import os
import shutil
import stat
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from deployments.targets.base import TargetRefused, TargetUnreachable

ADVICE = {
    "disk_full": "Free space there, or raise the quota or file size limit, then try again",
    "target_read_only": "Mount it writable and let the worker (uid {uid}) write there, then try again",
    "path_too_long": "Shorten that path in the bundle, or move the target's root to a shorter one",
    "not_a_directory": "A real directory has to stand there: move away what is none, then try again",
    "target_io": "This is tried again; if it goes on, look at the disk and its mount on that host",
}
REFUSALS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "target_read_only",
    errno.EACCES: "target_read_only",
    errno.EPERM: "target_read_only",
    errno.ENAMETOOLONG: "path_too_long",
    errno.ENOTDIR: "not_a_directory",
    errno.ELOOP: "not_a_directory",
}

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
READ_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FLUSHERS = 16
MOST_UNFLUSHED = 128  # each one is an open file


@contextmanager
def reported(doing: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block into the driver's own two, naming the path it met, else the one given."""
    try:
        yield
    except OSError as error:
        raise _told(error, doing, path) from error


def _told(error: OSError, doing: str, path: Path) -> TargetRefused | TargetUnreachable:
    code = REFUSALS.get(error.errno or 0, "target_io")
    # Of two names the one to be made counts; one relative to a descriptor would tell nobody where to look.
    names = (error.filename2, error.filename)
    named = next((name for name in names if isinstance(name, str) and os.path.isabs(name)), path)
    advice = ADVICE[code].format(uid=os.geteuid())
    message = f"Could not {doing} {named} ({error.strerror}). {advice}."
    return TargetUnreachable(code, message) if code == "target_io" else TargetRefused(code, message)


def make_directory(path: Path, mode: int) -> None:
    """Create the directory durably, whatever the umask; leave one that stands. Raises OSError."""
    try:
        standing = path.lstat()
    except FileNotFoundError:
        try:
            path.mkdir()
        except FileExistsError:
            return make_directory(path, mode)
        path.chmod(mode)
        return sync_directory(path.parent)
    if not stat.S_ISDIR(standing.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def write_flushed(path: Path, content: bytes) -> None:
    """Write a new file whose bytes survive a power cut; its name does only once it was moved and flushed."""
    descriptor = os.open(path, NEW_FILE, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte: a single write may stop half way."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_directory(path: Path) -> None:
    """Make the directory's entries survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)


def _flush(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot flush a directory and say so; a file they can.
        if error.errno != errno.EINVAL or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise


def remove_tree(tree: Path) -> None:
    """Delete the directory and all below it, even where modes forbid it. Raises OSError."""
    try:
        shutil.rmtree(tree)
    except FileNotFoundError:
        return
    except PermissionError:
        _open_up(tree)
        shutil.rmtree(tree)


def _open_up(tree: Path) -> None:
    waiting = [str(tree)]
    while waiting:
        directory = waiting.pop()
        os.chmod(directory, 0o700)
        with os.scandir(directory) as entries:
            waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


class Flusher:
    """Flushes and closes descriptors in the background. Leaving the block waits for all and raises failures.

    One fsync after the other would wait for the disk 500 times in a row; side by side they share its commits.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(FLUSHERS, thread_name_prefix="flush")
        self._unflushed: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def take(self, descriptor: int, path: Path) -> None:
        """Take over the descriptor. Raises what an earlier one failed with."""
        self._unflushed.append(self._pool.submit(_flush_and_close, descriptor, path))
        if len(self._unflushed) > MOST_UNFLUSHED:
            self._unflushed.popleft().result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
        if error is None:
            for flushed in self._unflushed:
                flushed.result()


def _flush_and_close(descriptor: int, path: Path) -> None:
    try:
        with reported("flush", path):
            _flush(descriptor)
    finally:
        os.close(descriptor)
