"""Blobs as local files that survive a power cut once they are said to be stored."""

import os
import shutil
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class DurableFileStorage(FileSystemStorage):
    """Files are written aside, synced, and renamed: a name that exists holds all its bytes."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        final = Path(self.path(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f"{final.name}.partial")
        try:
            with aside.open("xb") as out:
                shutil.copyfileobj(content.file or content, out, 1024 * 1024)
                out.flush()
                os.fsync(out.fileno())
            aside.chmod(0o400)
            aside.rename(final)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        _sync_folder(final.parent)
        return name


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
