"""Code that a rollback left …"""

import pytest

from deployments.models import Blame
from deployments.states import DeployStatus
from portal.common.problems import Refusal
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_deployment, make_location, push, roll_back
from tests.operations.asking import ONE, THREE, TWO, cancel, in_place, lines, push_parts, refusal, resume

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location whose second version was rolled back."""
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    roll_back(location)
    return location


def test_is_refused_whatever_it_is_called(location):
    refused = refusal(lambda: push(location, TWO, description="Nothing to do with it", source_position=99))

    assert (refused.code, refused.status) == ("blocked", 409)
    assert "rollback #3" in refused.detail
    assert location.deploys.count() == 3


def test_is_refused_also_after_the_hold_ended(location):
    resume(location)

    assert refusal(lambda: push(location, TWO)).code == "blocked"


def test_is_refused_also_in_two_steps(location):
    """The second part, laid over what is live then, would make the blamed whole again."""
    resume(location)
    carry_out(push_parts(location, bundles={"extra": ONE}))
    first = push_parts(location, bundles={"dags": TWO})
    second = push_parts(location, bundles={"extra": None})
    carry_out(first)

    ended = carry_out(second)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "blocked")
    assert "rollback #3" in lines(ended)
    assert set(in_place(location)) == {"dags/a.py", "extra/a.py"}


def test_is_taken_with_a_change(location):
    assert push(location, TWO | {"fix.py": b""}).status == DeployStatus.HELD


def test_is_taken_elsewhere(location):
    staging = make_location(make_deployment(location.deployment.organization, "staging"))

    assert deploy(staging, TWO).status == DeployStatus.SUCCEEDED


def test_is_never_the_last_good(location):
    assert refusal(lambda: ask_rollback(location)).code == "no_last_good"


def test_is_free_again_once_it_was_rolled_back_to_on_purpose(location):
    back = roll_back(location, 2, description="It was not to blame.")

    assert back.status == DeployStatus.SUCCEEDED
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    lifted = Blame.objects.get(blamed_by__number=3)
    assert (lifted.lifted_by_name, lifted.lifted_at is not None) == ("root", True)
    resume(location)
    assert push(location, TWO).status == DeployStatus.QUEUED


def test_changes_places_with_the_code_it_is_rolled_back_to(location):
    roll_back(location, 2)
    resume(location)

    assert refusal(lambda: push(location, ONE)).code == "blocked"


def test_is_free_again_once_the_rollback_is_canceled():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    asked = ask_rollback(location)
    with pytest.raises(Refusal, match="stays out"):
        push(location, TWO)

    cancel(asked)

    assert Blame.objects.get().lifted_by_name == "root"
    assert push(location, TWO).status == DeployStatus.QUEUED


def test_stays_blocked_when_the_rollback_is_tried_again(location):
    roll_back(location, 1, description="Once more.")

    assert refusal(lambda: push(location, TWO)).code == "blocked"
    assert Blame.objects.filter(lifted_at=None).count() == 1


def test_that_waited_in_the_queue_when_it_was_blamed_fails_before_it_is_put_in_place():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    again = push(location, TWO)
    roll_back(location)

    resumed = resume(location)

    assert resumed == again
    ended = carry_out(again)
    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "blocked")
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    assert fresh(location).wanted_deploy == fresh(location).placed_deploy


def test_is_what_is_in_place_also_when_that_never_went_live(location):
    """Not what is live: what the target holds is what people want to leave."""
    resume(location)
    deploy(location, THREE)

    rollback = roll_back(location, 1)

    assert rollback.blames.get().code_digest == location.deploys.get(number=4).release.code_digest
