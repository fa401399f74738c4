"""A rollback of …"""

from dataclasses import replace

import pytest

from deployments import composition
from deployments.access import Role
from deployments.models import Deploy, Release
from deployments.states import DeployStatus
from tests.api.asking import Api, answered
from tests.factories import ask_rollback, carry_out, fresh, make_member
from tests.operations.asking import cancel, in_place, lines, refusal, resume, retry
from tests.plans.acting import deploy_all, plan_of, push_all, restored
from tests.settings.acting import release_of, secret, set_up, settings_file, sourced
from tests.settings.commands import command

pytestmark = pytest.mark.django_db

THEN, NOW = "shop@sha256:" + "1" * 64, "shop@sha256:" + "2" * 64
THENS_CODE = {"airflow_version": "3.1.0", "dag_deploy_enabled": True}
NOWS_CODE = {"airflow_version": "3.1.0", "dag_deploy_enabled": False}


@pytest.fixture
def filled(location):
    """Answer the location with #1, and with #2 in which everything is another one."""
    env = {"A": "then", "ONLY": "then", "KEY": secret("then")}
    deploy_all(location, "then", version="3.1-2", image=THEN, env=env, runtime={**THENS_CODE, "executor": "Local"})
    env = {"A": "now", "ONLY": None, "KEY": secret("now"), "NEW": "now"}
    deploy_all(location, "now", version="3.1-3", image=NOW, env=env, runtime={**NOWS_CODE, "executor": "Celery"})
    return location


def code_in_place(location) -> tuple[str, str, str]:
    """Answer file, image and runtime version."""
    told = settings_file(location)
    return in_place(location)["dags/a.py"].decode().split("'")[1], told["image"], told["runtime_version"]


def settings_in_place(location) -> dict:
    """Answer what is set, group by group."""
    return settings_file(location)["settings"]


def test_a9_everything_brings_back_code_and_settings(filled, editor):
    back = restored(filled, 1, acknowledged=["runtime_downgrade"])

    assert (back.scope, back.release) == ("all", release_of(Deploy.objects.get(number=1)))
    assert code_in_place(filled) == ("then", THEN, "3.1-2")
    assert settings_in_place(filled) == {
        "env": {"A": "then", "ONLY": "then", "KEY": "then"},
        "runtime": {**THENS_CODE, "executor": "Local"},
    }
    assert set(back.origins.values()) == {1}


def test_a9_code_only_leaves_the_settings_but_those_that_go_with_it(filled, editor):
    back = restored(filled, 1, scope="code", acknowledged=["runtime_downgrade"])

    first, second = (release_of(Deploy.objects.get(number=number)) for number in (1, 2))
    assert code_in_place(filled) == ("then", THEN, "3.1-2")
    assert settings_in_place(filled) == {
        "env": {"A": "now", "KEY": "now", "NEW": "now"},
        "runtime": {**THENS_CODE, "executor": "Celery"},
    }
    assert back.release.digest not in {first.digest, second.digest}
    assert back.release.code_digest == first.code_digest
    assert back.origins == {
        "bundle:dags": 1,
        "image": 1,
        "runtime_version": 1,
        "settings:env/A": 2,
        "settings:env/KEY": 2,
        "settings:env/NEW": 2,
        "settings:runtime/airflow_version": 1,
        "settings:runtime/dag_deploy_enabled": 1,
        "settings:runtime/executor": 2,
    }
    shown = answered(editor.get("deploys/3/"), 200)
    assert (shown["kind"], shown["scope"], shown["restores"]) == ("rollback", "code", 1)
    assert shown["release"]["origins"] == back.origins
    assert shown["release"]["bundles"][0]["from_deploy"] == 1
    assert "code only" in lines(back)


def test_a9_settings_only_leaves_the_code_and_what_goes_with_it(filled, editor):
    back = restored(filled, 1, scope="settings")

    first, second = (release_of(Deploy.objects.get(number=number)) for number in (1, 2))
    assert code_in_place(filled) == ("now", NOW, "3.1-3")
    assert settings_in_place(filled) == {
        "env": {"A": "then", "ONLY": "then", "KEY": "then"},
        "runtime": {**NOWS_CODE, "executor": "Local"},
    }
    assert back.release.digest not in {first.digest, second.digest}
    assert back.release.code_digest == second.code_digest
    assert back.origins["bundle:dags"] == 2
    assert back.origins["settings:env/KEY"] == 1
    assert back.origins["settings:runtime/dag_deploy_enabled"] == 2
    shown = answered(editor.get("deploys/3/"), 200)
    assert (shown["scope"], shown["release"]["settings_digest"]) == ("settings", back.release.settings_digest)


