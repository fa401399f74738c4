"""A directory target of a Dagster that reads a workspace.yaml: our entry there names the release itself.

Through `current`, a run in flight would mix two releases. An entry that names `releases/7-ab12cd34ef56` keeps each run
on the release it began with; Dagster takes the new one up with its next `reloadWorkspace`.
"""

from collections.abc import Callable
from pathlib import Path

from deployments.targets._disk import reported
from deployments.targets._layout import RELEASE_NAME, Layout, number_in
from deployments.targets._workspace_file import WorkspaceFile
from deployments.targets.base import Holding, InPlace, PlannedRelease, TargetRefused
from deployments.targets.directory import DirectoryTarget

LOOKS = 5


class WorkspaceTarget:
    """A directory of a host that this worker can write to, and an entry in a workspace file there.

    Refuses as the directory target does, and with workspace_missing, workspace_unreadable, workspace_inside_release,
    workspace_entry_missing, workspace_entry_twice, workspace_entry_unusable, workspace_entry_elsewhere. Is unreachable
    with target_io, workspace_moving.
    """

    puts = DirectoryTarget.puts

    def __init__(self, root: Path, *, workspace_file: Path, location: str) -> None:
        self._directory = DirectoryTarget(root)
        self._layout = Layout(self._directory.root)
        self._file = WorkspaceFile(workspace_file, layout=self._layout, location=location)
        self.root = self._directory.root
        self.current = self._directory.current
        self.releases = self._directory.releases
        self.workspace_file = self._file.path

    def read(self) -> Holding:
        """Say what is in place: what both `current` and our entry name. Changes nothing."""
        for _ in range(LOOKS):
            holding = self._directory.read()
            combined = self._combined(holding)
            if self._directory.read() == holding:
                break
        return combined

    def shared_fence(self) -> int:
        """Answer the highest shared fence that the workspace file has seen."""
        return self._file.highest()

    def raise_fence(self, fence: int) -> Holding:
        """Make every call with a lower fence a refused one from now on, and say what is in place."""
        self._raise_fence(fence)
        return self.read()

    def activate(self, release: PlannedRelease, *, progress: Callable[[str], None]) -> InPlace:
        """Raise the fence, build the release aside, point `current` at it, then lead our entry to it."""
        self._raise_fence(release.fence)
        self._file.refuse_unusable(shared_fence=release.shared_fence)
        placed = self._directory.activate(release, progress=progress)
        if self._file.lead_to(placed.name, fence=release.fence, shared_fence=release.shared_fence):
            progress(f"Pointed {self.workspace_file.name} at {placed.name}.")
        return placed

    def prune(self, *, keep: Callable[[int], bool], fence: int) -> list[str]:
        """Remove the releases whose number `keep` denies, never what `current` or the workspace file leads to.

        Removes nothing while the file cannot be read.
        """
        with reported("read", self.root):
            if not self._layout.home.is_dir():
                return []
        self._raise_fence(fence)
        # Now no lower act can lead the entry elsewhere any more.
        named = {number_in(name) for name in self._file.read().releases() if RELEASE_NAME.fullmatch(name)}
        return self._directory.prune(keep=lambda number: number in named or keep(number), fence=fence)

    def _raise_fence(self, fence: int) -> None:
        self._directory.raise_fence(fence)
        self._file.overtake(fence)

    def _combined(self, holding: Holding) -> Holding:
        """Answer what the directory says if our entry says the same; else say in words how they differ."""
        if holding.found:
            return holding
        try:
            leads_to = self._file.read().leads_to()
        except TargetRefused as refused:
            if not refused.code.startswith("workspace_"):
                raise
            return Holding(in_place=None, fence=holding.fence, found=str(refused))
        current = f"releases/{holding.in_place.name}" if holding.in_place else ""
        if leads_to == {current or "current"}:
            return holding
        where = f"{self.workspace_file} points at {' and '.join(sorted(leads_to))}"
        found = f"{where}, current at {current}." if current else f"{where}, and there is no current."
        return Holding(in_place=None, fence=holding.fence, found=found)
