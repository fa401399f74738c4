"""A rollback …"""

import pytest
from django.utils import timezone

from deployments import operations
from deployments.access import Role
from deployments.execution.claiming import claim
from deployments.models import Blame, Deploy, Release
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import NotAllowed
from tests.factories import (
    ask_rollback,
    carry_out,
    deploy,
    fresh,
    make_deployment,
    make_location,
    make_member,
    make_organization,
    push,
    roll_back,
)
from tests.operations.asking import ONE, THREE, TWO, cancel, current, in_place, lines, push_parts, refusal
from tests.store.bytes import objects

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location with two versions, the second live."""
    location = make_location()
    deploy(location, ONE, description="First")
    deploy(location, TWO, description="Second")
    return location


def test_is_a_new_act_that_restores_the_old_bytes(location):
    rollback = roll_back(location, 1, description="Orders are doubled.")

    assert (rollback.number, rollback.kind, rollback.status) == (3, DeployKind.ROLLBACK, DeployStatus.SUCCEEDED)
    assert (rollback.description, rollback.restores.number, rollback.previous.number) == ("Orders are doubled.", 1, 2)
    assert rollback.release == Deploy.objects.get(number=1).release
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    now = fresh(location)
    assert now.wanted_deploy == now.placed_deploy == now.live_deploy == rollback
    assert list(location.deploys.order_by("number").values_list("status", flat=True)) == ["SUCCEEDED"] * 3
    assert Deploy.objects.get(number=1).description == "First"


def test_keeps_where_each_part_came_from():
    location = make_location()
    carry_out(push_parts(location, bundles={"dags": ONE}))
    carry_out(push_parts(location, bundles={"src": TWO}))
    carry_out(push_parts(location, bundles={"src": THREE}))

    rollback = roll_back(location, 2)

    assert rollback.origins == {"bundle:dags": 1, "bundle:src": 2}
    assert in_place(location) == {"dags/a.py": ONE["a.py"], "src/a.py": TWO["a.py"]}


@pytest.mark.parametrize("description", ["", " \n"])
def test_needs_a_description(location, description: str):
    refused = refusal(lambda: ask_rollback(location, description=description))

    assert (refused.code, refused.status) == ("description_missing", 400)
    assert location.deploys.count() == 2


def test_needs_the_right_to_roll_back(location):
    deployer = make_member(Role.DEPLOYER, location.deployment)

    with pytest.raises(NotAllowed):
        ask_rollback(location, actor=deployer)

    assert not Blame.objects.exists()


@pytest.mark.parametrize("number", [0, 3, 99, 2**62])
def test_to_an_unknown_number_is_refused(location, number: int):
    refused = refusal(lambda: ask_rollback(location, number))

    assert (refused.code, refused.status) == ("unknown_deploy", 404)


def test_to_another_locations_deploy_is_refused_as_unknown(location):
    globex = make_location(make_deployment(make_organization("globex")))
    for _ in range(5):
        deploy(globex, ONE)

    assert refusal(lambda: ask_rollback(location, 5)).code == "unknown_deploy"


def test_to_what_was_never_placed_is_refused(location):
    waiting = push(location, THREE)
    canceled = cancel(push_parts(location, bundles={"src": THREE}))

    for deploy_ in (waiting, canceled):
        refused = refusal(lambda number=deploy_.number: ask_rollback(location, number))
        assert (refused.code, refused.status) == ("never_placed", 409)
        assert f"#{deploy_.number}" in refused.detail
    assert location.deploys.rollbacks().count() == 0


def test_to_what_failed_before_it_was_placed_is_refused(location):
    bad = push(location, THREE)
    for stored in objects():
        stored.unlink()
    assert carry_out(bad).status == DeployStatus.FAILED

    assert refusal(lambda: ask_rollback(location, bad.number)).code == "never_placed"


def test_to_what_runs_now_is_refused(location):
    running = push(location, THREE)
    claim(running.pk, now=timezone.now())

    assert refusal(lambda: ask_rollback(location, running.number)).code == "busy"


def test_to_what_was_purged_is_refused(location):
    Release.objects.filter(deploys__number=1).update(
        purged_at=timezone.now(), purged_because="retention of 90 days ended."
    )

    refused = refusal(lambda: ask_rollback(location, 1))

    assert (refused.code, refused.status) == ("artifact_gone", 409)
    assert "retention of 90 days ended." in refused.detail
    assert not Blame.objects.exists()


def test_to_what_was_purged_while_it_waited_fails_and_changes_nothing(location):
    asked = ask_rollback(location, 1)
    Release.objects.filter(deploys__number=1).update(purged_at=timezone.now())

    ended = carry_out(asked)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "artifact_gone")
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_beside_another_that_is_not_in_place_yet_is_refused(location):
    first = ask_rollback(location, 1)

    assert refusal(lambda: ask_rollback(location, 1)).code == "busy"
    claim(first.pk, now=timezone.now())
    refused = refusal(lambda: ask_rollback(location, 2))

    assert (refused.code, refused.status) == ("busy", 409)
    assert f"#{first.number}" in refused.detail
    assert location.deploys.rollbacks().count() == 1


def test_overtakes_a_push_that_is_not_in_place_yet(location):
    running = push(location, THREE)
    claimed = claim(running.pk, now=timezone.now())

    rollback = roll_back(location, 1)

    running.refresh_from_db()
    assert (running.status, running.superseded_by) == (DeployStatus.SUPERSEDED, rollback)
    assert "overtook this deploy" in lines(running)
    assert rollback.fence > claimed.fence
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_does_not_wait_behind_pushes_that_wait(location):
    waiting = push(location, THREE)

    rollback = roll_back(location, 1)

    assert rollback.status == DeployStatus.SUCCEEDED
    assert Deploy.objects.get(pk=waiting.pk).status == DeployStatus.HELD


def test_stands_before_a_push_that_waits(location):
    waiting = push(location, THREE)
    asked = ask_rollback(location, 1)

    assert carry_out(waiting).status == DeployStatus.QUEUED
    assert carry_out(asked).status == DeployStatus.SUCCEEDED


def test_to_what_is_live_mends_what_hands_changed(location):
    live = current(location).resolve()
    (live / "dags/a.py").chmod(0o644)
    (live / "dags/a.py").write_text("edited = True\n")
    (live / "dags/new.py").touch()

    rollback = roll_back(location, 2, description="Put it in place again.")

    assert rollback.status == DeployStatus.SUCCEEDED
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert current(location).resolve() != live
    assert not Blame.objects.exists()


def test_to_last_good_is_one_to_its_number(location):
    rollback = roll_back(location)

    assert rollback.restores.number == 1


def test_can_be_rolled_back_to(location):
    roll_back(location, 1)
    deploy_of = roll_back(location, 2)

    again = roll_back(location, 3)

    assert again.restores.kind == DeployKind.ROLLBACK
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    assert deploy_of.status == DeployStatus.SUCCEEDED


def test_that_is_asked_for_by_somebody_without_an_account_later_still_says_who(location):
    editor = make_member(Role.EDITOR, location.deployment, name="mona")
    rollback = roll_back(location, 1, actor=editor)
    editor.delete()

    rollback.refresh_from_db()

    assert (rollback.actor, rollback.actor_name) == (None, "mona")


def test_ignores_a_retry_of_what_succeeded(location):
    with pytest.raises(operations.deploying.DeployRefused) as refused:
        operations.retry(
            deploy=Deploy.objects.get(number=1), actor=make_member(Role.EDITOR, location.deployment), now=timezone.now()
        )

    assert refused.value.code == "already_succeeded"
