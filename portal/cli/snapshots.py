"""Files that say what assets are defined: snapshots, and manifests of dbt."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from lastgood.definitions import normal, reading
from lastgood.definitions.problems import SnapshotError
from lastgood.definitions.reading import Snapshot

from .api import Document
from .exits import Misuse

# A snapshot may come by a pipe: - is standard input.
FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)

_NO_SNAPSHOT = frozenset({"not_json", "bad_format", "unknown_format"})
_WHAT_IS_ONE = "Give a snapshot, as `lastgood snapshot` writes it, or dbt's target/manifest.json."


class Unreadable(Misuse):
    """The file is no snapshot, or not one that can be used."""


def read(path: str) -> Snapshot:
    """Read a file, or standard input. Raises Unreadable."""
    name = "Standard input" if path == "-" else path
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as problem:
        raise Unreadable(f"{name} cannot be read: {problem.strerror}.") from problem
    try:
        return reading.read(raw, strict=False)
    except SnapshotError as problem:
        hint = f"\n{_WHAT_IS_ONE}" if problem.code in _NO_SNAPSHOT else ""
        raise Unreadable(f"{name} is no snapshot that can be used: {problem.detail}{hint}") from problem


def to_send(path: str) -> Document:
    """Read a file as a portal takes it: a manifest becomes a snapshot. Raises Unreadable."""
    found = read(path)
    assets = [_said(definition) for definition in found.assets.values()]
    document = {"format": reading.FORMAT, "source": found.source, "assets": assets}
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as odd:
        raise Unreadable(f"{path} cannot be sent: a text in it has half a letter (a lone surrogate).") from odd
    return document


def _said(definition: Document) -> Document:
    """Leave out what is not said anyway: 10,000 assets are sent at once."""
    return {
        name: value
        for name, value in definition.items()
        if name not in normal.FIELDS or not (value is None or value is False or value in ([], {}))
    }
