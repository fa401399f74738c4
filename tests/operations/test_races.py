"""Of acts at the same moment …"""

import pytest
from django.utils import timezone

from deployments.execution.claiming import claim
from deployments.models import Blame, Deploy
from deployments.states import DeployStatus
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_location, push, superuser, upload
from tests.operations.asking import FOUR, ONE, THREE, TWO, cancel, in_place, push_parts, retry
from tests.operations.racing import at_once, told_apart

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location with three versions, the third live."""
    location = make_location()
    for files in (ONE, TWO, THREE):
        deploy(location, files)
    return location


def consistent(location) -> bool:
    """Say whether, with nothing in flight, wanted, placed, live and the target agree."""
    now = fresh(location)
    number = int(str((now.placed_deploy and now.placed_deploy.number) or 0))
    return now.wanted_deploy == now.placed_deploy and not location.deploys.running().exists() and number > 0


def test_two_rollbacks_have_one_winner_and_the_other_has_no_effect(location):
    results = at_once(lambda: ask_rollback(location, 1), lambda: ask_rollback(location, 2))

    done, codes = told_apart(results)
    assert (len(done), codes) == (1, ["busy"])
    assert list(location.deploys.rollbacks()) == done
    assert fresh(location).next_number == 5
    assert Blame.objects.get().blamed_by == done[0]
    ended = carry_out(done[0])
    assert ended.status == DeployStatus.SUCCEEDED
    assert consistent(location)


def test_a_push_and_a_rollback_both_stand_and_the_rollback_comes_first(location):
    upload(location.deployment.organization, FOUR)

    results = at_once(lambda: push(location, FOUR), lambda: ask_rollback(location, 1))

    (pushed, rollback), codes = told_apart(results)
    assert codes == []
    assert {pushed.number, rollback.number} == {4, 5}
    at_once(lambda: carry_out(pushed), lambda: carry_out(rollback))
    assert Deploy.objects.get(pk=rollback.pk).status == DeployStatus.SUCCEEDED
    # It waited behind, or ran before: either way it ended, or waits behind the hold.
    assert Deploy.objects.get(pk=pushed.pk).status in {DeployStatus.HELD, DeployStatus.QUEUED, DeployStatus.SUPERSEDED}
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


@pytest.mark.parametrize("rollback", [False, True])
def test_five_claims_of_one_deploy_exactly_one_succeeds(location, rollback: bool):
    row = ask_rollback(location, 1) if rollback else push(location, FOUR)
    fence = fresh(location).fence

    done, codes = told_apart(at_once(*[lambda: claim(row.pk, now=timezone.now())] * 5))

    assert codes == []
    assert len([held for held in done if held]) == 1
    assert fresh(location).fence == fence + 1
    assert Deploy.objects.get(pk=row.pk).claims == 1


def test_five_workers_with_one_deploy_exactly_one_puts_it_in_place(location):
    row = push(location, FOUR)

    told_apart(at_once(*[lambda: carry_out(row)] * 5))

    ended = Deploy.objects.get(pk=row.pk)
    assert (ended.status, ended.live_seq) == (DeployStatus.SUCCEEDED, 4)
    assert ended.events.filter(step="CLAIM").count() == 1
    assert in_place(location) == {"dags/a.py": FOUR["a.py"]}
    assert consistent(location)


def test_claims_of_two_deploys_of_one_location_exactly_one_succeeds(location):
    rows = [push_parts(location, bundles={mount: FOUR}) for mount in ("src", "dbt")]

    done, _ = told_apart(at_once(*[lambda row=row: claim(row.pk, now=timezone.now()) for row in rows]))

    assert [held.deploy_id for held in done if held] == [rows[0].pk]


def test_a_cancel_and_a_worker_one_wins_and_the_target_tells_which(location):
    row = push(location, FOUR)

    results = at_once(lambda: carry_out(row), lambda: cancel(row))

    _, codes = told_apart(results)
    ended = Deploy.objects.get(pk=row.pk)
    if ended.status == DeployStatus.CANCELED:
        assert codes == []
        from tests.operations.asking import settle

        settle(location)
        assert in_place(location) == {"dags/a.py": THREE["a.py"]}
    else:
        assert ended.status == DeployStatus.SUCCEEDED
        assert codes[0] in {"already_placed", "already_finished"}
        assert in_place(location) == {"dags/a.py": FOUR["a.py"]}
    assert consistent(location)


def test_five_pushes_each_has_a_number_of_its_own(location):
    superuser()
    for name in "abcde":
        upload(location.deployment.organization, {name: name.encode()})

    results = at_once(*[lambda name=name: push(location, {name: name.encode()}, mount=f"m{name}") for name in "abcde"])

    done, codes = told_apart(results)
    assert codes == []
    assert sorted(each.number for each in done) == [4, 5, 6, 7, 8]


def test_two_retries_of_a_rollback_one_is_refused(location):
    canceled = cancel(ask_rollback(location, 1))

    done, codes = told_apart(at_once(lambda: retry(canceled), lambda: retry(canceled)))

    assert (len(done), codes) == (1, ["busy"])
