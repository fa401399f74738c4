"""The order of history …"""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import execution, operations
from deployments.last_known_good import last_known_good
from deployments.models import Deploy
from deployments.states import DeployStatus
from tests.factories import carry_out, deploy, fresh, make_location, push, superuser
from tests.operations.asking import ONE, THREE, TWO, cancel, push_parts

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def deploy_at(location, files, now) -> Deploy:
    """Push and carry out while the clock says so."""
    made = push_parts(location, bundles={"dags": files}, now=now)
    execution.carry_out(made.pk, clock=lambda: now)
    return Deploy.objects.get(pk=made.pk)


def test_is_the_servers_when_the_clock_is_set_back():
    location, now = make_location(), timezone.now()

    for days, files in enumerate((ONE, TWO, THREE)):
        deploy_at(location, files, now - timedelta(days=days))

    rows = location.deploys.order_by("number")
    assert list(rows.values_list("number", "live_seq", "previous__number")) == [(1, 1, None), (2, 2, 1), (3, 3, 2)]
    assert fresh(location).live_deploy.number == 3
    assert last_known_good(fresh(location)).number == 2
    assert rows[2].created_at < rows[0].created_at


def test_of_a_rollback_is_the_servers_when_the_clock_is_set_back():
    location, now = make_location(), timezone.now()
    deploy_at(location, ONE, now)
    deploy_at(location, TWO, now)
    earlier = now - timedelta(days=400)

    asked = operations.request_rollback(
        location=location, to="last-good", description="Bad.", actor=superuser(), now=earlier
    )
    execution.carry_out(asked.pk, clock=lambda: earlier)

    assert fresh(location).live_deploy == asked
    assert Deploy.objects.get(pk=asked.pk).live_seq == 3


def test_of_events_has_no_holes_and_never_goes_back():
    location = make_location()
    ended = deploy(location, ONE)

    seqs = list(ended.events.order_by("pk").values_list("seq", flat=True))

    assert seqs == list(range(1, len(seqs) + 1))
    assert ended.last_event == len(seqs)


def test_of_going_live_leaves_out_what_did_not():
    location = make_location()
    deploy(location, ONE)
    cancel(push(location, TWO))
    deploy(location, THREE)

    assert [each.number for each in location.deploys.went_live()] == [3, 1]
    assert Deploy.objects.get(number=3).previous.number == 1


def test_of_numbers_has_no_hole_where_a_push_was_refused():
    location = make_location()
    with pytest.raises(Exception, match="Nothing to deploy"):
        push_parts(location)

    assert push(location, ONE).number == 1


def test_of_waiting_pushes_is_kept_whoever_comes_first():
    location = make_location()
    first, second = (push_parts(location, bundles={mount: ONE}) for mount in ("a", "b"))

    assert carry_out(second).status == DeployStatus.QUEUED
    assert carry_out(first).status == DeployStatus.SUCCEEDED
    assert carry_out(second).status == DeployStatus.SUCCEEDED


def test_of_what_is_due_is_one_push_and_one_rollback_a_location():
    location = make_location()
    first, _ = (push_parts(location, bundles={mount: ONE}) for mount in ("a", "b"))

    assert list(execution.due_deploys(rollbacks=False)) == [first]
    assert not execution.due_deploys(rollbacks=True)
