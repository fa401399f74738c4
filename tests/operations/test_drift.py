"""A target that somebody changed by hand …"""

import os

import pytest
from django.utils import timezone

from deployments import drivers, execution, tasks
from deployments.execution.claiming import claim
from deployments.execution.settling import check_target
from tests.factories import deploy, fresh, make_deployment, make_location, push
from tests.operations.asking import ONE, THREE, TWO, current, in_place, lines, settle
from tests.operations.scripted_platform import ScriptedPlatform

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location with two versions, the second live."""
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    return location


def repoint(location, where: str) -> None:
    """Do what hands do."""
    current(location).unlink()
    os.symlink(where, current(location))


def check(location) -> None:
    """Look, as the schedule does each minute."""
    check_target(location.pk, clock=timezone.now)


def first_release(location) -> str:
    """Answer where the first version lies, as `current` would name it."""
    [name] = [path.name for path in (current(location).parent / "releases").iterdir() if path.name.startswith("1-")]
    return f"releases/{name}"


@pytest.mark.parametrize("put_back", [check, settle])
def test_to_an_older_release_is_put_back_and_an_event_says_so(location, put_back):
    repoint(location, first_release(location))
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}

    put_back(location)

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert "The target held #1 instead of #2: put back." in lines(fresh(location).placed_deploy)
    assert fresh(location).placed_deploy.events.get(step="REPAIR").level == "WARNING"
    assert fresh(location).drift == ""


@pytest.mark.parametrize("where", ["/etc", "releases/9-000000000000", "../../elsewhere"])
def test_to_something_that_is_not_ours_is_put_back(location, where: str):
    repoint(location, where)

    check(location)

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert f"points at {where}" in lines(fresh(location).placed_deploy)


def test_so_that_nothing_is_there_is_put_back(location):
    current(location).unlink()

    check(location)

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    assert "The target held nothing instead of #2" in lines(fresh(location).placed_deploy)


def test_to_a_real_directory_is_left_and_shown_as_drift(location):
    current(location).unlink()
    current(location).mkdir()
    (current(location) / "mine.py").touch()

    check(location)

    assert (current(location) / "mine.py").exists()
    assert "is not replaced" in fresh(location).drift
    current(location).rename(current(location).with_name("current.before"))
    check(location)
    assert fresh(location).drift == ""
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_is_found_by_the_schedule(location):
    repoint(location, first_release(location))

    tasks.check_targets()

    assert in_place(location) == {"dags/a.py": TWO["a.py"]}


def test_is_left_alone_while_a_deploy_runs(location):
    claim(push(location, THREE).pk, now=timezone.now())
    repoint(location, first_release(location))

    check(location)
    settle(location)

    assert in_place(location) == {"dags/a.py": ONE["a.py"]}


def test_loads_again_what_was_put_back(monkeypatch):
    location = make_location(make_deployment())
    deploy(location, ONE)
    deploy(location, TWO)
    platform = ScriptedPlatform()
    monkeypatch.setattr(drivers, "platform_for", lambda location: platform)
    repoint(location, first_release(location))

    check(location)

    assert platform.asked == ["reload"]


def test_is_said_to_be_not_loaded_when_the_platform_is_away(monkeypatch):
    location = make_location(make_deployment())
    deploy(location, ONE)
    deploy(location, TWO)
    monkeypatch.setattr(drivers, "platform_for", lambda location: ScriptedPlatform(silent={"reload": 1}))
    repoint(location, first_release(location))

    check(location)

    assert "Not reloaded after that" in lines(fresh(location).placed_deploy)


def test_is_a_rare_thing_and_looking_costs_no_fence(location):
    before = fresh(location).fence

    check(location)

    now = fresh(location)
    assert (now.fence, now.drift) == (before, "")
    assert now.checked_at
    assert list(execution.due_targets()) == [location]
