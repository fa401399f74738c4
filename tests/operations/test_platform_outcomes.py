"""A deploy with a platform behind it …"""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import drivers, execution
from deployments.execution.pipeline import MOST_ATTEMPTS
from deployments.last_known_good import last_known_good
from deployments.models import Deploy, Load, PlatformWatch
from deployments.platforms.base import PlatformRefused
from deployments.states import DeployStatus
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_deployment, make_location, push, roll_back
from tests.operations.asking import ONE, THREE, TWO, in_place, lines, look_again, refusal
from tests.operations.scripted_platform import DIGEST, FAILED, HEALING, ScriptedPlatform, Served

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LATER = timedelta(seconds=30)


@pytest.fixture
def platform(monkeypatch) -> ScriptedPlatform:
    """Answer the Dagster that every deployment here is connected to."""
    scripted = ScriptedPlatform()
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    return scripted


@pytest.fixture
def location():
    """Answer a location of a deployment with a Dagster."""
    return make_location(make_deployment(platform="dagster", platform_url="http://127.0.0.1:3000"))


@pytest.fixture
def live(location, platform) -> Deploy:
    """Answer the first version, live and verified, serving definitions 1."""
    platform.reloads = [Served("server-1", 1)]
    platform.serves = Served("server-0", 0)
    return deploy(location, ONE)


def test_is_verified_when_the_definitions_change_with_its_reload(location, platform, live):
    platform.reloads = [Served("server-2", 2)]

    ended = deploy(location, TWO)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert ended.activated_at
    assert ended.reloaded_at
    assert ended.verified_at
    assert "definitions changed" in ended.verification
    assert ended.release.definitions_digest == DIGEST(2)
    load = Load.objects.get(deploy=ended)
    assert (load.ok, load.definitions_digest, load.asset_count) == (True, DIGEST(2), 3)


def test_is_verified_when_what_is_served_is_known_for_its_release(location, platform, live):
    platform.reloads = [Served("server-2", 2), Served("server-3", 1)]
    deploy(location, TWO)

    back = roll_back(location)

    assert (back.status, back.verified) == (DeployStatus.SUCCEEDED, True)
    assert "known for this release" in back.verification


def test_succeeds_unverified_when_definitions_cannot_tell(location, platform, live):
    platform.reloads = [Served("server-2", 1)]

    ended = deploy(location, TWO)

    assert (ended.status, ended.verified, ended.verified_at) == (DeployStatus.SUCCEEDED, None, None)
    assert "cannot show which release it runs" in ended.verification
    assert ended.release.definitions_digest == ""
    assert fresh(location).live_deploy == ended


def test_that_nobody_could_verify_is_not_the_last_good(location, platform, live):
    platform.reloads = [Served("server-2", 1), Served("server-3", 3)]
    deploy(location, TWO)
    deploy(location, THREE)

    assert last_known_good(fresh(location)) == live


def test_fails_when_the_platform_reloads_nothing(location, platform, live):
    parked = deploy(location, TWO)
    assert parked.status == DeployStatus.RUNNING
    assert (parked.next_check_at is not None, parked.lease_owner) == (True, "")

    ended = look_again(parked, later=LATER)

    assert (ended.status, ended.error["code"], ended.verified) == (DeployStatus.FAILED, "not_reloaded", False)
    assert "dagster code-server start" in ended.error["detail"]
    assert ended.error["step"] == "VERIFY"
    assert platform.asked.count("reload") == 2  # of the first deploy, and of this one


def test_fails_when_the_platform_loads_the_old_code_again(location, platform, live):
    platform.reloads = [Served("server-2", 2), Served("server-3", 2)]
    deploy(location, TWO)

    ended = roll_back(location)

    assert (ended.status, ended.error["code"], ended.verified) == (DeployStatus.FAILED, "old_code_loaded", False)
    assert "absolute paths through “current”" in ended.error["detail"]


def test_that_fails_to_load_says_why_and_is_in_place_but_not_live(location, platform, live):
    platform.reloads = [FAILED]

    ended = deploy(location, TWO)

    assert (ended.status, ended.error["code"], ended.verified) == (DeployStatus.FAILED, "load_failed", False)
    assert "No module named 'orders'" in ended.error["detail"]
    assert [each["class_name"] for each in ended.error["chain"]] == ["DagsterUserCodeLoadError", "ModuleNotFoundError"]
    now = fresh(location)
    assert (now.placed_deploy, now.wanted_deploy, now.live_deploy) == (ended, ended, live)
    assert in_place(location) == {"dags/a.py": TWO["a.py"]}
    load = Load.objects.get(deploy=ended)
    assert (load.ok, load.asset_count, load.definitions_digest) == (False, None, "")
    assert load.error["message"] == "Error loading shop"


def test_that_fails_to_load_is_left_by_a_rollback_to_the_one_that_is_live(location, platform, live):
    platform.reloads = [FAILED, Served("server-3", 1)]
    failed = deploy(location, TWO)
    assert last_known_good(fresh(location)) == live

    back = roll_back(location)

    assert (back.status, back.restores, back.verified) == (DeployStatus.SUCCEEDED, live, True)
    assert in_place(location) == {"dags/a.py": ONE["a.py"]}
    assert back.blames.get().code_digest == failed.release.code_digest
    assert refusal(lambda: push(location, TWO)).code == "blocked"


