"""The workspace target, when several act on one file, are stopped, overtaken and killed,"""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from deployments.targets import _desk
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.workspace import WorkspaceTarget
from tests.targets.actor import signal_at_step, signal_myself, stop_before_moving_to
from tests.targets.processes import CHECKOUT, Onlooker, is_stopped, outcome, woken
from tests.targets.releases import snapshot
from tests.targets.test_workspace import act, fences_of, identity, release

TEXT = """\
load_from:  # of both
{entries}
  # not ours
  - grpc_server: {{port: 4266, location_name: third}}
"""
ENTRY = """\
  - python_file:  # of {location}
      relative_path: '{root}/current/a.py'
      working_directory: {root}/current  # and more
      location_name: {location}
"""
FAMILY = ("sales", "other")
LED = re.compile(r"/releases/[0-9]+-[0-9a-f]{12}(\.[0-9]+)?")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A workspace file of two locations, whose roots lie beside it."""
    path = tmp_path / "workspace.yaml"
    path.write_text(TEXT.format(entries="".join(ENTRY.format(location=each, root=tmp_path / each) for each in FAMILY)))
    return path


def target_of(file: Path, location: str) -> WorkspaceTarget:
    return WorkspaceTarget(file.parent / location, workspace_file=file, location=location)


@contextmanager
def acting(scene: str, file: Path, location: str, number: int, *more: object) -> Iterator[subprocess.Popen[str]]:
    """A process of its own; `number` is its release, its fence and its shared fence."""
    command = [sys.executable, "-m", "tests.targets.test_workspace_processes", scene, file, location, number, *more]
    process = subprocess.Popen(list(map(str, command)), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class FileReader(Onlooker):
    """Reads the file, as Dagster would, and complains when it is not whole."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._wanted = file, LED.sub("/current", file.read_text())
        self._seen = ""

    def _look(self) -> None:
        text = self._file.read_text()
        if text == self._seen:
            return  # as good or as bad as a moment ago
        self._seen = text
        assert LED.sub("/current", text) == self._wanted, text
        for entry in yaml.safe_load(text)["load_from"][:2]:
            body = entry["python_file"]
            assert body["relative_path"] == f"{body['working_directory']}/a.py", text


def led(file: Path) -> dict[str, str]:
    """Where the entries lead: the release's number by location, or "current"."""
    bodies = [entry["python_file"] for entry in yaml.safe_load(file.read_text())["load_from"][:2]]
    return {body["location_name"]: Path(body["working_directory"]).name.partition("-")[0] for body in bodies}


def assert_clean(file: Path, shared: int) -> None:
    """Nothing is left beside the file but its highest fence."""
    assert [path.name for path in fences_of(file).rglob("*")] == [str(shared)]
    assert {path.name for path in file.parent.iterdir()} <= {file.name, ".lastgood-workspace", *FAMILY}


def test_overtakes_a_process_that_sleeps_between_reading_and_replacing(file: Path) -> None:
    sales, other = (target_of(file, each) for each in FAMILY)
    act(sales, release(1))

    with acting("stopped_before_replacing", file, "sales", 2) as zombie:
        assert is_stopped(zombie)
        placed, _ = act(other, release(3))
        before = identity(file)
        answer = woken(zombie)

    assert answer["code"] == "stale_fence"
    assert "has seen shared fence 3, and this act carries 2: a newer one, perhaps of another" in answer["message"]
    assert identity(file) == before
    assert led(file) == {"sales": "1", "other": "3"}
    assert other.read().in_place == placed
    # Its release is in place all the same: what is left to do is to edit the file, with a higher number.
    assert "points at releases/1-" in sales.read().found
    assert "current at releases/2-" in sales.read().found
    second, said = act(sales, release(2, shared=sales.shared_fence() + 1))
    assert said == [f"Pointed workspace.yaml at {second.name}."]
    assert led(file) == {"sales": "2", "other": "3"}
    assert_clean(file, 4)


@pytest.mark.parametrize("how", ["raise_fence", "prune", "activate"])
def test_an_act_of_the_same_location_overtakes_it_whatever_the_file_has_seen(file: Path, how: str) -> None:
    """Only the fence of the directory rises, or the new act has not come as far as the file."""
    sales = target_of(file, "sales")
    act(sales, release(1))

    with acting("stopped_before_replacing", file, "sales", 2) as zombie:
        assert is_stopped(zombie)
        if how == "raise_fence":
            sales.raise_fence(3)
        elif how == "prune":
            sales.prune(keep=lambda number: True, fence=3)
        else:
            with acting("stopped_after_building", file, "sales", 3) as newer:
                assert is_stopped(newer)
        before = identity(file)
        answer = woken(zombie)

    assert answer["code"] == "stale_fence"
    assert f"{sales.root} has seen fence 3, and this act carries 2: " in answer["message"]
    assert identity(file) == before
    assert led(file) == {"sales": "1", "other": "current"}


def test_lets_a_process_that_slept_finish_when_nobody_overtook_it(file: Path) -> None:
    with acting("stopped_before_replacing", file, "sales", 2) as sleeper:
        assert is_stopped(sleeper)
        answer = woken(sleeper)

    assert answer["number"] == 2
    assert led(file) == {"sales": "2", "other": "current"}
    assert_clean(file, 2)


