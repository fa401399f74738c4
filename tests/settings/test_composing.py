"""A release with settings …"""

import pytest

from deployments.models import Deploy, Release
from deployments.states import DeployStatus
from portal.common.problems import Refusal
from tests.factories import carry_out, deploy, fresh, make_deployment, make_location, make_organization, upload
from tests.operations.asking import ONE, TWO, hold, push_parts, refusal, resume, retry
from tests.settings.acting import push_settings, release_of, secret, set_up

pytestmark = pytest.mark.django_db


def env_of(made: Deploy) -> dict[str, str]:
    """Answer the plain variables of a deploy's release."""
    return {name: value["value"] for name, value in release_of(made).settings["env"].items()}


def test_has_those_of_two_queued_pushes_of_different_names(location):
    first, second = push_settings(location, env={"A": "1"}), push_settings(location, env={"B": "2"})

    carry_out(first)
    live = carry_out(second)

    assert (first.status, live.status) == (DeployStatus.QUEUED, DeployStatus.SUCCEEDED)
    assert env_of(live) == {"A": "1", "B": "2"}
    assert live.origins == {"settings:env/A": 1, "settings:env/B": 2}


def test_has_the_newer_of_two_queued_values_of_one_name(location):
    older = push_settings(location, env={"A": "1"})
    newer = push_settings(location, env={"A": "2", "B": "2"})

    carry_out(newer)

    assert Deploy.objects.get(pk=older.pk).status == DeployStatus.SUPERSEDED
    assert env_of(newer) == {"A": "2", "B": "2"}


def test_has_what_was_held_name_by_name(location):
    deploy(location, ONE)
    hold(location)
    push_settings(location, env={"A": "1", "B": "1"})
    push_settings(location, env={"B": None}, free={"owner": "data"})
    newest = push_parts(location, bundles={"dags": TWO})

    resume(location)
    live = carry_out(newest)

    assert live.status == DeployStatus.SUCCEEDED, live.error
    assert release_of(live).settings["env"].keys() == {"A"}
    assert release_of(live).settings["free"] == {"owner": "data"}


def test_is_the_same_when_the_same_secret_is_pushed_again(location):
    first = set_up(location, env={"PASSWORD": secret("one")})
    again = set_up(location, env={"PASSWORD": secret("one")})
    other = set_up(location, env={"PASSWORD": secret("two")})

    assert release_of(first) == release_of(again)
    assert release_of(first).digest != release_of(other).digest
    assert Release.objects.count() == 2


def test_is_another_one_when_a_secret_is_no_secret_any_more(location):
    assert release_of(set_up(location, env={"A": secret("one")})) != release_of(set_up(location, env={"A": "one"}))


def test_keeps_its_code_apart_from_its_settings(location):
    bare = deploy(location, ONE)
    with_settings = set_up(location, env={"A": "1"})

    assert release_of(bare).code_digest == release_of(with_settings).code_digest
    assert release_of(bare).digest != release_of(with_settings).digest


def test_knows_secrets_alike_in_one_organization_and_not_in_another():
    acme, globex = make_organization("acme"), make_organization("globex")
    places = [make_location(make_deployment(acme, slug)) for slug in ("production", "staging")]
    places.append(make_location(make_deployment(globex, "production")))

    made = [release_of(set_up(place, env={"A": secret("one"), "B": secret("one")})) for place in places]
    prints = [[release.settings["env"][name]["fingerprint"] for name in "AB"] for release in made]

    assert prints[0] == prints[1]
    assert not set(prints[0]) & set(prints[2])
    assert prints[0][0] != prints[0][1]  # nor of one name and another


def test_a4_refuses_dags_alone_where_that_is_switched_off(location):
    set_up(location, runtime={"dag_deploy_enabled": False})

    refused = refusal(lambda: push_parts(location, bundles={"dags": ONE}))
    dbt = carry_out(push_parts(location, bundles={"dbt/shop": ONE}))
    both = carry_out(push_parts(location, bundles={"dags": ONE}, image="shop:2"))
    removed = refusal(lambda: push_parts(location, bundles={"dags": None}))

    assert refused.code == removed.code == "dag_deploy_disabled"
    assert "dag_deploy_enabled" in refused.detail
    assert (dbt.status, both.status) == (DeployStatus.SUCCEEDED, DeployStatus.SUCCEEDED)
    assert both.kind == "image_and_dags"


def test_a4_takes_dags_with_the_setting_that_allows_them_again(location):
    set_up(location, runtime={"dag_deploy_enabled": False})
    dags = upload(location.deployment.organization, ONE)

    with pytest.raises(Refusal):
        push_settings(location, parts={"bundles": {"dags": dags}}, runtime={"workers": 2})
    made = set_up(location, parts={"bundles": {"dags": dags}}, runtime={"dag_deploy_enabled": True})

    assert made.status == DeployStatus.SUCCEEDED


def test_a4_refuses_dags_that_were_queued_before_that_was_switched_off(location):
    push_settings(location, runtime={"dag_deploy_enabled": False})
    dags = push_parts(location, bundles={"dags": ONE})

    carry_out(Deploy.objects.get(number=1))
    ended = carry_out(dags)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "dag_deploy_disabled")
    assert fresh(location).live_deploy.number == 1


def test_is_tried_again_with_the_secrets_as_they_were(location, settings, tmp_path):
    settings.LASTGOOD_TARGET_ROOT = tmp_path / "file"
    (tmp_path / "file").write_text("in the way")
    failed = set_up(location, env={"PASSWORD": secret("one")}, free={"owner": "data"})
    settings.LASTGOOD_TARGET_ROOT = tmp_path / "folder"

    again = carry_out(retry(failed))

    assert (failed.status, again.status) == (DeployStatus.FAILED, DeployStatus.SUCCEEDED)
    assert release_of(again) == release_of(failed)


def test_has_no_more_settings_than_one_push_may_bring(location):
    set_up(location, env={f"A{number}": "x" for number in range(900)})

    refused = refusal(lambda: push_settings(location, env={f"B{number}": "x" for number in range(101)}))
    large = refusal(lambda: push_settings(location, env={f"L{number}": "x" * 32_000 for number in range(40)}))
    fits = set_up(location, env={f"B{number}": "x" for number in range(100)})

    assert (refused.code, large.code) == ("too_many_settings", "too_large_settings")
    assert fits.status == DeployStatus.SUCCEEDED
