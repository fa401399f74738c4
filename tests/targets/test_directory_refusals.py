"""The directory target, when it says no,"""

import re
from pathlib import Path
from typing import BinaryIO

import pytest

from deployments.targets.base import Holding, TargetRefused
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import (
    DAGS,
    activate,
    assert_nothing_half_done,
    make_release,
    plan,
    plans,
    snapshot,
    store_of,
)


def assert_refuses(target: DirectoryTarget, code: str, message: str, **release: object) -> TargetRefused:
    activate(target, make_release(1))
    before = snapshot(target.root)

    with pytest.raises(TargetRefused, match=message) as refusal:
        activate(target, make_release(2, **release))  # type: ignore[arg-type]

    assert refusal.value.code == code
    assert str(refusal.value).endswith(".")
    assert snapshot(target.root) == before
    assert target.read().fence == 2
    return refusal.value


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "../up.py",
        "dags/../up.py",
        "dags//a.py",
        "./a.py",
        "dags/.",
        "dags/",
        "a\0.py",
        "dags\\a.py",
        "lone\ud800.py",
        "\ud800/../x",
    ],
)
def test_refuses_bad_paths(target: DirectoryTarget, path: str) -> None:
    assert_refuses(target, "bad_path", re.escape(repr(path)), files=[plan("dags/a.py"), plan(path)])


def test_refuses_a_path_that_is_there_twice(target: DirectoryTarget) -> None:
    assert_refuses(target, "bad_path", "'a.py' is there twice", files=[plan("a.py"), plan("a.py", b"x")])


@pytest.mark.parametrize("other", ["dags/sales/a.py", "dags/sales/a/b/c.py"])
def test_refuses_a_file_that_is_the_directory_of_another(target: DirectoryTarget, other: str) -> None:
    assert_refuses(target, "bad_path", "'dags/sales' is a file and", files=[plan(other), plan("dags/sales")])


@pytest.mark.parametrize("mode", [0o4555, 0o2555, 0o644, 0o777, 0o000])
def test_refuses_modes_that_are_not_placed(target: DirectoryTarget, mode: int) -> None:
    assert_refuses(target, "bad_mode", f"{mode:04o}", files=[plan("a.py", mode=mode)])


@pytest.mark.parametrize("path", ["a" * 256, "deep/" * 1000 + "a.py"])
def test_refuses_paths_that_are_too_long(target: DirectoryTarget, path: str) -> None:
    assert_refuses(target, "path_too_long", "Shorten", files=[plan("dags/a.py"), plan(path)], contents={"": b""})


@pytest.mark.parametrize("stored", [b"print('salez')\n", b"print(", b"print('sales')\n and more", b""])
def test_refuses_damaged_blobs_and_names_them(target: DirectoryTarget, stored: bytes) -> None:
    sound = plan("dags/sales.py", DAGS["dags/sales.py"])
    damaged = {**{file.sha256: DAGS[file.path] for file in plans(DAGS)}, sound.sha256: stored}

    refusal = assert_refuses(
        target,
        "damaged_blob",
        rf"bytes of dags/sales\.py are damaged.*{sound.sha256}",
        open_blob=lambda sha256: store_of({"": damaged[sha256]})(plan("", damaged[sha256]).sha256),
    )
    assert refusal.sha256 == sound.sha256


@pytest.mark.parametrize("digest", ["../../../etc", "ABCDEF012345", "abc", ""])
def test_refuses_a_digest_that_makes_no_name(target: DirectoryTarget, digest: str) -> None:
    with pytest.raises(TargetRefused) as refusal:
        activate(target, make_release(1, digest=digest or "-"))

    assert refusal.value.code == "bad_release"
    assert list(target.releases.iterdir()) == []
    assert_nothing_half_done(target)


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_refuses_to_replace_a_current_that_is_no_link(target: DirectoryTarget, kind: str) -> None:
    target.root.mkdir(parents=True)
    target.current.mkdir() if kind == "directory" else target.current.touch()

    with pytest.raises(TargetRefused, match=rf"current is a {kind}, not a link.*\(mv ") as refusal:
        activate(target, make_release())

    assert refusal.value.code == "current_in_the_way"
    assert target.read() == Holding(
        in_place=None, fence=1, found=f"{target.current} is a {kind}, not a link to a release."
    )
    assert list(target.releases.iterdir()) == []
    assert_nothing_half_done(target)


def test_refuses_a_current_that_came_into_the_way_while_building(target: DirectoryTarget) -> None:
    def meddling(sha256: str) -> BinaryIO:
        target.current.mkdir(exist_ok=True)
        return store_of(DAGS)(sha256)

    with pytest.raises(TargetRefused) as refusal:
        activate(target, make_release(open_blob=meddling))

    assert refusal.value.code == "current_in_the_way"
    assert list(target.releases.iterdir()) == []
    assert_nothing_half_done(target)


@pytest.mark.parametrize("name", [".lastgood", "releases"])
def test_follows_no_link_out_of_its_root(target: DirectoryTarget, tmp_path: Path, name: str) -> None:
    target.root.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (target.root / name).symlink_to(elsewhere)

    with pytest.raises(TargetRefused, match=rf"{re.escape(name)} \(Not a directory\)\. .*\.$") as refusal:
        activate(target, make_release())

    assert refusal.value.code == "not_a_directory"
    assert list(elsewhere.iterdir()) == []


def test_refuses_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "dags").touch()
    target = DirectoryTarget(tmp_path / "dags")

    for ask in (target.read, lambda: activate(target, make_release())):
        with pytest.raises(TargetRefused) as refusal:
            ask()
        assert refusal.value.code == "not_a_directory"


def test_takes_a_fence_only_for_what_is_named_like_one(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    for name in ("7.old", "007", "-7", "seven", "٧"):
        (target.root / ".lastgood/fences" / name).mkdir()

    assert target.read().fence == 1
    assert activate(target, make_release(2)) == target.read().in_place


def test_refuses_a_fence_that_is_no_directory(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    (target.root / ".lastgood/fences/1").rmdir()
    (target.root / ".lastgood/fences/1").touch()

    with pytest.raises(TargetRefused, match=r"fences/1") as refusal:
        activate(target, make_release(2))

    assert refusal.value.code == "not_a_directory"


class StoreIsDownError(OSError):
    pass


def test_lets_the_errors_of_the_store_through_and_leaves_nothing(target: DirectoryTarget) -> None:
    activate(target, make_release(1))
    before = snapshot(target.root)

    def broken(sha256: str) -> BinaryIO:
        raise StoreIsDownError

    with pytest.raises(StoreIsDownError):
        activate(target, make_release(2, open_blob=broken))

    assert snapshot(target.root) == before
