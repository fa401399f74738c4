"""A rollback that something stands in the way of …"""

from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from deployments import composition
from deployments.models import CodeLocation, Deploy, PlatformWatch
from tests.api.asking import Api, answered, refused
from tests.factories import ask_rollback, carry_out, deploy, fresh, make_location, superuser
from tests.operations.asking import ONE, TWO, lines, refusal
from tests.plans.acting import deploy_all, plan_of, push_all, report, restored
from tests.settings.commands import command

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(db: None, tmp_path: Path) -> CodeLocation:
    """Answer acme/production/shop, whose operator's command applies runtimes."""
    made = make_location()
    command(made, tmp_path, ":")
    return made


def ask(api: Api, to: int = 1, **said):
    """Ask for a rollback."""
    return api.post("rollbacks/", {"to": to, "description": "Bad."} | said)


def test_a10_a_runtime_downgrade_has_to_be_acknowledged_by_its_name(location, editor):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-3")

    plan = answered(editor.post("rollback-plans/", {"to": 1}), 200)
    without = refused(ask(editor), 409, "acknowledgement_missing")
    wrong = refused(ask(editor, acknowledge=["engine_downgrade", "x"]), 409, "acknowledgement_missing")
    made = answered(ask(editor, acknowledge=plan["acknowledge"]), 202)

    assert [each["code"] for each in without["errors"]] == [each["code"] for each in wrong["errors"]]
    assert without["errors"][0]["code"] == "runtime_downgrade"
    assert "fail at once" in without["detail"]
    assert "erased" in without["detail"]
    assert any("fail at once" in sentence for sentence in plan["stays"])
    assert (made["acknowledged"], made["number"]) == (["runtime_downgrade"], 3)
    assert "Acknowledged: runtime_downgrade" in lines(Deploy.objects.get(number=3))
    assert carry_out(Deploy.objects.get(number=3)).status == "SUCCEEDED"


def test_a10_no_downgrade_says_that_running_tasks_go_on(location, editor):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-2")

    plan = answered(editor.post("rollback-plans/", {"to": 1}), 200)

    assert plan["barriers"] == []
    assert not any("fail at once" in sentence for sentence in plan["stays"])
    assert any("not stopped" in sentence for sentence in plan["stays"])


def test_a3_any_version_is_within_reach_however_much_lies_between(location, editor):
    deploy_all(location, "then", version="3.1-2", env={"A": "1"})
    deploy_all(location, "other", version="3.2-1", env={"A": "2"}, free={"a": 1})
    deploy_all(location, "now", version="3.3-4", env={"A": None})

    back = restored(location, 1, acknowledged=["runtime_downgrade"])
    forth = restored(location, 3)

    assert back.release == Deploy.objects.get(number=1).release
    assert forth.release == Deploy.objects.get(number=3).release


def test_a12_is_refused_by_a_hard_one_whatever_is_acknowledged(location, editor):
    deploy_all(location, "then", version="13.7.0")
    deploy_all(location, "now", version="3.1-1")
    all_names = ["runtime_without_way_back", "airflow_3_to_2", "runtime_downgrade"]

    plan = answered(editor.post("rollback-plans/", {"to": 1}), 200)
    answer = refused(ask(editor, acknowledge=all_names), 409, "barrier")

    assert [each["name"] for each in plan["barriers"]] == all_names
    assert [each["level"] for each in plan["barriers"]] == ["hard", "soft", "soft"]
    assert all(each["detail"] and each["advice"] and each["source"] for each in plan["barriers"])
    assert plan["acknowledge"] == all_names[1:]
    assert [each["code"] for each in answer["errors"]] == all_names[:1]
    assert "Upgrade to a later 3.x runtime first" in answer["detail"]
    assert Deploy.objects.count() == 2


def test_a12_goes_from_airflow_3_to_2_when_that_is_acknowledged(location, editor):
    deploy_all(location, "then", runtime={"airflow_version": "2.10.5"})
    deploy_all(location, "now", runtime={"airflow_version": "3.1.0"})

    refused(ask(editor), 409, "acknowledgement_missing")
    answered(ask(editor, acknowledge=["airflow_3_to_2"]), 202)


def test_a12_says_what_the_newer_image_has_to_run_first(location, editor):
    deploy_all(location, "then", runtime={"airflow_version": "3.0.6"})
    deploy_all(location, "now", runtime={"airflow_version": "3.1.0"})

    answer = refused(ask(editor), 409, "acknowledgement_missing")

    assert "airflow db downgrade --to-version 3.0.6 --yes" in answer["detail"]
    # The settings alone go back without it: the Airflow stays with the code.
    assert plan_of(location, 1, "settings").barriers == []


def test_reads_what_runs_now_from_the_platform_where_no_release_says(location, editor):
    deploy(location, ONE)
    deploy_all(location, "then", runtime={"airflow_version": "3.0.6"})
    deploy_all(location, "now", runtime={"airflow_version": None})
    location.deployment.platform, location.deployment.platform_url = "airflow", "http://localhost:9"
    location.deployment.save()
    PlatformWatch.objects.create(deployment=location.deployment, due_at=timezone.now(), version="3.3.2")

    assert [each.name for each in plan_of(location, 2).barriers] == ["engine_downgrade"]
    assert plan_of(location, 1).barriers == []