def test_settings_only_says_that_code_which_never_was_live_goes_too(location, tmp_path):
    deploy_all(location, "good", env={"A": "1"})
    set_up(location, env={"A": "2"})
    command(location, tmp_path, "exit 1")
    broken = carry_out(push_all(location, "broken"))

    plan = plan_of(location, 1, "settings")

    assert (broken.status, fresh(location).placed_deploy) == (DeployStatus.FAILED, broken)
    assert not plan.is_composed  # the code that is live is #1's, too
    assert [change.changed for change in plan.bundles] == [1]
    assert plan.happens[0] == (
        "The settings of #1, the code of #2, which takes the place of #3's: that is the release of #1."
    )


def test_settings_only_blames_no_code_and_blocks_no_push(filled):
    restored(filled, 1, scope="settings")
    resume(filled)

    again = carry_out(push_all(filled, "now", version="3.1-3", image=NOW))

    assert not filled.blames.exists()
    assert again.status == DeployStatus.SUCCEEDED, again.error


def test_code_only_blames_the_code_that_it_leaves(filled):
    restored(filled, 1, scope="code", acknowledged=["runtime_downgrade"])

    blocked = refusal(lambda: push_all(filled, "now", version="3.1-3", image=NOW))

    assert blocked.code == "blocked"


def test_code_only_is_the_very_release_where_the_settings_are_the_same(location):
    first = deploy_all(location, "then", env={"A": "1"})
    deploy_all(location, "now")

    back = restored(location, 1, scope="code")

    assert back.release == release_of(first)
    assert not plan_of(location, 2, "code").is_composed


def test_settings_only_where_none_were_set_takes_them_away(location):
    deploy_all(location, "then")
    set_up(location, env={"A": "1"}, free={"owner": "data"})

    back = restored(location, 1, scope="settings")

    assert (back.release.settings, back.release.settings_digest) == ({}, "")


def test_half_of_a_deploy_that_failed_is_possible(location, tmp_path):
    script = command(location, tmp_path, "exit 1")
    failed = carry_out(push_all(location, "then", env={"A": "then"}))
    script.write_text("#!/bin/sh\n")
    deploy_all(location, "now", env={"A": "now"})

    back = restored(location, failed.number, scope="settings")

    assert failed.status == DeployStatus.FAILED
    assert sourced(location, "A") == {"A": "then"}
    assert in_place(location)["dags/a.py"] == b"version = 'now'\n"
    assert back.restores == failed


def test_half_takes_the_rest_from_what_is_in_place_where_nothing_ever_went_live(location, tmp_path):
    command(location, tmp_path, "exit 1")
    for word in ("then", "now"):
        assert carry_out(push_all(location, word, env={"A": word})).status == DeployStatus.FAILED
    command(location, tmp_path, ":")

    restored(location, 1, scope="settings")

    assert sourced(location, "A") == {"A": "then"}
    assert in_place(location)["dags/a.py"] == b"version = 'now'\n"


def test_settings_only_says_when_the_code_in_place_goes_too(location, tmp_path):
    """What failed is in place, and was never live: the rest is what is live."""
    deploy_all(location, "then", env={"A": "then"})
    deploy_all(location, "live", env={"A": "live"})
    command(location, tmp_path, "exit 1")
    assert carry_out(push_all(location, "failed")).status == DeployStatus.FAILED
    command(location, tmp_path, ":")

    plan = plan_of(location, 1, "settings")
    restored(location, 1, scope="settings")

    assert [(each.mount, each.changed) for each in plan.bundles] == [("dags", 1)]
    assert not any("stays as it is" in sentence for sentence in plan.stays)
    assert any("takes the place of #3's" in sentence for sentence in plan.happens)
    assert in_place(location)["dags/a.py"] == b"version = 'live'\n"
    assert sourced(location, "A") == {"A": "then"}


