"""What differs between two releases: files of each mount, image, runtime version."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from deployments.bundles.differing import differing
from deployments.bundles.texts import visible
from deployments.models import Bundle, Release

SAMPLE = 12
WORDS = ("changed", "added", "removed")


@dataclass(frozen=True)
class FileChange:
    """One file that differs."""

    word: str  # added, removed or changed
    path: str

    @property
    def shown(self) -> str:
        """Answer its path as it is to be read."""
        return visible(self.path)


@dataclass(frozen=True)
class MountChange:
    """What happens to one mount."""

    mount: str
    before: Bundle | None
    after: Bundle | None
    added: int = 0
    removed: int = 0
    changed: int = 0
    sample: list[FileChange] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Say whether nothing happens to it."""
        return self.before is not None and self.after is not None and self.before.pk == self.after.pk

    @property
    def purged(self) -> Bundle | None:
        """Answer the bundle whose files nobody can compare any more."""
        return next((bundle for bundle in (self.before, self.after) if bundle and bundle.purged_at), None)

    @property
    def more(self) -> int:
        """Answer how many files the sample leaves out."""
        return self.added + self.removed + self.changed - len(self.sample)


def changes_between(before: Release | None, after: Release | None) -> list[MountChange]:
    """Answer the mounts of both, and what differs: one query for the files of all."""
    prefetch_related_objects([release for release in (before, after) if release], "mounts__bundle")
    return changes_of(_mounts(before), _mounts(after))


def changes_of(old: Mapping[str, Bundle], new: Mapping[str, Bundle]) -> list[MountChange]:
    """Answer what differs at each mount of either: one query for each that does."""
    return [_mount_change(mount, old.get(mount), new.get(mount)) for mount in sorted(old.keys() | new.keys())]


def _mounts(release: Release | None) -> dict[str, Bundle]:
    if release is None:
        return {}
    return {mounted.mount: mounted.bundle for mounted in release.mounts.all()}


def _mount_change(mount: str, before: Bundle | None, after: Bundle | None) -> MountChange:
    found = MountChange(mount, before, after)
    if found.same or found.purged:
        return found
    if before is None or after is None:
        return _whole(mount, before, after)
    counts: Counter[str] = Counter()
    sample: dict[str, list[FileChange]] = {word: [] for word in WORDS}
    # Read as they come: of two bundles that have nothing in common, no more than a sample is kept.
    for word, path in differing(before, after):
        counts[word] += 1
        if counts[word] <= SAMPLE:
            sample[word].append(FileChange(word, path))
    named = [file for word in WORDS for file in sample[word]]
    return MountChange(mount, before, after, counts["added"], counts["removed"], counts["changed"], named[:SAMPLE])


def _whole(mount: str, before: Bundle | None, after: Bundle | None) -> MountChange:
    """Answer what a mount that comes or goes brings or takes: all that its bundle has."""
    bundle, word = (after, "added") if after is not None else (before, "removed")
    assert bundle is not None
    paths = bundle.files.order_by("path").values_list("path", flat=True)[:SAMPLE]
    count = {word: bundle.file_count}
    return MountChange(mount, before, after, **count, sample=[FileChange(word, path) for path in paths])
