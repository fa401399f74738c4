"""What takes long to make is made once a module, and each test is given it as new: its rows, its files, its objects."""

import copy
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import override_settings


@dataclass(frozen=True)
class Kept[Made]:
    """What was made, and the folder that its files lie in."""

    made: Made
    folder: Path

    def anew(self, folder: Path) -> Made:
        """Answer it for one test, whose own folder this is: whatever the test does to it, the next one is given the same."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return copy.deepcopy(self.made)


def folders_at(folder: Path) -> dict[str, Any]:
    """Answer the settings that put data, blobs and targets under a folder."""
    storages = {name: dict(entry) for name, entry in settings.STORAGES.items()}
    storages["blobs"] = {
        "BACKEND": "deployments.bundles.local.DurableFileStorage",
        "OPTIONS": {"location": str(folder / "data" / "blobs")},
    }
    storages["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {"DATA_DIR": folder / "data", "LASTGOOD_TARGET_ROOT": folder / "targets", "STORAGES": storages}


@contextmanager
def kept[Made](folder: Path, blocker: Any, make: Callable[[], Made]) -> Iterator[Kept[Made]]:
    """Make it in a transaction that is never committed; only for modules whose tests commit nothing either."""
    with blocker.unblock(), transaction.atomic():
        with override_settings(**folders_at(folder)):
            made = make()
        yield Kept(made, folder)
        transaction.set_rollback(True)
