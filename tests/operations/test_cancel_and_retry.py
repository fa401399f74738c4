"""A deploy that is canceled …"""

import pytest
from django.utils import timezone

from deployments.execution.claiming import LostClaimError, claim
from deployments.execution.placing import put_in_place
from deployments.models import Deploy
from deployments.states import DeployStatus
from deployments.targets.base import TargetRefused
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_location, push, roll_back
from tests.operations.asking import (
    ONE,
    THREE,
    TWO,
    cancel,
    current,
    hold,
    in_place,
    lines,
    push_parts,
    refusal,
    retry,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location with one version live."""
    location = make_location()
    deploy(location, ONE)
    return location


def begun(deploy_: Deploy):
    """Claim it as a worker does, and answer the claim and the row."""
    held = claim(deploy_.pk, now=timezone.now())
    return held, Deploy.objects.with_places().get(pk=deploy_.pk)


def test_while_it_waits_never_runs(location):
    canceled = cancel(push(location, TWO))

    ended = carry_out(canceled)

    assert (ended.status, ended.error["code"]) == (DeployStatus.CANCELED, "canceled")
    assert ended.finished_at
    assert "Canceled by root." in lines(ended)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_while_it_is_held_never_runs(location):
    hold(location)

    assert cancel(push(location, TWO)).status == DeployStatus.CANCELED


def test_while_a_worker_has_it_is_taken_from_that_worker(location):
    held, row = begun(push(location, TWO))

    canceled = cancel(row)

    assert canceled.status == DeployStatus.CANCELED
    assert fresh(location).fence > held.fence
    assert fresh(location).wanted_deploy == fresh(location).placed_deploy
    with pytest.raises(LostClaimError):
        put_in_place(held, row, clock=timezone.now)
    with pytest.raises(LostClaimError):
        held.write(status=DeployStatus.SUCCEEDED)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_before_its_worker_writes_is_refused_by_the_target_once_that_knows(location):
    held, row = begun(push(location, TWO))
    cancel(row)
    settle(location)

    with pytest.raises((LostClaimError, TargetRefused)) as refused:
        put_in_place(held, row, clock=timezone.now)

    assert getattr(refused.value, "code", "stale_fence") == "stale_fence"
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_just_after_its_worker_swapped_is_replaced_by_what_should_be_there(location):
    held, row = begun(push(location, TWO))
    put_in_place(held, row, clock=timezone.now)
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}

    cancel(row)
    settle(location)

    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    assert "The target held #2 instead of #1: put back." in lines(Deploy.objects.get(number=1))
    assert fresh(location).drift == ""


def test_just_after_its_worker_swapped_the_very_first_one_is_told_as_placed():
    location = make_location()
    held, row = begun(push(location, ONE))
    put_in_place(held, row, clock=timezone.now)

    cancel(row)
    settle(location)

    now = fresh(location)
    assert (now.placed_deploy, now.wanted_deploy, now.live_deploy) == (row, row, None)
    assert "nothing older to put back" in lines(row)
    assert Deploy.objects.get(pk=row.pk).status == DeployStatus.CANCELED


def test_once_it_is_in_place_is_refused(location):
    row = push(location, TWO)
    begun(row)
    Deploy.objects.filter(pk=row.pk).update(activated_at=timezone.now())

    refused = refusal(lambda: cancel(row))

    assert (refused.code, refused.status) == ("already_placed", 409)
    assert Deploy.objects.get(pk=row.pk).status == DeployStatus.RUNNING


def test_once_it_ended_is_refused(location):
    for ended in (Deploy.objects.get(), cancel(push(location, TWO))):
        assert refusal(lambda ended=ended: cancel(ended)).code == "already_finished"


def test_while_it_waits_for_a_locked_target_ends(location):
    current(location).unlink()
    current(location).mkdir()
    failed = carry_out(push(location, TWO))
    assert failed.error["code"] == "current_in_the_way"

    assert refusal(lambda: cancel(failed)).code == "already_finished"


def test_lets_the_next_one_run(location):
    first, second = push_parts(location, bundles={"src": TWO}), push_parts(location, bundles={"dags": TWO})
    begun(first)
    assert carry_out(second).status == DeployStatus.QUEUED

    cancel(first)

    assert carry_out(second).status == DeployStatus.SUCCEEDED
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_and_is_a_rollback_leaves_everything_as_it_was(location):
    deploy(location, TWO)
    asked = ask_rollback(location)
    begun(asked)

    cancel(asked)
    settle(location)

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert not location.holds.exists()
    assert roll_back(location).status == DeployStatus.SUCCEEDED


def test_is_tried_again_as_a_new_act_that_names_it(location):
    canceled = cancel(push(location, TWO, description="Add orders", git={"commit": "abc"}, metadata={"run": 7}))

    again = carry_out(retry(canceled))

    assert (again.number, again.status, again.retry_of) == (3, DeployStatus.SUCCEEDED, canceled)
    assert (again.description, again.git, again.metadata) == ("Add orders", {"commit": "abc"}, {"run": 7})
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert Deploy.objects.get(pk=canceled.pk).status == DeployStatus.CANCELED


def test_and_is_a_rollback_is_tried_again_as_a_rollback(location):
    deploy(location, TWO)
    canceled = cancel(ask_rollback(location, 1, description="Orders are doubled."))

    again = carry_out(retry(canceled))

    assert (again.status, again.retry_of, again.restores.number) == (DeployStatus.SUCCEEDED, canceled, 1)
    assert again.description == "Orders are doubled."


def test_is_not_tried_again_when_something_newer_went_live(location):
    canceled = cancel(push(location, TWO))
    deploy(location, THREE)

    refused = refusal(lambda: retry(canceled))

    assert refused.code == "outdated"
    assert "#3 went live since" in refused.detail


def test_is_not_tried_again_before_it_ended(location):
    waiting = push(location, TWO)

    assert refusal(lambda: retry(waiting)).code == "not_finished"
    begun(waiting)
    assert refusal(lambda: retry(waiting)).code == "not_finished"
