"""A rollback plan …"""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.loads import write_load
from deployments.locking import lock
from deployments.models import CodeLocation, Deploy, PlatformWatch
from deployments.observing.acts import act_of_load
from deployments.planning import Plan
from deployments.platforms.base import LocationReport
from tests.api.asking import answered, refused
from tests.factories import ask_rollback, carry_out, deploy, fresh, superuser
from tests.operations.asking import ONE, THREE, TWO, cancel, hold, push_parts, resume
from tests.plans.acting import deploy_all, plan_of, push_all, report, restored
from tests.settings.acting import push_settings, secret, set_up

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def observe(location: CodeLocation, digest: str = "d" * 64) -> Deploy:
    """Have the platform load something that nobody told us about."""
    said = LocationReport("key", None, None, digest, 1, metadata={}, placeless={})
    locked = lock(location.pk)
    act = act_of_load(locked, said, digest, timezone.now())
    write_load(locked, said, deploy=act.deploy, now=timezone.now() + timedelta(seconds=1))
    return act.deploy


def everything() -> dict[str, list[Any]]:
    """Answer every row of the project."""
    models = [*apps.get_app_config("deployments").get_models(), *apps.get_app_config("assets").get_models(), User]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def test_tells_what_changes_and_where_to(location, editor):
    deploy_all(location, "then", version="3.1-2", env={"A": "1", "KEY": secret("one"), "GONE": "x"})
    deploy_all(location, "between")
    deploy_all(location, "now", version="3.1-3", env={"A": "2", "KEY": secret("two"), "GONE": None, "NEW": "y"})

    plan = answered(editor.post("rollback-plans/", {"to": 1}), 200)

    assert (plan["place"], plan["to"]["number"], plan["served"]["number"]) == ("acme/production/shop", 1, 3)
    assert (plan["scope"], plan["restorable"], plan["changes_nothing"]) == ("all", True, False)
    assert [(each["mount"], each["changed"]) for each in plan["bundles"]] == [("dags", 1)]
    assert plan["bundles"][0]["files"] == [{"change": "changed", "path": "a.py"}]
    assert plan["runtime_version"] == {"old": "3.1-3", "new": "3.1-2"}
    assert plan["image"] is None
    changes = {each["name"]: each for each in plan["settings"]}
    assert {name: (each["word"], each["secret"]) for name, each in changes.items()} == {
        "A": ("changed", False),
        "KEY": ("changed", True),
        "GONE": ("added", False),
        "NEW": ("removed", False),
    }
    assert (changes["A"]["old"], changes["A"]["new"], changes["A"]["applied"]) == ("2", "1", True)
    assert len(changes["KEY"]["old"]) == len(changes["KEY"]["new"]) == 16
    assert [each["number"] for each in plan["steps_over"]] == [3, 2]
    assert [each["name"] for each in plan["barriers"]] == ["runtime_downgrade"]
    assert plan["acknowledge"] == ["runtime_downgrade"]
    assert any("held" in sentence for sentence in plan["happens"])
    assert any("Data" in sentence for sentence in plan["stays"])


def test_of_settings_alone_says_that_the_code_stays(location):
    deploy_all(location, "then", env={"A": "1"})
    deploy_all(location, "now", env={"A": "2"})

    plan = plan_of(location, 1, "settings")

    assert plan.bundles == []
    assert (plan.image, plan.runtime_version) == (None, None)
    assert [(each["old"], each["new"]) for each in plan.settings] == [("2", "1")]
    assert any("code stays" in sentence for sentence in plan.stays)


def test_writes_nothing(location, editor):
    deploy_all(location, "then", env={"A": secret("1")})
    deploy_all(location, "now", env={"A": secret("2")})
    push_all(location, "queued")
    answered(editor.get(""), 200)
    before = everything()

    for scope in ("all", "code", "settings"):
        answered(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 200)
        answered(editor.post("rollback-plans/", {"to": "last-good", "scope": scope}), 200)

    after = everything()
    for rows in (before["Token"], after["Token"]):
        for row in rows:
            row.pop("last_used_at", None)
    assert after == before


def test_names_the_last_known_good(location, editor):
    deploy(location, ONE)
    refused(editor.post("rollback-plans/", {"to": "last-good"}), 409, "no_last_good")
    deploy(location, TWO)

    assert answered(editor.post("rollback-plans/", {"to": "last-good"}), 200)["to"]["number"] == 1
    refused(editor.post("rollback-plans/", {"to": 9}), 404, "unknown_deploy")


def test_says_that_nothing_would_change(location):
    deploy_all(location, "then", env={"A": "1"})

    assert all(plan_of(location, 1, scope).changes_nothing for scope in ("all", "code", "settings"))


def test_says_which_deploys_are_stepped_over_and_that_there_are_more(location):
    deploy(location, ONE)
    for number in range(22):
        set_up(location, env={"A": str(number)})

    plan = plan_of(location, 1)

    assert [each.number for each in plan.steps_over] == list(range(23, 3, -1))
    assert plan.more_steps
    assert not plan_of(location, 4).more_steps
    assert plan_of(location, 23).steps_over == []


def test_says_what_is_recorded_and_not_applied(location):
    location.deployment.target = "webhook"
    location.deployment.save()
    for number in (1, 2):
        made = carry_out(
            push_all(location, str(number), image=f"shop@sha256:{str(number) * 64}", env={"A": str(number)})
        )
        # Nothing answers there: written down as the receiver's answer would have.
        Deploy.objects.filter(pk=made.pk).update(
            status="SUCCEEDED", live_seq=number, activated_at=timezone.now(), verified=True
        )
        CodeLocation.objects.filter(pk=location.pk).update(
            live_deploy=made, placed_deploy=made, wanted_deploy=made, next_live_seq=number + 1
        )

    plan = plan_of(location, 1)

    assert [each["applied"] for each in plan.settings] == [False]
    stays = " ".join(plan.stays)
    assert "The settings are recorded, not applied" in stays
    assert "The bundles dags are recorded, not applied" in stays


