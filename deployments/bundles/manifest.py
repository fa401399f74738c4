"""Manifests: what a bundle consists of, checked before anything believes it."""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from portal.common.canonical import digest_of
from portal.common.problems import Invalid, TooLarge

SHA256 = re.compile(r"[0-9a-f]{64}")
# A mount is one or more plain names: it becomes a folder of a release, and a part of an address.
MOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,62}){0,5}")
PLAIN, EXECUTABLE = 0o644, 0o755
_MODES = {
    "0644": PLAIN,
    "644": PLAIN,
    "100644": PLAIN,
    "0755": EXECUTABLE,
    "755": EXECUTABLE,
    "100755": EXECUTABLE,
}


@dataclass(frozen=True)
class ManifestFile:
    """One file: `path` with slashes, relative; `mode` 0o644 or 0o755; `size` in bytes."""

    path: str
    mode: int
    sha256: str
    size: int


def read_manifest(files: Any) -> list[ManifestFile]:
    """Check a list of `{path, mode, sha256, size}` and answer it sorted by path. Raises Invalid, TooLarge."""
    if not isinstance(files, list):
        raise Invalid("files is a list of {path, mode, sha256, size}.", code="bad_manifest")
    if len(files) > settings.LASTGOOD_MAX_FILES:
        raise TooLarge(
            f"{len(files)} files in one bundle: at most {settings.LASTGOOD_MAX_FILES} are taken.",
            code="too_many_files",
        )
    read = [_read_file(position, entry) for position, entry in enumerate(files)]
    total = sum(file.size for file in read)
    if total > settings.LASTGOOD_MAX_BUNDLE_BYTES:
        raise TooLarge(
            f"{total} bytes in one bundle: at most {settings.LASTGOOD_MAX_BUNDLE_BYTES} are taken.",
            code="bundle_too_large",
        )
    read.sort(key=lambda file: file.path)
    _refuse_clashes(read)
    return read


def digest_of_manifest(files: Iterable[ManifestFile]) -> str:
    """Answer the digest that names a bundle: of its sorted `[path, mode, sha256, size]` lines."""
    lines = sorted([file.path, f"{file.mode:04o}", file.sha256, file.size] for file in files)
    return digest_of(lines)


def check_mounts(mounts: Sequence[str]) -> None:
    """Refuse names that are no mounts, and mounts that lie inside each other. Raises Invalid."""
    for mount in mounts:
        if len(mount) > 200 or not MOUNT.fullmatch(mount):
            raise Invalid(
                f"{mount[:80]!r} is not a mount: use names of letters, digits, '.', '_' and '-', with '/' between them.",
                code="bad_mount",
            )
    ordered = sorted(mount.casefold() + "/" for mount in mounts)
    for outer, inner in itertools.pairwise(ordered):
        if inner.startswith(outer):
            raise Invalid(f"The mounts {outer[:-1]} and {inner[:-1]} lie inside each other.", code="bad_mount")


def _read_file(position: int, entry: Any) -> ManifestFile:
    if not isinstance(entry, dict):
        raise _bad(position, "is not {path, mode, sha256, size}")
    path, sha256, size = entry.get("path"), entry.get("sha256"), entry.get("size")
    if not isinstance(path, str):
        raise _bad(position, "has no path")
    if reason := _wrong_with(path):
        raise _bad(position, f"has a path that {reason}: {path[:120]!r}")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise _bad(position, f"({path[:120]}) has no sha256 of 64 lower-case hexadecimal digits")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _bad(position, f"({path[:120]}) has no size in bytes")
    if size > settings.LASTGOOD_MAX_FILE_BYTES:
        raise TooLarge(
            f"{path[:120]} has {size} bytes: at most {settings.LASTGOOD_MAX_FILE_BYTES} are taken.",
            code="file_too_large",
        )
    return ManifestFile(path=path, mode=_read_mode(position, path, entry.get("mode")), sha256=sha256, size=size)


def _read_mode(position: int, path: str, mode: Any) -> int:
    # A number is the mode itself, as a file system tells it; type bits of a regular file are tolerated.
    if isinstance(mode, int) and not isinstance(mode, bool):
        mode = f"{mode:04o}"
    if not isinstance(mode, str) or mode not in _MODES:
        raise _bad(
            position,
            f"({path[:120]}) has mode {str(mode)[:20]!r}: only regular files, 0644 or 0755, are taken; no links, no devices, "
            "no other bits",
        )
    return _MODES[mode]


def _wrong_with(path: str) -> str:
    if not path:
        return "is empty"
    if len(path.encode(errors="surrogatepass")) > settings.LASTGOOD_MAX_PATH_LENGTH:
        return f"is longer than {settings.LASTGOOD_MAX_PATH_LENGTH} bytes"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in path):
        return "has control characters"
    if "\\" in path:
        return "has a backslash"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is absolute"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "has an empty, '.' or '..' part"
    if any(len(part.encode()) > 255 for part in parts):
        return "has a name longer than 255 bytes"
    return ""


def _refuse_clashes(files: list[ManifestFile]) -> None:
    """Two paths that some file system would take for one are refused here, not found out there."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for file in files:
        folded = _fold(file.path)
        if other := seen.get(folded):
            how = "twice" if other == file.path else f"beside {other[:120]}, which some file systems take for the same"
            raise Invalid(f"{file.path[:120]} is named {how}.", code="bad_manifest")
        seen[folded] = file.path
        parts = file.path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            known = folders.setdefault(_fold(folder), folder)
            if known != folder:
                raise Invalid(f"The folders {known[:120]} and {folder[:120]} differ only in case.", code="bad_manifest")
    for folded, folder in folders.items():
        if folded in seen:
            raise Invalid(f"{folder[:120]} is both a file and a folder.", code="bad_manifest")


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _bad(position: int, what: str) -> Invalid:
    return Invalid(f"File {position} of the manifest {what}.", code="bad_manifest")