def test_has_no_engine_to_downgrade_in_a_dagster(location):
    deploy_all(location, "then", version="13.7.0")
    deploy_all(location, "now", version="3.1-1")
    location.deployment.platform, location.deployment.platform_url = "dagster", "http://localhost:9"
    location.deployment.save()

    assert plan_of(location, 1).barriers == []


@pytest.mark.parametrize("scope", ["all", "code"])
def test_a11_remote_agents_have_to_go_back_first(location, editor, scope: str):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-3")
    for name in ("one", "two"):
        report(location, name, "3.1-3")
    said = {"scope": scope, "acknowledge": ["runtime_downgrade", "agents_not_reverted"]}

    plan = answered(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 200)
    refused(ask(editor, **said), 409, "barrier")
    report(location, "one", "3.1-2")
    half = refused(ask(editor, **said), 409, "barrier")
    report(location, "two", "3.1-2")
    ready = answered(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 200)
    made = answered(ask(editor, **said), 202)

    assert plan["agents"] == [
        {"name": "one", "version": "3.1-3", "ready": False},
        {"name": "two", "version": "3.1-3", "ready": False},
    ]
    assert any("agents" in sentence for sentence in plan["stays"])
    assert "two (3.1-3)" in half["detail"]
    assert "one" not in half["errors"][0]["detail"]
    assert [each["ready"] for each in ready["agents"]] == [True, True]
    assert made["acknowledged"] == ["runtime_downgrade"]


def test_a11_settings_alone_need_no_agent_to_go_anywhere(location):
    deploy_all(location, "then", version="3.1-2", env={"A": "1"})
    deploy_all(location, "now", version="3.1-3", env={"A": "2"})
    report(location, "one", "3.1-1")

    assert plan_of(location, 1, "settings").barriers == []
    assert restored(location, 1, scope="settings").status == "SUCCEEDED"


@pytest.mark.parametrize("scope", ["all", "settings"])
def test_a11_tells_no_agent_to_go_back_where_none_has_to(location, scope: str):
    deploy_all(location, "then", version="3.1-2", env={"A": "1"})
    deploy_all(location, "now", version="3.1-2", env={"A": "2"})
    report(location, "one", "3.1-1")

    plan = plan_of(location, 1, scope)

    assert (plan.barriers, [ready for _, ready in plan.agents]) == ([], [True])


def test_ends_when_what_it_would_leave_is_another_one_by_the_time_that_it_begins(location):
    """A deploy that was running when it was asked for put a newer runtime in place meanwhile."""
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-2")
    newer = deploy_all(location, "newer", version="3.2-1")
    older = Deploy.objects.get(number=2)
    _in_place(location, older)
    asked = ask_rollback(location, 1)
    _in_place(location, newer)

    ended = carry_out(asked)

    assert (ended.status, ended.error["code"]) == ("FAILED", "plan_outdated")
    assert fresh(location).placed_deploy == newer
    assert not location.blames.filter(lifted_at=None).exists()
    assert refusal(lambda: ask_rollback(location, 1)).code == "acknowledgement_missing"


def _in_place(location: CodeLocation, made: Deploy) -> None:
    CodeLocation.objects.filter(pk=location.pk).update(live_deploy=made, placed_deploy=made, wanted_deploy=made)


def test_knows_what_is_on_its_way_when_it_is_asked_for(location):
    """It may be in place by the time that the rollback overtakes it."""
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-2")
    coming = push_all(location, "newer", version="3.2-1")
    newer = composition.release_of(
        location, replace(composition.composition_of(fresh(location).live_deploy.release), runtime_version="3.2-1")
    )
    Deploy.objects.filter(pk=coming.pk).update(status="RUNNING", release=newer, lease_owner="w", step="ACTIVATE")

    (barrier,) = plan_of(location, 1).barriers

    assert (barrier.name, barrier.level) == ("runtime_downgrade", "soft")
    assert refusal(lambda: ask_rollback(location, 1)).code == "acknowledgement_missing"


def test_of_what_is_recorded_and_not_applied_can_be_acknowledged(location):
    """Without a command nothing downgrades the runtime: it stays what it is."""
    deploy_all(location, "then", version="13.7.0")
    deploy_all(location, "now", version="3.1-1")
    type(location.deployment).objects.update(activation_command="")

    barriers = plan_of(location, 1).barriers

    assert {barrier.level for barrier in barriers} == {"soft"}
    assert restored(location, 1, acknowledged=[barrier.name for barrier in barriers]).status == "SUCCEEDED"


def test_is_no_matter_of_who_asks(location):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-3")

    refused(ask(Api(superuser())), 409, "acknowledgement_missing")


def test_is_refused_in_the_same_words_when_the_same_is_sent_again(location, editor):
    """The same key and body again: the same refusal, and nothing begun."""
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-3")
    body = {"to": 1, "description": "Bad."}

    first, again = (editor.post("rollbacks/", body, key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (409, 409)
    assert first.json() == again.json()
    assert Deploy.objects.count() == 2


@pytest.mark.parametrize("said", ["runtime_downgrade", {"runtime_downgrade": True}, [1], [["x"]]])
def test_does_not_take_acknowledgements_of_another_shape(location, editor, said):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "now", version="3.1-3")

    answer = ask(editor, acknowledge=said)

    assert answer.status_code in {400, 409}
    assert deploy(location, TWO).number == 3
