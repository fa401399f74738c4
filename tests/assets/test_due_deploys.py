"""The schedule looks for …"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets import recording
from deployments.models import CodeLocation, Deploy
from deployments.states import DeployStatus
from portal.tasks import record_due_assets
from tests.assets.sets import asset, changes_of, define, form, go_live, load, push_that_says, record, record_known_of
from tests.factories import carry_out, make_deployment, make_location, push, roll_back
from tests.operations.asking import ONE, TWO, hold, push_parts, resume, retry

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location() -> CodeLocation:
    """Answer a location with a deploy that is recorded."""
    location = make_location()
    record(go_live(location), define(asset("a")))
    return location


def end(deploy: Deploy) -> Deploy:
    """Have it fail."""
    Deploy.objects.filter(pk=deploy.pk).update(status=DeployStatus.FAILED, finished_at=timezone.now())
    return Deploy.objects.get(pk=deploy.pk)


def test_nothing_when_all_is_recorded(location):
    assert recording.due_deploys() == []


def test_nothing_in_what_has_not_ended(location):
    load(push(location), form("a"))
    push_that_says(location, TWO, asset("a"), mount="data")

    assert recording.due_deploys() == []


def test_nothing_in_what_nobody_said_anything_of(location):
    go_live(location)
    end(push_that_says(location, TWO, asset("a")))

    assert recording.due_deploys() == []


def test_what_a_platform_served(location):
    live, failed = go_live(location), end(push(location))
    load(live, form("a"))
    load(failed, form("a"))

    assert recording.due_deploys() == [live.pk, failed.pk]


def test_what_ci_sent_with_what_is_live(location):
    live = carry_out(push_that_says(location, TWO, asset("b")))

    assert recording.due_deploys() == [live.pk]


def test_rollbacks_whose_code_is_known(location):
    go_live(location)
    back = roll_back(location, 1)

    assert recording.due_deploys() == [back.pk]


@pytest.mark.parametrize("first", [False, True])
def test_what_was_sent_with_the_first_try(first: bool):
    location = make_location()
    if not first:
        record(go_live(location), define(asset("a")))
    live = carry_out(retry(end(push_that_says(location, TWO, asset("b")))))

    assert recording.due_deploys() == [live.pk]


def test_what_was_sent_with_what_is_carried(location):
    hold(location)
    push_that_says(location, TWO, asset("b"))
    push_parts(location, bundles={"data": ONE})
    resumed = resume(location)
    assert resumed is not None
    live = carry_out(resumed)

    assert recording.due_deploys() == [live.pk]


def test_and_finds_no_more_once_that_is_done(location):
    live = go_live(location)
    load(live, form("a"))
    carry_out(push_that_says(location, TWO, asset("b")))
    roll_back(location, 1)

    record_due_assets()

    assert recording.due_deploys() == []
    assert changes_of(live) == {}


def test_and_goes_on_after_one_that_cannot_be_read(location):
    broken, sound = go_live(location), go_live(location)
    load(broken, form("a"))
    broken.loads.update(raw=b"no JSON at all")
    load(sound, form("a", code_version="2"))

    record_due_assets()

    assert changes_of(sound) == {"a": "CHANGED CODE_VERSION"}
    assert recording.due_deploys() == [broken.pk]


def test_with_the_same_number_of_queries_however_much_there_is(location):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            recording.due_deploys()
        return len(captured)

    few = queries()
    for name in ("staging", "testing", "qa"):
        other = make_location(make_deployment(location.deployment.organization, name))
        live = go_live(other)
        load(live, form("a"))
        record_known_of(live)
        load(go_live(other), form("b"))

    assert len(recording.due_deploys()) == 3
    assert queries() == few <= 5