def test_settings_only_never_brings_blamed_code_back(location, tmp_path):
    """A rollback that failed when it was in place has left the code that is live still."""
    deploy_all(location, "good", env={"A": "good"})
    deploy_all(location, "bad", env={"A": "bad"})
    command(location, tmp_path, "exit 1")
    failed = carry_out(ask_rollback(location, 1))

    refused = refusal(lambda: ask_rollback(location, 1, scope="settings"))

    assert failed.status == DeployStatus.FAILED
    assert (fresh(location).live_deploy.number, refused.code) == (2, "blocked")
    command(location, tmp_path, ":")
    assert (
        restored(location, 1, scope="code").release.code_digest == release_of(Deploy.objects.get(number=1)).code_digest
    )


def test_an_unknown_part_is_refused(filled, editor):
    for path in ("rollback-plans/", "rollbacks/"):
        answer = editor.post(path, {"to": 1, "scope": "half", "description": "Bad."})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_half_is_composed_of_what_is_live_when_it_begins(location):
    """What was running when it was asked for went live before it was claimed."""
    deploy_all(location, "then", env={"A": "then"})
    deploy_all(location, "now", env={"A": "now"})
    asked = ask_rollback(location, 1, scope="code")
    meanwhile = Deploy.objects.create(
        code_location=location, number=4, kind="settings", status="SUCCEEDED", live_seq=3, actor_name="x",
        actor_kind="person", created_at=asked.created_at, finished_at=asked.created_at, activated_at=asked.created_at,
        release=_with_settings(location, {"env": {"A": {"value": "newest", "secret": False}}}),
        origins={"bundle:dags": 2, "settings:env/A": 4},
    )  # fmt: skip
    type(location).objects.filter(pk=location.pk).update(
        live_deploy=meanwhile, placed_deploy=meanwhile, wanted_deploy=meanwhile, next_number=5, next_live_seq=4
    )

    back = carry_out(asked)

    assert back.status == DeployStatus.SUCCEEDED, back.error
    assert sourced(location, "A") == {"A": "newest"}
    assert back.origins == {"bundle:dags": 1, "settings:env/A": 4}


def _with_settings(location, settings: dict) -> Release:
    live = composition.composition_of(fresh(location).live_deploy.release)
    return composition.release_of(location, replace(live, settings=settings))


def test_a_retry_keeps_its_half_and_what_was_acknowledged(filled):
    canceled = cancel(ask_rollback(filled, 1, scope="code", acknowledged=["runtime_downgrade"]))

    again = carry_out(retry(canceled))

    assert (again.scope, again.acknowledged) == ("code", ["runtime_downgrade"])
    assert (again.retry_of, again.restores.number) == (canceled, 1)
    assert settings_in_place(filled)["env"]["A"] == "now"


def test_a_retry_asks_again_for_what_was_not_acknowledged_then(location):
    deploy_all(location, "then", version="3.1-2")
    deploy_all(location, "same", version="3.1-2")
    canceled = cancel(ask_rollback(location, 1))
    deploy_all(location, "now", version="3.1-3")

    refused = refusal(lambda: retry(canceled))

    assert refused.code == "acknowledgement_missing"


def test_a7_a8_half_is_a_new_row_with_its_own_words_and_the_rows_between_stay(filled, editor):
    before = [Deploy.objects.filter(number=number).values().get() for number in (1, 2)]

    answered(editor.post("rollbacks/", {"to": 1, "scope": "settings", "description": "Too many workers"}), 202)
    carry_out(Deploy.objects.get(number=3))

    rows = answered(editor.get("deploys/"), 200)["results"]
    assert [row["number"] for row in rows] == [3, 2, 1]
    assert (rows[0]["kind"], rows[0]["description"]) == ("rollback", "Too many workers")
    assert [Deploy.objects.filter(number=number).values().get() for number in (1, 2)] == before


def test_needs_the_right_to_roll_back(filled):
    deployer = Api(make_member(Role.DEPLOYER, filled.deployment))

    for path in ("rollback-plans/", "rollbacks/"):
        assert deployer.post(path, {"to": 1, "scope": "code", "description": "Bad."}).status_code == 403