def test_comes_where_nothing_was_served_before(location, platform):
    platform.serves, platform.reloads = FAILED, [Served("server-1", 1)]

    ended = deploy(location, ONE)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert "where it had none before" in ended.verification


def test_waits_for_a_platform_that_does_not_answer_and_goes_on(location, platform, live):
    platform.silent, platform.reloads = {"reload": 2}, [Served("server-2", 2)]

    parked = deploy(location, TWO)
    assert (parked.status, parked.attempts, parked.lease_owner) == (DeployStatus.RUNNING, 1, "")
    assert "Trying again in 2 s (1 of 4)" in lines(parked)
    assert look_again(parked).attempts == 2
    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)


def test_is_not_looked_at_before_its_time(location, platform, live):
    platform.silent = {"reload": 99}
    parked = deploy(location, TWO)
    asked = len(platform.asked)

    again = carry_out(parked)

    assert (again.attempts, len(platform.asked)) == (1, asked)
    assert not execution.due_deploys(rollbacks=False)


@pytest.mark.parametrize("method", ["status", "report", "reload"])
def test_gives_a_silent_platform_up_after_some_attempts(location, platform, live, method: str):
    platform.silent, platform.serves = {method: 99}, Served("server-1", 5)
    ended = deploy(location, TWO)

    for _ in range(MOST_ATTEMPTS - 1):
        assert ended.status == DeployStatus.RUNNING
        ended = look_again(ended)

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "platform_unreachable")
    assert "http://127.0.0.1:3000" in ended.error["detail"]
    assert fresh(location).placed_deploy == ended
    assert fresh(location).live_deploy == live


def test_waits_for_a_reload_that_goes_on(location, platform, live):
    platform.reloads = [Served("server-1", 1, loading=True)]
    parked = deploy(location, TWO)
    assert "is still loading" in lines(parked)
    assert look_again(parked, later=LATER).status == DeployStatus.RUNNING
    platform.serves = Served("server-2", 2)

    ended = look_again(parked, later=LATER)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert platform.asked.count("reload") == 2


def test_gives_a_reload_up_that_never_ends(location, platform, live):
    platform.reloads = [Served("server-1", 1, loading=True)]
    parked = deploy(location, TWO)

    ended = look_again(parked, later=timedelta(minutes=4))

    assert (ended.status, ended.error["code"]) == (DeployStatus.ERRORED, "reload_timeout")


def test_looks_once_more_at_an_error_that_heals_by_itself(location, platform, live):
    platform.reloads = [HEALING, Served("server-2", 2)]
    parked = deploy(location, TWO)
    assert parked.status == DeployStatus.RUNNING
    assert "often heals by itself" in lines(parked)

    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert Load.objects.filter(deploy=ended).count() == 1


def test_looks_only_once_more_at_an_error_that_heals_by_itself(location, platform, live):
    platform.reloads = [HEALING, HEALING]

    ended = look_again(deploy(location, TWO))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "load_failed")


def test_fails_where_the_platform_does_not_know_its_location(location, platform):
    platform.serves, platform.reloads = None, [None]

    ended = deploy(location, ONE)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "location_unknown")
    assert "workspace.yaml" in ended.error["detail"]


def test_compares_with_what_was_served_before_the_first_reload_also_after_a_silence(location, platform, live):
    """A reload that was done and not answered: the next look must not take its result for what was there before."""
    platform.reloads = [Served("server-2", 2)]
    platform.silent = {"reload": 1}
    parked = deploy(location, TWO)
    platform.serves = Served("server-2", 2)

    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)


def test_fails_when_the_platform_may_not_be_called(location, platform, monkeypatch):
    def refuse(location):
        raise PlatformRefused("host_not_allowed", "The portal may not call metadata.internal.")

    monkeypatch.setattr(drivers, "platform_for", refuse)

    assert deploy(location, ONE).error["code"] == "host_not_allowed"


def test_that_waits_for_its_platform_is_overtaken_by_a_rollback(location, platform, live):
    platform.reloads = [Served("server-2", 2)]
    deploy(location, TWO)
    platform.silent = {"reload": 1}
    parked = deploy(location, THREE)
    platform.serves = replace(platform.serves, server_id="server-3")
    platform.reloads = [Served("server-4", 1)]

    back = carry_out(ask_rollback(location, 1))

    parked.refresh_from_db()
    assert (parked.status, parked.superseded_by) == (DeployStatus.SUPERSEDED, back)
    assert back.status == DeployStatus.SUCCEEDED
    assert look_again(parked).status == DeployStatus.SUPERSEDED
    assert fresh(location).live_deploy == back


@pytest.mark.parametrize(
    ("served", "failures", "is_looked_at"),
    [
        (Served("server-2", 2), 4, True),
        (FAILED, 4, True),
        (Served("server-2", 1), 4, False),
        (Served("server-2", 2), 0, False),
    ],
)
def test_that_its_platform_answered_has_the_observer_look_now_if_it_had_found_it_silent(
    location, platform, live, served, failures: int, is_looked_at: bool
):
    """The operator's command restarted it, perhaps: it was away for a while, and the observer waits ever longer."""
    later = timezone.now() + timedelta(minutes=5)
    PlatformWatch.objects.create(deployment=location.deployment, due_at=later, failures=failures)
    platform.reloads = [served]

    deploy(location, TWO)

    assert (PlatformWatch.objects.get().due_at < later) is is_looked_at
