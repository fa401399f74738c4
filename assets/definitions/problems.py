"""What reading a snapshot can end with."""

from __future__ import annotations


class SnapshotError(Exception):
    """A snapshot that is not taken: a stable `code`, and a sentence for whoever sent it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
