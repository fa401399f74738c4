"""When something is away, full or locked, …"""

import errno
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import drivers, execution, tasks
from deployments.drivers import target_path
from deployments.execution.claiming import claim
from deployments.execution.pipeline import MOST_ATTEMPTS
from deployments.models import Deploy
from deployments.states import DeployStatus
from deployments.targets.base import TargetUnreachable
from deployments.targets.directory import DirectoryTarget
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_location, push, roll_back
from tests.operations.asking import ONE, TWO, cancel, current, in_place, lines, look_again
from tests.operations.brokers import point_to

pytestmark = [pytest.mark.django_db, pytest.mark.services]

AWAY = "redis+socket:///nowhere/valkey.sock"


@pytest.fixture
def location():
    """Answer a location with one version live."""
    location = make_location()
    deploy(location, ONE)
    return location


def unchanged(location) -> bool:
    """Say whether the first version is live, placed and wanted, and its files are in place, nothing half beside them."""
    now = fresh(location)
    beside = [path.name for path in (target_path(location) / "releases").iterdir()]
    left = [path.name for path in (target_path(location) / ".lastgood").glob("build-*")]
    return (
        now.live_deploy.number == now.placed_deploy.number == now.wanted_deploy.number == 1
        and in_place(location) == {"dags/a.py": ONE["a.py"]}
        and [name.partition("-")[0] for name in beside] == ["1"]
        and left == []
    )


@pytest.mark.django_db(transaction=True)
def test_the_broker_a_push_waits_and_says_so(location):
    point_to(AWAY)

    waiting = push(location, TWO)

    assert Deploy.objects.get(pk=waiting.pk).status == DeployStatus.QUEUED
    assert "The broker is away. This deploy is stored, waits, and starts by itself" in lines(waiting)
    assert waiting.events.get(step="QUEUE", level="WARNING")
    assert list(execution.due_deploys(rollbacks=False)) == [waiting]
    assert carry_out(waiting).status == DeployStatus.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_the_broker_a_rollback_waits_and_says_so(location):
    deploy(location, TWO)
    point_to(AWAY)

    waiting = ask_rollback(location)

    assert "The broker is away" in lines(waiting)
    assert list(execution.due_deploys(rollbacks=True)) == [waiting]


@pytest.mark.django_db(transaction=True)
def test_the_broker_a_cancel_is_done_all_the_same(location):
    waiting = push(location, TWO)
    point_to(AWAY)

    assert cancel(waiting).status == DeployStatus.CANCELED


@pytest.mark.django_db(transaction=True)
def test_the_broker_a_worker_that_finishes_starts_the_next_one_later(location):
    first, second = push(location, TWO), push(location, ONE, mount="src")
    point_to(AWAY)

    tasks.carry_out(deploy_id=first.pk)

    assert Deploy.objects.get(pk=first.pk).status == DeployStatus.SUCCEEDED
    assert list(execution.due_deploys(rollbacks=False)) == [second]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EROFS, "target_read_only"),
        (errno.EACCES, "target_read_only"),
    ],
)
def test_the_targets_disk_a_deploy_fails_and_the_live_version_stays(location, monkeypatch, number: int, code: str):
    really = os.write

    def write(descriptor: int, content: bytes) -> int:
        if bytes(content) == TWO["a.py"]:
            raise OSError(number, os.strerror(number))
        return really(descriptor, content)

    bad = push(location, TWO)
    monkeypatch.setattr(os, "write", write)
    ended = carry_out(bad)

    assert (ended.status, ended.error["code"], ended.error["step"]) == (DeployStatus.FAILED, code, "ACTIVATE")
    assert str(target_path(location)) in ended.error["detail"]
    assert unchanged(location)


def test_what_stands_where_current_should_a_deploy_fails_and_says_what_to_do(location):
    current(location).rename(current(location).with_name("current.before"))
    current(location).mkdir()

    ended = deploy(location, TWO)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "current_in_the_way")
    assert "Move it away" in ended.error["detail"]
    assert fresh(location).live_deploy.number == 1


class Silent(DirectoryTarget):
    """A target whose disk does not answer `times` times."""

    times = 1

    def activate(self, release, *, progress):
        """Be silent, or do it."""
        if Silent.times:
            Silent.times -= 1
            raise TargetUnreachable("target_io", "The disk of the target did not answer.")
        return super().activate(release, progress=progress)


def test_the_target_does_not_answer_a_deploy_waits_and_goes_on(location, monkeypatch):
    monkeypatch.setattr(drivers, "target_for", lambda location: Silent(target_path(location)))
    monkeypatch.setattr(Silent, "times", 2)

    parked = deploy(location, TWO)
    assert (parked.status, parked.attempts) == (DeployStatus.RUNNING, 1)
    assert "The disk of the target did not answer" in lines(parked)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    ended = look_again(look_again(parked))

    assert ended.status == DeployStatus.SUCCEEDED
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_the_target_stays_locked_a_deploy_ends(location, monkeypatch):
    monkeypatch.setattr(drivers, "target_for", lambda location: Silent(target_path(location)))
    monkeypatch.setattr(Silent, "times", 99)
    ended = deploy(location, TWO)

    for _ in range(MOST_ATTEMPTS - 1):
        ended = look_again(ended)

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "target_io")
    assert unchanged(location)


def test_the_target_is_locked_a_rollback_overtakes_the_one_that_waits(location, monkeypatch):
    deploy(location, TWO)
    monkeypatch.setattr(drivers, "target_for", lambda location: Silent(target_path(location)))
    monkeypatch.setattr(Silent, "times", 1)
    parked = deploy(location, {"c.py": b""})

    back = roll_back(location, 1)

    assert back.status == DeployStatus.SUCCEEDED
    assert Deploy.objects.get(pk=parked.pk).status == DeployStatus.SUPERSEDED


class Broken(DirectoryTarget):
    """A target whose driver has a mistake."""

    def activate(self, release, *, progress):
        """Break."""
        raise ZeroDivisionError


def test_the_portal_itself_breaks_a_deploy_errs_after_some_attempts_and_shows_no_innards(location, monkeypatch):
    monkeypatch.setattr(drivers, "target_for", lambda location: Broken(target_path(location)))
    ended = deploy(location, TWO)

    for _ in range(MOST_ATTEMPTS - 1):
        assert ended.status == DeployStatus.RUNNING
        ended = look_again(ended)

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "internal_error")
    assert "ZeroDivision" not in lines(ended)
    assert unchanged(location)


def test_a_worker_dies_three_times_a_deploy_is_given_up(location):
    deadly = push(location, TWO)
    for _ in range(3):
        assert claim(deadly.pk, now=timezone.now())
        Deploy.objects.filter(pk=deadly.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    ended = carry_out(deadly)

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "stalled")
    assert "Retry it." in ended.error["detail"]
    assert unchanged(location)
