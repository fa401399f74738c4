"""Asset keys: lists of parts in documents, `a/b` where people read them.

A slash inside a part is written `\\/` and a backslash `\\\\`, as Dagster's own escaped strings are, so that
every text names one key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from .problems import SnapshotError

LONGEST = 500  # letters, as shown
_PLAIN = re.compile(r"[A-Za-z0-9_.\-:]+")


def shown(path: Sequence[str]) -> str:
    """Answer the key as people read it."""
    joined = "/".join(path)
    if joined.count("/") == len(path) - 1 and "\\" not in joined:
        return joined
    return "/".join(part.replace("\\", "\\\\").replace("/", "\\/") for part in path)


def parts(text: str) -> list[str]:
    """Answer the parts of a key as people write it: the inverse of `shown`."""
    if "\\" not in text:
        return text.split("/")
    found, part, escaped = [], "", False
    for letter in text:
        if escaped or letter not in "\\/":
            part, escaped = part + letter, False
        elif letter == "\\":
            escaped = True
        else:
            found.append(part)
            part = ""
    return [*found, part]


def checked(path: object, *, where: str) -> str:
    """Answer the key as shown. Raises SnapshotError `bad_key` for what cannot be told from another key by eye."""
    if not isinstance(path, list) or not path:
        raise SnapshotError("bad_key", f'{where}: key is a list of one or more texts, as in ["db", "orders"].')
    for part in path:
        if not isinstance(part, str) or not part:
            raise SnapshotError("bad_key", f"{where}: each part of a key is a text that is not empty.")
    # First of all: what looks at letters below takes the square of their number for some of Unicode.
    length = sum(map(len, path)) + len(path) - 1
    if length > LONGEST:
        beginning = "/".join(path[:LONGEST])[:60]
        raise SnapshotError("bad_key", f"{where}: a key has at most {LONGEST} letters; {beginning!r}… has {length}.")
    for part in path:
        # Only the usual ones are remembered: how much a process keeps is not for a sender to say.
        if len(part) <= 80 and part.isascii() and _is_plain(part):
            continue
        if not (part.isascii() and part.isprintable()) or part != part.strip():
            _refuse_invisible(part, where)
        if "/" in part or "\\" in part:
            raise SnapshotError(
                "bad_key",
                f"{where}: part {part[:80]!r} of a key has a slash or a backslash in it: make parts of its pieces.",
            )
    return "/".join(path)


@lru_cache(maxsize=100_000)
def _is_plain(part: str) -> bool:
    """Say whether a part is one of those that need no closer look. The same ones come again as dependencies."""
    return _PLAIN.fullmatch(part) is not None


def _refuse_invisible(part: str, where: str) -> None:
    """Refuse what prints nothing, or prints as another key does: controls, halves of letters, unusual compositions."""
    if not part.isprintable() or part != part.strip() or unicodedata.normalize("NFC", part) != part:
        raise SnapshotError(
            "bad_key",
            f"{where}: part {ascii(part)[:80]} of a key has letters that cannot be seen, blanks around it, or letters "
            "that are not in their usual form (Unicode NFC).",
        )
