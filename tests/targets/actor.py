"""A process of its own that acts on a directory target, to be stopped, killed and hindered.

    python -m tests.targets.actor <scene> <root> <number>

Prints one JSON line at its end: what it was answered, and how the root looked before and after.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from deployments.targets import _desk
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import activate, make_release, numbered, snapshot

NOBODY = 65534
# What the interpreter reports before it asks the system; each is a point to die at.
STEPS = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.symlink",
    "os.chmod",
    "os.utime",
    "os.scandir",
}


def signal_at_step(step: int, number: signal.Signals) -> None:
    """Send this process the signal right before it takes step number `step`."""
    taken = 0

    def watch(event: str, _: tuple[object, ...]) -> None:
        nonlocal taken
        if event in STEPS:
            taken += 1
            if taken == step:
                signal_myself(number)

    sys.addaudithook(watch)


def stop_before_moving_to(destination: Path) -> None:
    """Stop this process right before a rename to that path, or to a name in that directory."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename":
            moved_to = Path(str(arguments[1]))
            if destination in (moved_to, moved_to.parent):
                signal_myself(signal.SIGSTOP)

    sys.addaudithook(watch)


def signal_myself(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def place(target: DirectoryTarget, number: int) -> dict[str, object]:
    try:
        return asdict(activate(target, make_release(number, numbered(number))))
    except (TargetRefused, TargetUnreachable) as error:
        return {"code": error.code, "message": str(error)}


def killed_at(target: DirectoryTarget, number: int, step: str) -> dict[str, object]:
    """Place the release, but die before step number `step`."""
    signal_at_step(int(step), signal.SIGKILL)
    return place(target, number)


def prune_killed_at(target: DirectoryTarget, number: int, step: str) -> dict[str, object]:
    """Prune all but `number`, but die before step number `step`."""
    signal_at_step(int(step), signal.SIGKILL)
    return prune(target, number)


def stopped_at(target: DirectoryTarget, number: int, step: str) -> dict[str, object]:
    """Place the release, but sleep before step number `step` until somebody wakes us."""
    signal_at_step(int(step), signal.SIGSTOP)
    return place(target, number)


def raise_stopped_at(target: DirectoryTarget, number: int, step: str) -> dict[str, object]:
    """Raise the fence, but sleep before step number `step` until somebody wakes us."""
    signal_at_step(int(step), signal.SIGSTOP)
    try:
        return {"fence": target.raise_fence(number).fence}
    except (TargetRefused, TargetUnreachable) as error:
        return {"code": error.code, "message": str(error)}


def prune_stopped_at(target: DirectoryTarget, number: int, step: str) -> dict[str, object]:
    """Prune all but `number`, but sleep before step number `step` until somebody wakes us."""
    signal_at_step(int(step), signal.SIGSTOP)
    return prune(target, number)


def prune(target: DirectoryTarget, number: int) -> dict[str, object]:
    try:
        return {"pruned": target.prune(keep=lambda each: each == number, fence=number)}
    except (TargetRefused, TargetUnreachable) as error:
        return {"code": error.code, "message": str(error)}


def stopped_after_building(target: DirectoryTarget, number: int) -> dict[str, object]:
    """Place the release, but sleep right after the building until somebody wakes us."""

    def sleep_when_written(text: str) -> None:
        if text.startswith("Wrote"):
            signal_myself(signal.SIGSTOP)

    try:
        return asdict(target.activate(make_release(number, numbered(number)), progress=sleep_when_written))
    except TargetRefused as refusal:
        return {"code": refusal.code, "message": str(refusal)}


def stopped_before_moving_in(target: DirectoryTarget, number: int) -> dict[str, object]:
    """Place the release, but sleep when the build is about to be moved among the releases."""
    stop_before_moving_to(target.releases)
    return place(target, number)


def stopped_before_swap(target: DirectoryTarget, number: int) -> dict[str, object]:
    """Place the release, but sleep when `current` is about to be replaced."""
    stop_before_moving_to(target.current)
    return place(target, number)


def crowd(target: DirectoryTarget, number: int, stride: str) -> dict[str, object]:
    """Five threads place three releases each, one after the other, every `stride`-th number of all."""
    answers: dict[str, object] = {}

    def act(first: int) -> None:
        for turn in range(3):
            each = number + (first + 5 * turn) * int(stride)
            answers[str(each)] = place(target, each)

    threads = [threading.Thread(target=act, args=(first,)) for first in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"answers": answers}


def without_end(target: DirectoryTarget, number: int) -> dict[str, object]:
    """Place one release after the other until killed."""
    print("ready", flush=True)
    while True:
        number += 1
        place(target, number)


def hindered(
    hinder: Callable[[DirectoryTarget], None],
) -> Callable[[DirectoryTarget, int], dict[str, object]]:
    """Place release 1, set the hindrance, try to place a bigger release 2."""

    def scene(target: DirectoryTarget, number: int) -> dict[str, object]:
        place(target, 1)
        before = snapshot(target.root)
        hinder(target)
        big = make_release(2, {"big.py": b"#" * 3_000_000})
        try:
            answer: dict[str, object] = asdict(activate(target, big))
        except (TargetRefused, TargetUnreachable) as error:
            answer = {"code": error.code, "message": str(error)}
        if os.geteuid() == NOBODY:
            os.seteuid(0)
        return answer | {"unchanged": snapshot(target.root) == before}

    return scene


def limit_file_size(target: DirectoryTarget) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def fill_nothing(target: DirectoryTarget) -> None:
    """The file system is small already."""


def remount_read_only(target: DirectoryTarget) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(target.root)], check=True)


