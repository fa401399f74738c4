"""A hold …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import execution, operations
from deployments.access import Role
from deployments.models import Deploy, Hold
from deployments.states import DeployStatus
from portal.common.problems import NotAllowed
from portal.tasks import lift_holds
from tests.factories import carry_out, deploy, fresh, make_location, make_member, push, roll_back
from tests.operations.asking import (
    FOUR,
    ONE,
    THREE,
    TWO,
    cancel,
    hold,
    in_place,
    lines,
    push_parts,
    refusal,
    resume,
    retry,
)

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_stores_pushes_and_activates_none():
    location = make_location()
    deploy(location, ONE)
    hold(location)

    held = carry_out(push(location, TWO))

    assert held.status == DeployStatus.HELD
    assert "Stored and held: Month end." in lines(held)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_takes_what_waits_in_the_queue_along():
    location = make_location()
    waiting = push(location, ONE)

    hold(location)

    assert Deploy.objects.get(pk=waiting.pk).status == DeployStatus.HELD
    assert "Held: Month end." in lines(waiting)


def test_begins_with_a_rollback_that_succeeded_and_takes_what_waits_along():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    waiting = push(location, THREE)

    rollback = roll_back(location, description="Orders are doubled.")

    held = Hold.objects.get(released_at=None)
    assert held.deploy == rollback
    assert "Orders are doubled." in held.reason
    assert Deploy.objects.get(pk=waiting.pk).status == DeployStatus.HELD


def test_lets_rollbacks_through():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    hold(location)

    assert roll_back(location).status == DeployStatus.SUCCEEDED
    assert Hold.objects.filter(released_at=None).count() == 1


@pytest.mark.parametrize("reason", ["", "   "])
def test_needs_a_reason(reason: str):
    location = make_location()

    refused = refusal(lambda: hold(location, reason))

    assert (refused.code, refused.status) == ("reason_missing", 400)


def test_until_a_time_that_is_over_is_refused():
    location = make_location()

    assert refusal(lambda: hold(location, until=timezone.now() - timedelta(seconds=1))).code == "until_is_past"
    assert not Hold.objects.exists()


def test_of_what_is_held_is_refused():
    location = make_location()
    hold(location)

    assert refusal(lambda: hold(location)).code == "held"
    assert Hold.objects.count() == 1


def test_needs_the_right_to_roll_back():
    location = make_location()
    deployer = make_member(Role.DEPLOYER, location.deployment)

    for verb in (
        lambda: operations.hold(location=location, reason="No.", actor=deployer, now=timezone.now()),
        lambda: operations.resume(location=location, actor=deployer, now=timezone.now()),
    ):
        with pytest.raises(NotAllowed):
            verb()


def test_that_is_not_there_cannot_be_lifted():
    assert refusal(lambda: resume(make_location())).code == "not_held"


def test_that_held_nothing_leaves_nothing_to_do():
    location = make_location()
    hold(location)

    assert resume(location) is None
    released = Hold.objects.get()
    assert released.released_by_name == "root"


def test_that_is_lifted_activates_part_by_part_the_newest():
    location = make_location()
    deploy(location, ONE)
    hold(location)
    push_parts(location, bundles={"dags": TWO, "src": ONE}, image="shop:2")
    push_parts(location, bundles={"src": TWO}, runtime_version="3")
    newest = push_parts(location, bundles={"dags": THREE})

    resumed = resume(location)
    live = carry_out(newest)

    assert resumed == newest
    assert in_place(location) == {"dags/a.py": THREE["a.py"], "src/a.py": TWO["a.py"]}
    assert live.origins == {"bundle:dags": 4, "bundle:src": 3, "image": 2, "runtime_version": 3}
    assert (live.release.image, live.release.runtime_version) == ("shop:2", "3")
    older = Deploy.objects.filter(number__in=[2, 3])
    assert {(each.status, each.superseded_by) for each in older} == {(DeployStatus.SUPERSEDED, newest)}
    assert "Resumed as #4" in lines(older[0])


def test_that_is_lifted_drops_no_mount_that_was_taken_away():
    location = make_location()
    carry_out(push_parts(location, bundles={"dags": ONE, "src": ONE}))
    hold(location)
    push_parts(location, bundles={"src": None})
    push_parts(location, bundles={"dags": TWO})

    carry_out(resume(location))

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_that_began_and_ended_twice_carries_everything_still():
    location = make_location()
    hold(location)
    push_parts(location, bundles={"dags": ONE})
    push_parts(location, bundles={"src": TWO})
    resume(location)
    hold(location)
    push_parts(location, bundles={"dbt": THREE})

    live = carry_out(resume(location))

    assert set(in_place(location)) == {"dags/a.py", "src/a.py", "dbt/a.py"}
    assert live.origins == {"bundle:dags": 1, "bundle:src": 2, "bundle:dbt": 3}


def test_is_followed_by_a_retry_that_carries_everything_too():
    location = make_location()
    hold(location)
    push_parts(location, bundles={"dags": ONE})
    push_parts(location, bundles={"src": TWO})
    canceled = cancel(resume(location))

    carry_out(retry(canceled))

    assert set(in_place(location)) == {"dags/a.py", "src/a.py"}


def test_whose_time_is_over_is_lifted_by_lastgood():
    location, now = make_location(), timezone.now()
    hold(location, until=now + timedelta(hours=1))
    push(location, FOUR)

    assert not execution.expired_holds(now=now + timedelta(minutes=59)).exists()
    [expired] = execution.expired_holds(now=now + timedelta(hours=1))
    resumed = operations.lift_expired(held=expired, now=now + timedelta(hours=1))

    assert resumed.status == DeployStatus.QUEUED
    assert Hold.objects.get().released_by_name == "Lastgood"
    assert operations.lift_expired(held=expired, now=now + timedelta(hours=2)) is None
    assert carry_out(resumed).status == DeployStatus.SUCCEEDED


def test_whose_time_is_over_is_found_by_the_schedule():
    location = make_location()
    hold(location, until=timezone.now() + timedelta(hours=1))
    Hold.objects.update(until=timezone.now() - timedelta(seconds=1))
    push(location, ONE)

    lift_holds()

    assert Deploy.objects.get().status == DeployStatus.QUEUED
    assert fresh(location).holds.get().released_at
