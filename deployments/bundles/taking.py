"""Taking files in that the portal itself has before it, file by file, as a bundle of an organization."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from deployments.bundles import store
from deployments.bundles.manifest import read_manifest
from deployments.models import Bundle, Organization


@dataclass(frozen=True)
class Offered:
    """One file: its path in the bundle, whether it is executable, and how its bytes are had, as often as they are."""

    path: str
    executable: bool
    open: Callable[[], IO[bytes]]


def take(*, organization: Organization, files: Iterable[Offered], now: datetime) -> Bundle:
    """Store the files as a complete bundle that the organization possesses. Raises Invalid, TooLarge, StoreFull.

    Everything is read once to know its digest, and what is not possessed yet a second time: nothing is kept in memory.
    Call it outside a transaction.
    """
    first: dict[str, Offered] = {}
    lines = []
    for file in files:
        sha256, size = _digest(file)
        first.setdefault(sha256, file)
        lines.append({"path": file.path, "mode": "0755" if file.executable else "0644", "sha256": sha256, "size": size})
    made = store.register(organization=organization, files=read_manifest(lines), now=now)
    for sha256 in made.missing:
        with first[sha256].open() as stream:
            store.upload(organization=organization, sha256=sha256, stream=stream, now=now)
    store.complete(made.bundle, now=now)
    return made.bundle


def _digest(file: Offered) -> tuple[str, int]:
    seen, size = hashlib.sha256(), 0
    with file.open() as stream:
        while chunk := stream.read(store.CHUNK):
            seen.update(chunk)
            size += len(chunk)
    return seen.hexdigest(), size