def lose_the_root(target: DirectoryTarget) -> None:
    """Let only the swap itself fail: all below the root may be written, the root may not."""
    if os.geteuid() == 0:
        for path in [target.root, *target.root.rglob("*")]:
            os.chown(path, 0 if path == target.root else NOBODY, -1, follow_symlinks=False)
        os.seteuid(NOBODY)
    else:
        target.root.chmod(0o555)


def lose_everything(target: DirectoryTarget) -> None:
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    else:
        (target.root / ".lastgood").chmod(0o500)


def prune_closed_cache(target: DirectoryTarget, number: int) -> dict[str, object]:
    """Prune a release into which a runtime wrote a directory that we may not enter."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    old = place(target, 1)
    cache = target.releases / str(old["name"]) / "dags/team0/__pycache__"
    cache.mkdir()
    (cache / "dag0.pyc").touch()
    (cache / "away").symlink_to(target.root)
    cache.chmod(0o000)
    place(target, 2)
    pruned = target.prune(keep=lambda each: False, fence=2)
    return {"pruned": pruned, "left": sorted(snapshot(target.root / ".lastgood"))}


SCENES: dict[str, Callable[..., dict[str, object]]] = {
    "place": place,
    "killed_at": killed_at,
    "prune_killed_at": prune_killed_at,
    "stopped_at": stopped_at,
    "raise_stopped_at": raise_stopped_at,
    "prune_stopped_at": prune_stopped_at,
    "stopped_after_building": stopped_after_building,
    "stopped_before_moving_in": stopped_before_moving_in,
    "stopped_before_swap": stopped_before_swap,
    "crowd": crowd,
    "without_end": without_end,
    "file_size_limit": hindered(limit_file_size),
    "small_disk": hindered(fill_nothing),
    "read_only_mount": hindered(remount_read_only),
    "closed_root": hindered(lose_the_root),
    "closed_to_us": hindered(lose_everything),
    "prune_closed_cache": prune_closed_cache,
}


if __name__ == "__main__":
    scene, root, number, *more = sys.argv[1:]
    _desk.CLEARING_PATIENCE = 30.0  # as in conftest.py
    started = time.monotonic()
    answer = SCENES[scene](DirectoryTarget(Path(root)), int(number), *more)
    print(json.dumps(answer | {"seconds": time.monotonic() - started}))
