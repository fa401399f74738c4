"""The directory target, when the disk or its permissions are in the way,"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.targets.directory import DirectoryTarget
from tests.targets.processes import (
    CHECKOUT,
    PATIENCE,
    acting,
    outcome,
)

IN_A_MOUNT_NAMESPACE = ["unshare", "--mount", "sh", "-c"]


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A root that another user can reach, which pytest's own directories forbid."""
    base = Path(tempfile.mkdtemp(prefix="lastgood-test-"))
    base.chmod(0o777)
    yield base / "dags"
    for directory in (base / "dags", base / "dags/.lastgood"):
        directory.chmod(0o700)
    shutil.rmtree(base)


def assert_refused(answer: dict[str, Any], code: str, message: str) -> None:
    assert answer["code"] == code
    assert message in answer["message"]
    assert answer["message"].endswith(".")
    assert answer["unchanged"]


def test_refuses_when_a_file_may_not_grow_so_large(target: DirectoryTarget) -> None:
    with acting("file_size_limit", target, 2) as process:
        assert_refused(outcome(process), "disk_full", "big.py (File too large). Free space there")


def test_refuses_a_target_whose_fences_it_may_not_write(open_root: Path) -> None:
    with acting("closed_to_us", DirectoryTarget(open_root), 2) as process:
        assert_refused(outcome(process), "target_read_only", "(Permission denied). Mount it writable and let")


def test_takes_everything_back_when_only_the_swap_is_forbidden(open_root: Path) -> None:
    with acting("closed_root", DirectoryTarget(open_root), 2) as process:
        assert_refused(outcome(process), "target_read_only", "/current (Permission denied).")


def test_prunes_what_a_runtime_wrote_and_closed(open_root: Path) -> None:
    with acting("prune_closed_cache", DirectoryTarget(open_root), 2) as process:
        answer = outcome(process)

    assert [name.split("-")[0] for name in answer["pruned"]] == ["1"]
    assert [path for path in answer["left"] if path.startswith("trash-")] == []


def run_on_a_mount(scene: str, root: Path) -> dict[str, Any]:
    """Run the scene on a file system of 1 MB that only it can see."""
    if subprocess.run([*IN_A_MOUNT_NAMESPACE, f"mount -t tmpfs none {root.parent}"], check=False).returncode:
        pytest.skip("Mounting needs root.")
    root.mkdir()
    script = f'mount -t tmpfs -o size=1m none "{root}" && exec "$0" -m tests.targets.actor {scene} "{root}" 2'
    command = [*IN_A_MOUNT_NAMESPACE, script, sys.executable]
    run = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_refuses_when_the_disk_is_full(tmp_path: Path) -> None:
    answer = run_on_a_mount("small_disk", tmp_path / "dags")

    assert_refused(answer, "disk_full", "big.py (No space left on device). Free space there")


def test_refuses_when_the_disk_is_mounted_read_only(tmp_path: Path) -> None:
    answer = run_on_a_mount("read_only_mount", tmp_path / "dags")

    assert_refused(answer, "target_read_only", "(Read-only file system). Mount it writable")
