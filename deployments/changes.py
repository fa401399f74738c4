"""What differs between two releases: files of each mount, image, runtime version."""

from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from deployments.models import Bundle, BundleFile, Release

SAMPLE = 12
# By path: the blob, and whether it is executable.
Files = dict[str, tuple[int, bool]]


@dataclass(frozen=True)
class FileChange:
    """One file that differs."""

    word: str  # added, removed or changed
    path: str


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
    def more(self) -> int:
        """Answer how many files the sample leaves out."""
        return self.added + self.removed + self.changed - len(self.sample)


def changes_between(before: Release | None, after: Release | None) -> list[MountChange]:
    """Answer the mounts of both, and what differs: one query for the files of all."""
    prefetch_related_objects([release for release in (before, after) if release], "mounts__bundle")
    old, new = _mounts(before), _mounts(after)
    pairs = [(mount, old.get(mount), new.get(mount)) for mount in sorted(old | new)]
    files = _files({bundle.pk for _, *sides in pairs if _differ(*sides) for bundle in sides if bundle})
    return [_mount_change(*pair, files) for pair in pairs]


def _mounts(release: Release | None) -> dict[str, Bundle]:
    if release is None:
        return {}
    return {mounted.mount: mounted.bundle for mounted in release.mounts.all()}


def _differ(before: Bundle | None, after: Bundle | None) -> bool:
    return before is None or after is None or before.pk != after.pk


def _mount_change(mount: str, before: Bundle | None, after: Bundle | None, files: dict[int, Files]) -> MountChange:
    if not _differ(before, after):
        return MountChange(mount, before, after)
    old, new = (files.get(bundle.pk, {}) if bundle else {} for bundle in (before, after))
    removed = sorted(old.keys() - new.keys())
    added = sorted(new.keys() - old.keys())
    changed = sorted(path for path in old.keys() & new.keys() if old[path] != new[path])
    named = [FileChange("changed", path) for path in changed]
    named += [FileChange("added", path) for path in added]
    named += [FileChange("removed", path) for path in removed]
    return MountChange(mount, before, after, len(added), len(removed), len(changed), named[:SAMPLE])


def _files(bundles: set[int]) -> dict[int, Files]:
    """Answer by bundle the files of these, each with its blob and whether it is executable."""
    found: dict[int, Files] = {pk: {} for pk in bundles}
    if bundles:
        lines = BundleFile.objects.filter(bundle_id__in=bundles)
        for bundle, path, blob, executable in lines.values_list("bundle_id", "path", "blob_id", "executable"):
            found[bundle][path] = (blob, executable)
    return found
