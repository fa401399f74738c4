"""A real worker …"""

import os
import signal
from pathlib import Path

import pytest

from deployments.models import Deploy
from deployments.states import DeployStatus
from tests.factories import ask_rollback, deploy, fresh, make_location, push
from tests.faults import MOMENTS
from tests.workers import finished, running_worker, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

ONE, TWO, THREE = ({"a.py": f"version = {number}".encode()} for number in (1, 2, 3))


def in_place(location) -> tuple[int, bytes]:
    """Answer what the target's folder holds: number and content."""
    from deployments.drivers import target_path

    current = target_path(location) / "current"
    return int(os.readlink(current).split("/")[1].split("-")[0]), (current / "dags" / "a.py").read_bytes()


def test_carries_out_deploys_and_a_rollback(broker: str, tmp_path: Path):
    location = make_location()
    with running_worker(broker, tmp_path / "worker.log"):
        finished(push(location, ONE))
        finished(push(location, TWO))
        rollback = finished(ask_rollback(location))

    assert rollback.status == DeployStatus.SUCCEEDED, rollback.error
    assert in_place(location) == (3, ONE["a.py"])
    assert fresh(location).live_deploy == rollback
    assert push(location, TWO | {"b.py": b""}).status == DeployStatus.HELD


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment.startswith("killed")])
def test_that_is_killed_leaves_a_rollback_that_another_one_finishes(moment: str, broker: str, tmp_path: Path):
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)

    rollback = ask_rollback(location)
    with running_worker(broker, tmp_path / "killed.log", fault=moment, beat=False) as killed:
        wait_for(lambda: not killed.alive, what=f"the worker's death: {moment}")
        assert in_place(location)[1] in {ONE["a.py"], TWO["a.py"]}
    with running_worker(broker, tmp_path / "healthy.log"):
        ended = finished(rollback)

    assert ended.status == DeployStatus.SUCCEEDED, ended.error
    assert in_place(location) == (3, ONE["a.py"])
    now = fresh(location)
    assert now.wanted_deploy == now.placed_deploy == now.live_deploy == rollback
    assert location.holds.filter(released_at=None).count() == 1


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment.startswith("stopped")])
def test_that_wakes_up_after_it_was_overtaken_changes_nothing(moment: str, broker: str, tmp_path: Path):
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)

    zombie_push = push(location, THREE)
    with running_worker(broker, tmp_path / "zombie.log", fault=moment, beat=False, queues="deploys") as zombie:
        wait_for(lambda: stopped(zombie.pid), what=f"the worker's stop: {moment}")
        rollback = ask_rollback(location, 1)
        with running_worker(broker, tmp_path / "healthy.log", beat=False, queues="rollbacks"):
            assert finished(rollback).status == DeployStatus.SUCCEEDED
        before = in_place(location)
        rows = list(Deploy.objects.order_by("pk").values("status", "error", "activated_at", "live_seq", "finished_at"))
        zombie.send(signal.SIGCONT)
        wait_for(lambda: "is somebody else's now" in zombie.log.read_text(), what="the zombie's giving up")

    assert before == in_place(location) == (4, ONE["a.py"])
    assert rows == list(
        Deploy.objects.order_by("pk").values("status", "error", "activated_at", "live_seq", "finished_at")
    )
    assert Deploy.objects.get(pk=zombie_push.pk).status == DeployStatus.SUPERSEDED
    assert fresh(location).live_deploy == fresh(location).placed_deploy == rollback


def test_that_stops_for_good_loses_its_deploy_after_its_lease(broker: str, tmp_path: Path):
    location = make_location()
    stuck = push(location, ONE)
    with running_worker(broker, tmp_path / "stopped.log", fault="stopped_before_activating", beat=False) as worker:
        wait_for(lambda: stopped(worker.pid), what="the worker's stop")
        with running_worker(broker, tmp_path / "healthy.log"):
            ended = finished(stuck)

    assert ended.status == DeployStatus.SUCCEEDED
    assert "another took over" in " ".join(ended.events.values_list("message", flat=True))


def test_gives_up_a_deploy_that_killed_three(broker: str, tmp_path: Path):
    location = make_location()
    deploy(location, ONE)
    deadly = push(location, TWO)
    for attempt in range(3):
        with running_worker(broker, tmp_path / f"killed{attempt}.log", fault="killed_before_the_swap") as killed:
            wait_for(lambda: not killed.alive, what="the worker's death")
    with running_worker(broker, tmp_path / "healthy.log"):
        ended = finished(deadly)

    assert (ended.status, ended.error["code"], ended.error["step"]) == (DeployStatus.ERRORED, "stalled", "ACTIVATE")
    assert in_place(location)[1] == ONE["a.py"]
    now = fresh(location)
    assert now.wanted_deploy == now.placed_deploy == now.live_deploy


def stopped(pid: int) -> bool:
    """Say whether the process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
