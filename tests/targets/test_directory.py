"""The directory target"""

import os
import stat
from pathlib import Path

import pytest

from deployments.targets.base import Holding, InPlace
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import (
    DAGS,
    NOON,
    OTHER_DAGS,
    activate,
    assert_nothing_half_done,
    contents_below,
    digest_of,
    make_release,
    name_of,
    snapshot,
)


def test_places_a_release_and_reads_it_back(target: DirectoryTarget) -> None:
    release = make_release(7, fence=3)
    told: list[str] = []

    placed = target.activate(release, progress=told.append)

    assert placed == InPlace(number=7, digest=digest_of(DAGS), name=name_of(release))
    assert target.read() == Holding(in_place=placed, fence=3)
    assert contents_below(target.current) == DAGS
    assert os.readlink(target.current) == f"releases/{placed.name}"
    assert told == ["Wrote 3 files, 37 bytes.", f"Pointed current at {placed.name}."]
    assert_nothing_half_done(target)


def test_places_modes_and_times_as_planned_whatever_the_umask(target: DirectoryTarget) -> None:
    umask = os.umask(0o077)
    try:
        activate(target, make_release())
    finally:
        os.umask(umask)

    release = (target.root / os.readlink(target.current)).resolve()
    modes = {path.relative_to(release).as_posix(): oct(path.stat().st_mode & 0o7777) for path in release.rglob("*")}
    assert modes == {
        "dags": "0o755",
        "dags/lib": "0o755",
        "dags/lib/money.py": "0o444",
        "dags/sales.py": "0o444",
        "run.sh": "0o555",
    }
    nanoseconds = {path.stat().st_mtime_ns for path in [release, *release.rglob("*")]}
    assert nanoseconds == {int(NOON.timestamp()) * 10**9 + 123_456_000}
    for path, mode in ((target.root, 0o755), (target.releases, 0o755), (target.root / ".lastgood", 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_flushes_all_of_a_release_before_the_swap_and_the_swap_itself(
    target: DirectoryTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: set[int] = set()
    flushed_before_swap: set[int] = set()
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def noted_replace(old: Path, new: Path) -> None:
        if new == target.current:
            flushed_before_swap.update(flushed)
            flushed.clear()
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    placed = activate(target, make_release())

    release, home = target.releases / placed.name, target.root / ".lastgood"
    needed = [release, *release.rglob("*"), target.releases, home / "fences"]
    needed += [home / "releases", home / f"releases/{placed.name}.json"]
    assert {path.stat().st_ino for path in needed} <= flushed_before_swap
    assert target.root.stat().st_ino in flushed


def test_places_an_empty_release(target: DirectoryTarget) -> None:
    activate(target, make_release(contents={}))

    assert contents_below(target.current) == {}


def test_places_a_second_release_and_leaves_the_first_as_it_was(target: DirectoryTarget) -> None:
    first = activate(target, make_release(1))
    before = snapshot(target.releases / first.name)

    second = activate(target, make_release(2, OTHER_DAGS))

    assert target.read() == Holding(in_place=second, fence=2)
    assert contents_below(target.current) == OTHER_DAGS
    assert snapshot(target.releases / first.name) == before


def test_confirms_what_is_in_place_and_raises_only_the_fence(target: DirectoryTarget) -> None:
    placed = activate(target, make_release(1, fence=1))
    before = snapshot(target.releases)

    again = activate(target, make_release(1, fence=5))

    assert again == placed
    assert snapshot(target.releases) == before
    assert target.read() == Holding(in_place=placed, fence=5)


def test_tells_two_digests_apart_that_begin_alike(target: DirectoryTarget) -> None:
    activate(target, make_release(1, digest="ab" * 6 + "00", fence=1))

    placed = activate(target, make_release(1, OTHER_DAGS, digest="ab" * 6 + "11", fence=1))

    assert placed.name == "1-abababababab.2"
    assert target.read().in_place == placed
    assert contents_below(target.current) == OTHER_DAGS


def test_mends_hand_edits_when_the_same_content_gets_a_new_number(target: DirectoryTarget) -> None:
    first = activate(target, make_release(1))
    edited = target.releases / first.name / "dags/sales.py"
    edited.chmod(0o644)
    edited.write_text("print('quick fix')\n")

    activate(target, make_release(2))

    assert contents_below(target.current) == DAGS
    assert edited.read_text() == "print('quick fix')\n"


def test_never_uses_a_directory_again_that_stands_there(target: DirectoryTarget) -> None:
    first, second = make_release(1), make_release(2, OTHER_DAGS)
    activate(target, first)
    activate(target, second)
    (target.releases / f"{name_of(first)}.2").mkdir()

    placed = activate(target, make_release(1, fence=3))

    assert placed.name == f"{name_of(first)}.3"
    assert target.read().in_place == placed
    assert contents_below(target.releases / f"{name_of(first)}.2") == {}


def test_accepts_a_root_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "dags").symlink_to("disk")

    activate(DirectoryTarget(tmp_path / "dags"), make_release())

    assert contents_below(tmp_path / "disk/current") == DAGS


def test_reads_nothing_where_nothing_is_and_changes_nothing(target: DirectoryTarget, tmp_path: Path) -> None:
    assert target.read() == Holding(in_place=None, fence=0)
    assert target.prune(keep=lambda number: False, fence=1) == []

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("releases/9-000000000000", "which does not exist"),
        ("../elsewhere", "which is not one of"),
        ("/srv/other/releases/1-abababababab", "which is not one of"),
        ("releases", "which is not one of"),
        ("releases/..", "which is not one of"),
        ("releases/1-abababababab/dags", "which is not one of"),
        ("releases/by-hand", "which was not placed by Lastgood"),
        ("current", "which is not one of"),
    ],
)
def test_says_in_words_what_a_hand_edited_current_is_and_replaces_it(
    target: DirectoryTarget, pointer: str, words: str
) -> None:
    activate(target, make_release(1))
    (target.releases / "by-hand").mkdir()
    target.current.unlink()
    target.current.symlink_to(pointer)

    holding = target.read()
    assert (holding.in_place, holding.fence) == (None, 1)
    assert holding.found.startswith(f"{target.current} points at {pointer}, {words}")
    assert holding.found.endswith(".")

    placed = activate(target, make_release(1))
    assert target.read() == Holding(in_place=placed, fence=1)
    assert contents_below(target.current) == DAGS


def test_takes_a_name_that_current_points_at_in_vain_for_taken(target: DirectoryTarget) -> None:
    release = make_release(1)
    target.root.mkdir(parents=True)
    target.current.symlink_to(f"releases/{name_of(release)}")

    assert activate(target, release).name == f"{name_of(release)}.2"


def test_reads_a_release_without_a_sound_marker_as_not_its_own(target: DirectoryTarget) -> None:
    placed = activate(target, make_release(1))
    marker = target.root / f".lastgood/releases/{placed.name}.json"

    for damage in ("", "[]", '{"number": 1}', marker.read_text().replace('"number": 1', '"number": 2')):
        marker.write_text(damage)
        assert target.read().in_place is None
        assert "was not placed by Lastgood" in target.read().found
