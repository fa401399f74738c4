"""A folder of a commit as a list of plain files: links are led to the file that they mean, or refused."""

import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from deployments.git.base import GitRefused, Limits, TreeFile

CHUNK, BUFFER = 1024 * 1024, 64 * 1024
LINK, SUBMODULE = "120000", "160000"
LONGEST_TARGET, MOST_HOPS = 4096, 40


@dataclass(frozen=True)
class Entry:
    """One line of a tree."""

    mode: str
    blob: str
    size: int
    path: str


@dataclass(frozen=True)
class Folder:
    """What a folder of a commit holds: files and, by their targets, links that lead to files; and what is left out."""

    files: tuple[TreeFile, ...]
    submodules: tuple[str, ...]


class Blobs:
    """The bytes of objects, from one `git cat-file --batch`. One is open at a time."""

    def __init__(self, process: subprocess.Popen[bytes], alive: Callable[[], None]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._asked, self._answers = process.stdin, process.stdout
        self._alive = alive
        self._open: _Content | None = None

    def open(self, blob: str) -> IO[bytes]:
        """Answer the bytes of an object. Raises GitRefused when it is not there."""
        if self._open is not None:
            self._open.drain()
        self._asked.write(f"{blob}\n".encode())
        self._asked.flush()
        words = self._answers.readline().split()
        if len(words) != 3 or words[1] != b"blob":
            raise GitRefused(f"The repository lacks the object {blob[:12]}.", code="broken_repository")
        self._open = _Content(self._answers, int(words[2]), self._alive)
        return io.BufferedReader(self._open, BUFFER)


class _Content(io.RawIOBase):
    """What comes between one answer's first line and its last."""

    def __init__(self, answers: IO[bytes], size: int, alive: Callable[[], None]) -> None:
        self._answers, self._left, self._alive = answers, size, alive
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        self._alive()
        view = memoryview(buffer)  # type: ignore[arg-type]  # what BufferedReader gives
        chunk = self._answers.read(min(len(view), self._left)) if self._left else b""
        if self._left and not chunk:
            raise GitRefused("The repository's objects end too early.", code="broken_repository")
        view[: len(chunk)] = chunk
        self._left -= len(chunk)
        self._end()
        return len(chunk)

    def drain(self) -> None:
        """Read what nobody wanted: the next answer comes after it."""
        while self._left:
            self._left -= len(self._answers.read(min(CHUNK, self._left))) or self._left
        self._end()

    def _end(self) -> None:
        if not self._left and not self._ended:
            self._ended = True
            self._answers.read(1)


def read_entries(listing: IO[bytes], most: int) -> list[Entry]:
    """Answer the lines of `git ls-tree -r -z -l`. Raises GitRefused `too_many_files`, `bad_path`."""
    found: list[Entry] = []
    for line in _lines(listing):
        if len(found) > most:
            raise GitRefused(f"The folder has more than {most} files: no more are taken.", code="too_many_files")
        about, _, path = line.partition(b"\t")
        mode, _, blob, size = about.decode().split()
        try:
            found.append(Entry(mode, blob, 0 if size == "-" else int(size), path.decode()))
        except UnicodeDecodeError as odd:
            detail = f"The name of a file is not UTF-8: {path[:120].decode(errors='replace')!r}."
            raise GitRefused(detail, code="bad_path") from odd
    return found


def _lines(listing: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := listing.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\0")
        yield from lines


def folder_of(entries: list[Entry], blobs: Blobs, limits: Limits) -> Folder:
    """Answer the folder's files. Raises GitRefused: `link_outside`, or what says that it is empty or too large."""
    plain = {entry.path: entry for entry in entries if entry.mode not in {LINK, SUBMODULE}}
    links = {entry.path: _target(entry, blobs) for entry in entries if entry.mode == LINK}
    submodules = tuple(entry.path for entry in entries if entry.mode == SUBMODULE)
    files = [_file(path, entry) for path, entry in plain.items()]
    files += [_file(path, plain[_led_to(path, plain, links)]) for path in links]
    _check_size(files, limits)
    return Folder(tuple(sorted(files, key=lambda file: file.path)), submodules)


def _file(path: str, entry: Entry) -> TreeFile:
    # Old repositories know more modes; git itself looks at this bit alone.
    executable = bool(int(entry.mode, 8) & 0o100)
    return TreeFile(path=path, blob=entry.blob, size=entry.size, executable=executable)


def _target(link: Entry, blobs: Blobs) -> str:
    if link.size > LONGEST_TARGET:
        raise _outside(link.path, "has a target that is too long")
    try:
        return blobs.open(link.blob).read().decode()
    except UnicodeDecodeError as odd:
        raise _outside(link.path, "has a target that is not UTF-8") from odd


def _led_to(path: str, plain: dict[str, Entry], links: dict[str, str]) -> str:
    """Answer which file a link leads to, as a file system would follow it. Raises GitRefused `link_outside`."""
    at: list[str] = []
    left = path.split("/")[::-1]
    hops = 0
    while left:
        part = left.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not at:
                raise _outside(path, "leads out of the folder")
            at.pop()
            continue
        at.append(part)
        target = links.get("/".join(at))
        if target is None:
            continue
        hops += 1
        if target.startswith("/"):
            raise _outside(path, "leads to an absolute path")
        if hops > MOST_HOPS:
            raise _outside(path, "leads in a circle")
        at.pop()
        left += target.split("/")[::-1]
    if (found := "/".join(at)) not in plain:
        raise _outside(path, "leads to no file of the folder")
    return found


def _check_size(files: list[TreeFile], limits: Limits) -> None:
    if not files:
        raise GitRefused("The folder has no files: nothing could be deployed.", code="empty_folder")
    if len(files) > limits.files:
        raise GitRefused(f"The folder has more than {limits.files} files: no more are taken.", code="too_many_files")
    for file in files:
        if file.size > limits.file_bytes:
            raise GitRefused(
                f"{file.path[:120]} has {file.size} bytes: at most {limits.file_bytes} are taken.",
                code="file_too_large",
            )
    if (total := sum(file.size for file in files)) > limits.bundle_bytes:
        raise GitRefused(
            f"The folder has {total} bytes: at most {limits.bundle_bytes} are taken.", code="bundle_too_large"
        )


def _outside(path: str, how: str) -> GitRefused:
    return GitRefused(
        f"{path[:120]} is a symbolic link that {how}: it would be broken where it is deployed. Put a file in its place, or "
        "deploy a folder that has both.",
        code="link_outside",
    )
