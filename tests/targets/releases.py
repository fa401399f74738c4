"""Small makers of releases, and a look at what lies below a target's root."""

import hashlib
import io
import os
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from deployments.targets.base import InPlace, PlannedFile, PlannedRelease
from deployments.targets.directory import DirectoryTarget

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
DAGS = {"dags/sales.py": b"print('sales')\n", "dags/lib/money.py": b"CENTS = 100\n", "run.sh": b"#!/bin/sh\n"}
OTHER_DAGS = {"dags/sales.py": b"print('sales, better')\n"}


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(contents: Mapping[str, bytes]) -> str:
    return sha256_of(repr(sorted(contents.items())).encode())


def plan(path: str, content: bytes = b"", *, mode: int = 0o444) -> PlannedFile:
    return PlannedFile(path=path, mode=mode, sha256=sha256_of(content), size=len(content))


def plans(contents: Mapping[str, bytes]) -> list[PlannedFile]:
    return [plan(path, content, mode=0o555 if path.endswith(".sh") else 0o444) for path, content in contents.items()]


def store_of(contents: Mapping[str, bytes]) -> Callable[[str], BinaryIO]:
    blobs = {sha256_of(content): content for content in contents.values()}
    return lambda sha256: io.BytesIO(blobs[sha256])


def make_release(
    number: int = 1,
    contents: Mapping[str, bytes] = DAGS,
    *,
    fence: int | None = None,
    files: list[PlannedFile] | None = None,
    open_blob: Callable[[str], BinaryIO] | None = None,
    digest: str | None = None,
) -> PlannedRelease:
    return PlannedRelease(
        number=number,
        digest=digest or digest_of(contents),
        fence=number if fence is None else fence,
        placed_at=NOON,
        files=plans(contents) if files is None else files,
        open_blob=open_blob or store_of(contents),
    )


def name_of(release: PlannedRelease) -> str:
    return f"{release.number}-{release.digest[:12]}"


def activate(target: DirectoryTarget, release: PlannedRelease) -> InPlace:
    return target.activate(release, progress=lambda text: None)


def numbered(number: int, *, files: int = 4) -> dict[str, bytes]:
    """Contents whose every file says the number: a mixture would show."""
    return {f"dags/team{index % 2}/dag{index}.py": b"release %d\n" % number * 300 for index in range(files)}


def contents_below(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def snapshot(root: Path) -> dict[str, str]:
    """All that stands below the root, modes, links and bytes; not the fence, which even a refused act raises."""
    return {
        path.relative_to(root).as_posix(): _looks(path)
        for path in sorted([root, *root.rglob("*")])
        if path.parent != root / ".lastgood/fences"
    }


def _looks(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"-> {os.readlink(path)}"
    content = path.read_text() if stat.S_ISREG(status.st_mode) else "directory"
    return f"{stat.S_IMODE(status.st_mode):04o} {content}"


def assert_nothing_half_done(target: DirectoryTarget) -> None:
    home = target.root / ".lastgood"
    assert {path.name for path in target.root.iterdir()} <= {"current", "releases", ".lastgood"}
    assert {path.name for path in home.iterdir()} <= {"releases", "fences"}
    fence = str(target.read().fence)
    assert [path.relative_to(home / "fences").as_posix() for path in home.glob("fences/**/*")] == [fence]
