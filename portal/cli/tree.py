"""A directory as the portal stores it: a sorted list of regular files with mode, size and hash."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .exits import REFUSED, Misuse, Stop
from .ignored import Ignored

CHUNK = 1 << 20

Parts = tuple[str, ...]


class Undeployable(Misuse):
    """The directory holds something that cannot be deployed, or cannot be read."""


class FileChanged(Stop):
    """A file is not what it was when its directory was read."""

    exit_code = REFUSED

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was being sent. Deploy again when nothing writes to it.")


@dataclass(frozen=True)
class TreeFile:
    """One file: how the portal knows it, and where its bytes are."""

    path: str
    mode: str
    sha256: str
    size: int
    source: Path

    def entry(self) -> dict[str, str | int]:
        """Return the file's line of the manifest."""
        return {"path": self.path, "mode": self.mode, "sha256": self.sha256, "size": self.size}

    def chunks(self) -> Iterator[bytes]:
        """Read the bytes, piece by piece, and not one more or less. Raises FileChanged, OSError."""
        left = self.size
        with self.source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
        if left:
            raise FileChanged(self.path)

    def has_changed(self) -> bool:
        """Say whether the bytes are others than when the directory was read."""
        try:
            return digest(self.source) != (self.sha256, self.size)
        except OSError:
            return True


@dataclass
class Tree:
    """What a directory holds, and what was left out with a warning."""

    root: Path
    files: list[TreeFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def manifest(self) -> list[dict[str, str | int]]:
        """Return the manifest's lines, in order."""
        return [file.entry() for file in self.files]


def scan(directory: Path, *, force: bool = False) -> Tree:
    """Read a directory. Raises Undeployable; `force` leaves out links that lead outside instead."""
    root = directory.resolve()
    tree = Tree(root)
    walk = _Walk(tree, Ignored(root), force=force)
    try:
        walk.enter(root, (), (root,))
    except OSError as error:
        raise Undeployable(f"{error.filename} cannot be read: {error.strerror}.") from error
    tree.files.sort(key=lambda file: file.path)
    return tree


def digest(source: Path) -> tuple[str, int]:
    """Return SHA-256 and size of a file's bytes."""
    total, size = hashlib.sha256(), 0
    with source.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            total.update(chunk)
            size += len(chunk)
    return total.hexdigest(), size


class _Walk:
    def __init__(self, tree: Tree, ignored: Ignored, *, force: bool) -> None:
        self._tree = tree
        self._ignored = ignored
        self._force = force
        self._names: set[str] = set()

    def enter(self, directory: Path, at: Parts, inside: tuple[Path, ...]) -> None:
        """Take up a directory; `inside` are the real directories from the root down to it."""
        for name in sorted(os.listdir(directory)):
            path = (*at, name)
            if not self._ignored.names(path):
                self._take(directory / name, path, inside)

    def _take(self, source: Path, path: Parts, inside: tuple[Path, ...]) -> None:
        if source.is_symlink():
            found = self._link_target(source, path, inside)
            if found is None:
                return
            source = found
        status = source.stat()
        if stat.S_ISDIR(status.st_mode):
            self.enter(source, path, (*inside, source))
        elif stat.S_ISREG(status.st_mode):
            self._add(source, path, executable=bool(status.st_mode & stat.S_IXUSR))
        else:
            raise Undeployable(
                f"{_shown(path)} is no regular file but a socket, pipe or device. "
                "Remove it, or name it in .lastgoodignore."
            )

    def _add(self, source: Path, path: Parts, *, executable: bool) -> None:
        name = _checked_name(path)
        if name in self._names:
            raise Undeployable(f"{name!r} is there twice, in two spellings of Unicode. Rename one.")
        self._names.add(name)
        sha256, size = digest(source)
        mode = "0755" if executable else "0644"
        self._tree.files.append(TreeFile(name, mode, sha256, size, source))

    def _link_target(self, source: Path, path: Parts, inside: tuple[Path, ...]) -> Path | None:
        """Return the file or directory that a link stands for, or None when it is left out."""
        try:
            target: Path | None = source.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle, until Python 3.12
            target = None
        if target in inside:
            raise Undeployable(f"The link {_shown(path)} leads to a directory that contains it. Remove it.")
        objection = self._objection(target)
        if target is None or objection:
            self._leave_out(path, objection)
            return None
        return target

    def _objection(self, target: Path | None) -> str:
        """Say why what a link leads to cannot stand for it, if so."""
        if target is None:
            return "leads nowhere"
        if not target.is_relative_to(self._tree.root):
            return "leads out of the directory"
        # Else a link would carry along what `.lastgoodignore` or the fixed names keep back.
        if self._ignored.leaves_out(target.relative_to(self._tree.root).parts):
            return "leads to something that is not deployed"
        return ""

    def _leave_out(self, path: Parts, reason: str) -> None:
        """Note a link that is left out. Raises Undeployable, unless forced."""
        if not self._force:
            raise Undeployable(
                f"The link {_shown(path)} {reason}. Replace it by what it leads to, "
                "name it in .lastgoodignore, or use --force to leave it out."
            )
        self._tree.warnings.append(f"The link {_shown(path)} {reason}: left out.")


def _shown(path: Parts) -> str:
    return repr("/".join(path))


def _checked_name(path: Parts) -> str:
    name = "/".join(path)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Undeployable(f"{name!r} has a name that is not UTF-8. Rename it.") from error
    if "\\" in name or any(unicodedata.category(letter) == "Cc" for letter in name):
        raise Undeployable(f"{name!r} has a backslash or a control character in its name. Rename it.")
    # macOS hands out decomposed names; the same file is to have one name wherever it is deployed from.
    return unicodedata.normalize("NFC", name)
