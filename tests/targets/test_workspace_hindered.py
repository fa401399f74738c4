"""The workspace target, when the disk, its mounts or its permissions are in the way,"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.workspace import WorkspaceTarget
from tests.targets.processes import CHECKOUT, PATIENCE
from tests.targets.test_workspace import NOBODY, act, make_target, release


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach, which pytest's own directories forbid."""
    base = Path(tempfile.mkdtemp(prefix="lastgood-test-"))
    base.chmod(0o777)
    yield base
    shutil.rmtree(base)


def test_refuses_a_folder_it_may_not_write(open_folder: Path) -> None:
    target = make_target(open_folder)
    answer = hindered("closed_folder", target)

    assert answer["code"] == "target_read_only"
    assert answer["message"].startswith(f"{target.workspace_file} is replaced as a whole, and {open_folder}/etc cannot")


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can give files away.")
def test_refuses_a_file_that_it_cannot_give_back(open_folder: Path) -> None:
    target = make_target(open_folder)
    answer = hindered("foreign_owner", target)

    assert answer["code"] == "target_read_only"
    assert f"belongs to uid 0 and gid 0, and the worker (uid {NOBODY}) may not" in answer["message"]


def hindered(scene: str, target: WorkspaceTarget, *, before: str = "") -> dict[str, str]:
    """Let a process of its own act, and see that the file stays as it was."""
    act_there = f'exec "$0" -m tests.targets.test_workspace_hindered {scene} "{target.root}" "{target.workspace_file}"'
    text = target.workspace_file.read_text()
    command = ["sh", "-c", act_there, sys.executable]
    if before:
        command = ["unshare", "--mount", "sh", "-c", f"{before} && {act_there}", sys.executable]
    run = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    answer: dict[str, str] = json.loads(run.stdout)
    if not before:
        assert target.workspace_file.read_text() == text
    assert answer.pop("unchanged")
    return answer


def mounting(tmp_path: Path) -> WorkspaceTarget:
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", tmp_path], check=False).returncode:
        pytest.skip("Mounting needs root.")
    return make_target(tmp_path)


def test_refuses_a_file_that_is_mounted_by_itself(tmp_path: Path) -> None:
    target = mounting(tmp_path)
    other = tmp_path / "other.yaml"
    shutil.copy(target.workspace_file, other)

    answer = hindered("as_it_is", target, before=f"mount --bind {other} {target.workspace_file}")

    assert answer["code"] == "target_read_only"
    assert "is mounted by itself, so it cannot be replaced. Mount its folder" in answer["message"]


def test_refuses_a_folder_that_is_mounted_read_only(tmp_path: Path) -> None:
    target = mounting(tmp_path)
    folder = target.workspace_file.parent

    before = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    answer = hindered("as_it_is", target, before=before)

    assert answer["code"] == "target_read_only"
    assert "cannot be written to. Mount it writable" in answer["message"]


def test_refuses_when_the_disk_is_full(tmp_path: Path) -> None:
    target = mounting(tmp_path)
    target.workspace_file.write_text(target.workspace_file.read_text() + "# long\n" * 5000)
    folder = target.workspace_file.parent
    # After our own file there is no room for another one.
    before = f"cp -a {folder} {tmp_path}/copy && mount -t tmpfs -o size=52k none {folder} && cp -a {tmp_path}/copy/. {folder}"
    answer = hindered("as_it_is", target, before=before)

    assert answer["code"] == "disk_full"
    assert "(No space left on device). Free space there" in answer["message"]


def main(scene: str, root: str, file: str) -> None:
    target = WorkspaceTarget(Path(root), workspace_file=Path(file), location="sales")
    if scene == "closed_folder":
        target.workspace_file.parent.chmod(0o555)
    if scene != "as_it_is" and os.geteuid() == 0:
        target.root.parent.mkdir(exist_ok=True)
        target.root.parent.chmod(0o777)
        if scene == "foreign_owner":
            target.workspace_file.parent.chmod(0o777)
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    text = target.workspace_file.read_bytes()
    try:
        answer = {"name": act(target, release(1))[0].name}
    except (TargetRefused, TargetUnreachable) as error:
        answer = {"code": error.code, "message": str(error)}
    print(json.dumps(answer | {"unchanged": target.workspace_file.read_bytes() == text}))


if __name__ == "__main__":
    main(*sys.argv[1:])
