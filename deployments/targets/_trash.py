"""Taking directories out of the way in one step, and deleting them afterwards."""

import os
import secrets
import time
from pathlib import Path

from deployments.targets._disk import remove_tree, reported

LEFTOVER_PREFIXES = ("build-", "trash-")
LEFTOVERS_AFTER = 3600.0  # seconds; a build that is still written to is younger


class Trash:
    """What one prune took out of the way. Taking is quick and done under the lock, emptying is neither."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._taken: list[Path] = []

    def take(self, directory: Path) -> None:
        """Move the directory aside. Raises OSError."""
        aside = self._home / f"trash-{secrets.token_hex(8)}"
        os.rename(directory, aside)
        self._taken.append(aside)

    def take_leftovers(self) -> None:
        """Move aside what the killed left behind. One that was only asleep finds its build gone, not half."""
        left_before = time.time() - LEFTOVERS_AFTER
        for path in list(self._home.iterdir()):
            # The change time, because nobody can set it: a release's own time is that of its placing.
            if path.name.startswith(LEFTOVER_PREFIXES) and path.lstat().st_ctime < left_before:
                self.take(path)

    def empty(self) -> None:
        """Delete all that was taken, as far as it goes, then raise the first failure."""
        failures = []
        for directory in self._taken:
            try:
                with reported("delete", directory):
                    remove_tree(directory)
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
