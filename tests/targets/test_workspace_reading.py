"""The workspace target, when it is read and pruned,"""

from pathlib import Path

import pytest

from deployments.targets.base import Holding
from deployments.targets.workspace import WorkspaceTarget
from tests.targets.releases import OTHER_DAGS, snapshot
from tests.targets.test_workspace import act, make_target, release


@pytest.fixture
def target(tmp_path: Path) -> WorkspaceTarget:
    return make_target(tmp_path)


def test_reads_nothing_and_changes_nothing_before_the_first(target: WorkspaceTarget) -> None:
    before = snapshot(target.workspace_file.parent)

    assert target.read() == Holding(in_place=None, fence=0)
    assert target.prune(keep=lambda number: False, fence=1) == []
    assert not target.root.exists()
    assert snapshot(target.workspace_file.parent) == before
    assert target.raise_fence(4) == Holding(in_place=None, fence=4)
    assert snapshot(target.workspace_file.parent) == before


def test_says_in_words_how_the_file_and_current_differ(target: WorkspaceTarget) -> None:
    original = target.workspace_file.read_text()
    first, _ = act(target, release(1))
    led = target.workspace_file.read_text()
    second, _ = act(target, release(2, OTHER_DAGS))
    now = target.workspace_file.read_text()
    current = f"current at releases/{second.name}."
    cases = {
        led: f"{target.workspace_file} points at releases/{first.name}, {current}",
        original: f"{target.workspace_file} points at current, {current}",
        now.replace(second.name, first.name, 1): " and ".join(
            [f"{target.workspace_file} points at releases/{first.name}", f"releases/{second.name}, {current}"]
        ),
    }

    for text, words in cases.items():
        target.workspace_file.write_text(text)
        assert target.read() == Holding(in_place=None, fence=2, found=words)
    assert target.raise_fence(3) == Holding(in_place=None, fence=3, found=words)


def test_says_what_else_is_wrong(target: WorkspaceTarget) -> None:
    placed, _ = act(target, release(1))
    target.current.unlink()
    words = f"{target.workspace_file} points at releases/{placed.name}, and there is no current."
    assert target.read() == Holding(in_place=None, fence=1, found=words)

    target.current.symlink_to("/tmp")
    assert target.read().found == f"{target.current} points at /tmp, which is not one of {target.releases}."

    target.current.unlink()
    target.current.symlink_to(f"releases/{placed.name}")
    assert target.read().in_place == placed
    target.workspace_file.unlink()
    holding = target.raise_fence(2)
    assert (holding.in_place, holding.fence) == (None, 2)
    assert holding.found.startswith(f"The workspace file {target.workspace_file} does not exist. ")


# Pruning


def test_prunes_neither_what_the_file_names_nor_what_current_leads_to(target: WorkspaceTarget) -> None:
    placed = [act(target, release(number, {"a.py": b"%d" % number}))[0] for number in (1, 2, 3, 4)]
    text = target.workspace_file.read_text()
    # Ours goes back to the second by hand; somebody else's entry reads the first.
    text = text.replace(placed[3].name, placed[1].name).replace("../other/current", f"../srv/sales/{placed[0].name}")
    text = text.replace(f"sales/{placed[0].name}", f"sales/releases/{placed[0].name}")
    target.workspace_file.write_text(text)

    assert target.prune(keep=lambda number: False, fence=4) == [placed[2].name]

    assert {path.name for path in target.releases.iterdir()} == {placed[each].name for each in (0, 1, 3)}
    assert target.workspace_file.read_text() == text


def test_prunes_what_keep_denies(target: WorkspaceTarget) -> None:
    placed = [act(target, release(number, {"a.py": b"%d" % number}))[0] for number in (1, 2, 3)]

    assert target.prune(keep=lambda number: number == 2, fence=3) == [placed[0].name]

    assert target.read() == Holding(in_place=placed[2], fence=3)