def test_is_not_overtaken_by_another_location_that_only_raises_its_fence(file: Path) -> None:
    act(target_of(file, "other"), release(1))

    with acting("stopped_before_replacing", file, "sales", 2) as sleeper:
        assert is_stopped(sleeper)
        target_of(file, "other").raise_fence(9)
        answer = woken(sleeper)

    assert answer["number"] == 2
    assert led(file) == {"sales": "2", "other": "1"}


def test_has_no_effect_wherever_it_is_stopped_and_overtaken(file: Path) -> None:
    """Before every single step after its own swap: by another location's act, and by its own fence, in turn."""
    sales, other = (target_of(file, each) for each in FAMILY)
    act(sales, release(1))
    number, step = 1, 1

    with FileReader(file) as onlooker:
        while True:
            with acting("stopped_at", file, "sales", number + 1, step) as zombie:
                if not is_stopped(zombie):
                    break
                reached = led(file)["sales"]
                if step % 2:
                    act(other, release(number + 2))
                else:
                    sales.raise_fence(number + 2)
                before, roots = identity(file), snapshot(sales.releases)
                answer = woken(zombie)
            assert identity(file) == before
            assert snapshot(sales.releases) == roots
            assert led(file)["sales"] == reached
            # Whose edit was made before it was stopped says so.
            done = str(number + 1) == reached
            assert str(answer.get("code", answer.get("number"))) in {"stale_fence", *([reached] if done else [])}
            number, step = number + 3, step + 1
            sales.raise_fence(number)
            act(sales, release(number))
            assert led(file)["sales"] == str(number)
            assert_clean(file, number)
            sales.prune(keep=lambda each: False, fence=number)

    assert onlooker.complaints == []
    assert step > 15


def test_leaves_the_old_file_or_the_new_wherever_it_is_killed(file: Path) -> None:
    """Not at random: before every single step after the swap of `current`, one process each."""
    sales = target_of(file, "sales")
    act(sales, release(1))
    number, step, finished = 1, 0, False
    reached = set()

    with FileReader(file) as onlooker:
        while not finished:
            step += 1
            before = led(file)["sales"]
            with acting("killed_at", file, "sales", number + 1, step) as process:
                finished = "number" in outcome(process)
            number += 1
            assert led(file) == {"sales": led(file)["sales"], "other": "current"}
            assert led(file)["sales"] in {before, str(number)}
            reached.add(led(file)["sales"] == str(number))
            holding = sales.read()
            if led(file)["sales"] == str(number):
                assert holding.in_place is not None
                assert holding.in_place.number == number
            else:
                assert f"current at releases/{number}-" in holding.found
            assert holding.fence == number

    assert onlooker.complaints == []
    assert onlooker.looks > step > 15
    assert reached == {True, False}
    act(sales, release(number + 1))
    assert_clean(file, number + 1)


def test_two_locations_end_where_each_wanted_when_their_processes_race(file: Path) -> None:
    """Each with shared fences of its own parity, above all that the file has seen; a stale one asks again."""
    with (
        FileReader(file) as onlooker,
        acting("crowd", file, "sales", 1) as one,
        acting("crowd", file, "other", 2) as two,
    ):
        answers = [outcome(one), outcome(two)]

    assert onlooker.complaints == []
    assert led(file) == {"sales": "15", "other": "15"}
    assert [set(answer["refusals"]) - {"stale_fence"} for answer in answers] == [set(), set()]
    assert_clean(file, target_of(file, "sales").shared_fence())
    for location in FAMILY:
        holding = target_of(file, location).read()
        assert holding.in_place is not None
        assert holding.in_place.number == 15


# In the process that acts


def place(target: WorkspaceTarget, number: int) -> dict[str, object]:
    try:
        return {"number": act(target, release(number))[0].number}
    except (TargetRefused, TargetUnreachable) as error:
        return {"code": error.code, "message": str(error)}


def signaled_when(
    target: WorkspaceTarget, number: int, said: str, step: int, sent: signal.Signals
) -> dict[str, object]:
    """Place the release, and get the signal that many steps after that was said; 0: at once."""

    def listen(text: str) -> None:
        if text.startswith(said):
            signal_at_step(step, sent) if step else signal_myself(sent)

    try:
        return {"number": target.activate(release(number), progress=listen).number}
    except (TargetRefused, TargetUnreachable) as error:
        return {"code": error.code, "message": str(error)}


def crowd(target: WorkspaceTarget, parity: int) -> dict[str, object]:
    refusals: list[str] = []
    for number in range(1, 16):
        while True:
            seen = target.shared_fence()
            try:
                act(target, release(number, shared=seen + 1 + (seen + 1 + parity) % 2))
                break
            except (TargetRefused, TargetUnreachable) as error:
                refusals.append(error.code)
    return {"refusals": refusals}


def main(scene: str, file: str, location: str, number: int, step: int = 0) -> dict[str, object]:
    target = target_of(Path(file), location)
    if scene == "crowd":
        return crowd(target, number)
    if scene == "stopped_before_replacing":
        stop_before_moving_to(target.workspace_file)
        return place(target, number)
    if scene == "stopped_after_building":
        return signaled_when(target, number, "Wrote", 0, signal.SIGSTOP)
    sent = {"stopped_at": signal.SIGSTOP, "killed_at": signal.SIGKILL}[scene]
    return signaled_when(target, number, "Pointed current", step, sent)


if __name__ == "__main__":
    _desk.CLEARING_PATIENCE = 30.0  # as in conftest.py
    words = sys.argv[1:]
    print(json.dumps(main(*words[:3], *map(int, words[3:]))))  # type: ignore[arg-type]
