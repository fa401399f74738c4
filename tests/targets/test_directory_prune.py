"""The directory target, when it is pruned,"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from deployments.targets.base import Holding, TargetRefused
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import (
    DAGS,
    OTHER_DAGS,
    activate,
    assert_nothing_half_done,
    contents_below,
    make_release,
    name_of,
    snapshot,
)


def test_prunes_what_keep_denies_and_never_what_is_in_place(target: DirectoryTarget) -> None:
    releases = [make_release(number, {"dag.py": b"%d" % number}) for number in (1, 2, 3, 4)]
    for release in releases:
        activate(target, release)
    first, second, third, fourth = map(name_of, releases)

    removed = target.prune(keep=lambda number: number == 2, fence=4)

    assert removed == [first, third]
    assert {path.name for path in target.releases.iterdir()} == {second, fourth}
    assert {path.stem for path in (target.root / ".lastgood/releases").iterdir()} == {second, fourth}
    assert contents_below(target.current) == {"dag.py": b"4"}
    assert_nothing_half_done(target)


def test_prunes_doubles_by_their_number(target: DirectoryTarget) -> None:
    first = activate(target, make_release(1, fence=1))
    activate(target, make_release(2, OTHER_DAGS, fence=2))
    double = activate(target, make_release(1, fence=3))

    assert target.prune(keep=lambda number: number != 1, fence=3) == [first.name]
    assert target.read().in_place == double


def test_refuses_to_prune_with_a_stale_fence(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    activate(target, make_release(2))
    before = snapshot(target.root)

    with pytest.raises(TargetRefused) as refusal:
        target.prune(keep=lambda number: False, fence=1)

    assert refusal.value.code == "stale_fence"
    assert snapshot(target.root) == before


def test_never_prunes_what_a_link_made_by_hand_leads_to(target: DirectoryTarget) -> None:
    first, second = activate(target, make_release(1)), activate(target, make_release(2))
    target.current.unlink()
    target.current.symlink_to(target.releases / first.name / "dags")

    assert target.prune(keep=lambda number: False, fence=2) == [second.name]
    assert (target.current / "sales.py").exists()


def test_puts_back_what_came_into_use_while_it_was_taken(
    target: DirectoryTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act with the same fence whose number `keep` denied, which is against the contract."""
    first = activate(target, make_release(1))
    activate(target, make_release(2, OTHER_DAGS))
    rename = os.rename

    def pointing_first(old: Path, new: Path) -> None:
        if old == target.releases / first.name:
            target.current.unlink()
            target.current.symlink_to(f"releases/{first.name}")
        rename(old, new)

    monkeypatch.setattr(os, "rename", pointing_first)

    assert target.prune(keep=lambda number: number == 2, fence=2) == []
    assert target.read().in_place == first
    assert contents_below(target.current) == DAGS
    assert_nothing_half_done(target)


def test_refuses_a_prune_that_is_overtaken(target: DirectoryTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = activate(target, make_release(1)), activate(target, make_release(2, OTHER_DAGS))
    rename = os.rename

    def overtaken_first(old: Path, new: Path) -> None:
        if old == target.root / f".lastgood/releases/{first.name}.json":
            monkeypatch.undo()
            target.raise_fence(3)
        rename(old, new)

    monkeypatch.setattr(os, "rename", overtaken_first)
    with pytest.raises(TargetRefused) as refusal:
        target.prune(keep=lambda number: False, fence=2)

    assert refusal.value.code == "stale_fence"
    assert {path.name for path in target.releases.iterdir()} == {first.name, second.name}
    assert target.read() == Holding(in_place=second, fence=3)
    assert_nothing_half_done(target)


def test_leaves_what_others_put_among_the_releases(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    for name in ("backup", "0-abababababab.before", "000-short"):
        (target.releases / name).mkdir()
    (target.releases / "0-abababababab").touch()

    assert target.prune(keep=lambda number: False, fence=1) == []
    assert len(list(target.releases.iterdir())) == 5


def test_removes_leftovers_only_after_an_hour(target: DirectoryTarget) -> None:
    placed = activate(target, make_release(1))
    home = target.root / ".lastgood"
    desk = home / "fences/1/act-dead"
    (desk / "build/dags").mkdir(parents=True)
    os.utime(desk, (0, 0))  # anybody can set this time, so it says nothing
    orphan = home / "releases/3-abababababab.json"
    orphan.touch()

    target.prune(keep=lambda number: True, fence=1)
    assert (desk / "build/dags").is_dir()
    assert not orphan.exists()

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        target.prune(keep=lambda number: True, fence=1)
    assert_nothing_half_done(target)
    assert target.read().in_place == placed