def test_says_what_the_artifacts_lack(location):
    first = deploy_all(location, "then", env={"A": "1"})
    deploy_all(location, "now", env={"A": "2"})
    live = fresh(location).live_deploy.release.mounts.get().bundle
    live.damaged_at = timezone.now()
    live.save()

    plan = plan_of(location, first.number, "settings")

    assert plan.obstacle.code == "artifact_damaged"
    assert plan.is_refused
    assert plan_of(location, first.number).obstacle is None


def moves() -> dict[str, Any]:
    """Answer what may happen between reading a plan and confirming it."""
    return {
        "a deploy went live": lambda location: carry_out(location.deploys.queued().get()),
        "a push was queued": lambda location: push_all(location, "queued"),
        "a push was canceled": lambda location: cancel(location.deploys.queued().get()),
        "it was held": lambda location: hold(location),
        "its code was blamed": lambda location: location.blames.create(
            code_digest=location.deploys.get(number=1).release.code_digest,
            blamed_by=location.deploys.get(number=1),
            created_at=timezone.now(),
        ),
        "an agent came": lambda location: report(location, "new", "3.1-3"),
        "an agent was updated": lambda location: report(location, "right", "3.1-4"),
        "an agent went back": lambda location: report(location, "wrong", "3.1-2"),
        # The first one is what we placed ourselves.
        "somebody loaded something else": lambda location: [observe(location, digit * 64) for digit in "ab"],
        "a command was set up": lambda location: type(location.deployment).objects.update(
            activation_command="/bin/true"
        ),
    }


@pytest.fixture
def eventful(location: CodeLocation) -> CodeLocation:
    """Answer a code location with #1, #2 and a queued #3, and two agents."""
    deploy_all(location, "then", version="3.1-2", env={"A": "1"})
    deploy_all(location, "now", version="3.1-3", env={"A": "2"})
    push_settings(location, free={"owner": "queued"})
    report(location, "right", "3.1-2")
    report(location, "wrong", "3.1-3")
    return location


@pytest.mark.parametrize("scope", ["all", "code", "settings"])
def test_is_known_by_the_same_etag_while_nothing_moves(eventful, editor, scope: str):
    asked = [answered(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 200) for _ in range(2)]

    assert asked[0] == asked[1]
    assert len(asked[0]["etag"]) == 32
    others = {plan_of(eventful, 1, each).etag for each in ("all", "code", "settings")} | {plan_of(eventful, 2).etag}
    assert len(others) == 4


def test_is_known_by_the_same_etag_whatever_says_nothing_about_it(eventful):
    before = plan_of(eventful, 1).etag

    PlatformWatch.objects.create(deployment=eventful.deployment, due_at=timezone.now(), runs={"total": 3})
    Deploy.objects.filter(number=2).update(description="Edited.")
    report(eventful, "right", "3.1-2")

    assert plan_of(eventful, 1).etag == before


@pytest.mark.parametrize("what", moves())
def test_has_another_etag_once(eventful, what: str):
    before = plan_of(eventful, 1).etag

    moves()[what](eventful)

    assert plan_of(eventful, 1).etag != before


def test_that_is_outdated_is_refused_with_the_new_ones_address(location, editor):
    deploy(location, ONE)
    deploy(location, TWO)
    etag = answered(editor.post("rollback-plans/", {"to": 1}), 200)["etag"]
    deploy(location, THREE)
    before = everything()
    body = {"to": 1, "description": "Bad.", "plan_etag": etag}

    answer = refused(editor.post("rollbacks/", body), 409, "plan_outdated")

    (error,) = answer["errors"]
    page = Client()
    page.force_login(superuser())
    assert page.get(error["link"]).status_code == 200
    assert "to=1" in error["link"]
    after = everything()
    for rows in (before, after):
        rows.pop("Token"), rows.pop("User")
    assert after == before


def test_that_is_of_now_is_carried_out(location, editor):
    deploy_all(location, "then", env={"A": "1"})
    deploy_all(location, "now", env={"A": "2"})
    etag = answered(editor.post("rollback-plans/", {"to": 1, "scope": "settings"}), 200)["etag"]
    body = {"to": 1, "description": "Bad.", "plan_etag": etag}

    refused(editor.post("rollbacks/", body), 409, "plan_outdated")  # of another scope
    made = answered(editor.post("rollbacks/", body | {"scope": "settings"}), 202)

    assert carry_out(Deploy.objects.get(number=made["number"])).status == "SUCCEEDED"


def test_digest_is_what_is_put_in_place(location, editor):
    deploy_all(location, "then", env={"A": "1"})
    deploy_all(location, "now", env={"A": "2"})

    for number, scope in ((3, "code"), (4, "settings"), (5, "all")):
        planned = answered(editor.post("rollback-plans/", {"to": 1, "scope": scope}), 200)["release"]
        made = restored(location, 1, scope=scope)
        assert (made.number, made.release.digest, made.release.code_digest) == (
            number,
            planned["digest"],
            planned["code_digest"],
        )


def test_counts_what_is_on_its_way(location):
    deploy(location, ONE)
    deploy(location, TWO)
    queued = push_parts(location, bundles={"dags": THREE})
    hold(location)

    plan = plan_of(location, 1)

    assert [each.number for each in plan.unfinished] == [queued.number]
    assert plan.hold is not None
    resume(location)
    assert isinstance(plan_of(fresh(location), 1), Plan)
    assert ask_rollback(location, 1).number == 4
