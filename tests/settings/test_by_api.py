"""Settings, pushed by API, …"""

import json
from typing import Any

import pytest

from deployments import configuration
from deployments.models import Deploy
from tests.api.asking import answered, refused
from tests.factories import carry_out
from tests.settings.acting import release_of, secret

pytestmark = pytest.mark.django_db

SECRET = "p4ssw0rd-of-the-lake"


def pushed(editor: Any, **settings: Any) -> dict[str, Any]:
    """Push settings, carry it out, and answer how the deploy reads then."""
    made = answered(editor.post("deploys/", {"settings": settings}), 202)
    carry_out(Deploy.objects.get(number=made["number"]))
    found: dict[str, Any] = answered(editor.get(f"deploys/{made['number']}/"), 200)
    return found


def test_a9_are_a_deploy_of_their_own_and_answered_without_secrets(editor):
    found = pushed(
        editor,
        env={"REGION": "eu", "PLAIN": {"value": "x", "secret": False}, "PASSWORD": secret(SECRET)},
        runtime={"executor": "CeleryExecutor", "workers": {"default": 3}, "dag_deploy_enabled": True},
        free={"owner": "data", "tags": ["a", 1, None]},
    )

    assert (found["kind"], found["status"]) == ("settings", "SUCCEEDED")
    said = found["release"]["settings"]
    shown = said["env"]["PASSWORD"]
    assert said["env"] == {
        "REGION": {"value": "eu", "secret": False},
        "PLAIN": {"value": "x", "secret": False},
        "PASSWORD": {"secret": True, "fingerprint": shown["fingerprint"]},
    }
    assert len(shown["fingerprint"]) == 16
    assert said["runtime"] == {"executor": "CeleryExecutor", "workers": {"default": 3}, "dag_deploy_enabled": True}
    assert said["free"] == {"owner": "data", "tags": ["a", 1, None]}
    assert found["parts"]["settings"] == said
    assert found["applied"] == {"settings": True}
    assert found["release"]["origins"]["settings:env/PASSWORD"] == 1


def test_change_only_what_they_name_and_null_takes_one_away(editor):
    pushed(editor, env={"A": "1", "B": "2", "C": secret(SECRET)}, free={"owner": "data"})

    found = pushed(editor, env={"A": "3", "B": None}, free={"owner": None, "team": "lake"})

    said = found["release"]["settings"]
    assert {name: value.get("value") for name, value in said["env"].items()} == {"A": "3", "C": None}
    assert said["free"] == {"team": "lake"}
    assert found["release"]["origins"] == {
        "settings:env/A": 2,
        "settings:env/C": 1,
        "settings:free/team": 2,
    }
    assert found["parts"]["settings"]["env"]["B"] is None


def test_may_leave_nothing_behind(editor):
    pushed(editor, env={"A": "1"})

    found = pushed(editor, env={"A": None})

    assert (found["release"]["settings"], found["release"]["settings_digest"]) == ({}, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"env": {"1A": "x"}},
        {"env": {"A-B": "x"}},
        {"env": {"A=B": "x"}},
        {"env": {"": "x"}},
        {"env": {"A\nB": "x"}},
        {"env": {"É": "x"}},
        {"env": {"A" * 256: "x"}},
        {"env": {"LASTGOOD_PLACE": "x"}},
        {"env": {"lastgood_place": "x"}},
        {"env": {"A": 1}},
        {"env": {"A": ["x"]}},
        {"env": {"A": {"value": 1}}},
        {"env": {"A": {"value": "x", "secret": "yes"}}},
        {"env": {"A": {"value": "x", "secret": True, "sealed": "y"}}},
        {"env": {"A": {"secret": True, "fingerprint": "0" * 16}}},
        {"env": {"A": {"secret": True, "fingerprint": "0" * 16, "forgotten": True}}},
        {"env": {"A": "a\0b"}},
        {"env": {"A": "x" * 32_769}},
        {"env": ["A"]},
        {"env": "A"},
        {"env": False},
        {"runtime": {"a b": 1}},
        {"runtime": {"/": 1}},
        {"runtime": {"dag_deploy_enabled": "no"}},
        {"runtime": {"executor": 1}},
        {"runtime": {"airflow_version": 3.1}},
        {"free": {"a": "x" * 4001}},
        {"free": {"a": {"b": "\0"}}},
        {"free": {"a": {"secret": False, "fingerprint": "0" * 16, "forgotten": True}}},
        {"unknown": {"a": 1}},
    ],
    ids=lambda wrong: json.dumps(wrong)[:40],
)
def test_that_cannot_be_are_refused_by_name(editor, wrong: dict[str, Any]):
    refused(editor.post("deploys/", {"settings": {"free": {"ok": 1}} | wrong}), 400, "bad_settings")

    assert not Deploy.objects.exists()


def test_take_what_is_just_small_enough(editor):
    found = pushed(editor, env={"A": "x" * 32_768, "B" * 255: "", "C": secret("é" * 32_768)}, free={"a": "x" * 3998})

    assert len(found["release"]["settings"]["env"]["A"]["value"]) == 32_768


def test_that_are_too_many_are_refused(editor):
    many = {f"V{number}": "x" for number in range(configuration.MOST + 1)}

    refused(editor.post("deploys/", {"settings": {"env": many}}), 413, "too_many_settings")
    pushed(editor, env=dict(list(many.items())[:-1]))


def test_do_not_repeat_a_value_when_they_refuse_it(editor):
    for wrong in ({"A": secret(SECRET * 3000)}, {"A": {"value": SECRET, "secret": 1}}, {"A": secret(f"{SECRET}\0")}):
        answer = editor.post("deploys/", {"settings": {"env": wrong}})

        assert answer.status_code == 400
        assert SECRET not in answer.content.decode()


def test_of_somebodys_own_words_are_taken_as_they_are(editor):
    """Words that the portal uses for itself, in a setting that is nothing of its own."""
    odd = {"secret": True, "sealed": "s", "forgotten": True, "value": 7}

    found = pushed(editor, free={"vault": odd, "gone": {"forgotten": True}})
    again = pushed(editor, env={"A": "1"})

    assert found["release"]["settings"]["free"]["vault"] == odd
    assert again["status"] == "SUCCEEDED"
    assert configuration.opened(release_of(Deploy.objects.get(number=2)).settings)["free"]["vault"] == odd
    changed = pushed(editor, free={"vault": odd | {"sealed": "t"}})
    assert changed["release"]["digest"] != again["release"]["digest"]


def test_go_with_an_image_and_are_recorded_where_the_target_puts_none(editor, location):
    location.deployment.target = "webhook"
    location.deployment.save()

    refused(editor.post("deploys/", {"settings": {"env": {"A": "1"}}}), 400, "nothing_to_put")
    made = answered(editor.post("deploys/", {"settings": {"env": {"A": "1"}}, "image": "shop:1"}), 202)

    assert made["parts"]["settings"]["env"]["A"]["value"] == "1"
