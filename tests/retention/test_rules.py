"""Retention …"""

import pytest

from deployments import drivers, operations
from deployments.execution.claiming import claim
from deployments.models import Bundle, Deploy
from deployments.states import DeployStatus
from portal.common.problems import Refusal
from tests.factories import carry_out, make_deployment, make_location, make_organization, superuser
from tests.operations.asking import cancel, hold, in_place, resume
from tests.operations.scripted_platform import FAILED, ScriptedPlatform
from tests.retention.days import (
    ask_rollback_on,
    carry_out_on,
    day,
    deploy_on,
    files,
    kept,
    make_short_lived_location,
    purge_on,
    push_on,
    release_of,
    roll_back_on,
    rules,
)
from tests.store.bytes import register

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LONG_AFTER = 400
A_SECOND = 1 / 86_400


@pytest.fixture
def location():
    """Answer a location with five versions, one a day, kept for ten days after they were live."""
    location = make_short_lived_location()
    for number, content in enumerate("abcde", start=1):
        deploy_on(location, number, content)
    return location


def test_keeps_what_is_live_and_the_one_before_it(location):
    report = purge_on(LONG_AFTER)

    assert rules(report) == {1: "", 2: "", 3: "", 4: "the one before the live one (#4)", 5: "live (#5)"}
    assert kept(location) == {4, 5}


def test_keeps_what_was_live_less_than_the_days_ago_to_the_second(location):
    """#2 stopped being live when #3 came, on day 3."""
    purge_on(13 - A_SECOND)
    assert kept(location) == {2, 3, 4, 5}

    purge_on(13)
    assert kept(location) == {3, 4, 5}


def test_counts_the_days_from_the_end_of_being_live_not_from_the_push():
    location = make_short_lived_location()
    deploy_on(location, 1, "a")
    deploy_on(location, 300, "b")
    deploy_on(location, 301, "c")
    deploy_on(location, 302, "d")

    report = purge_on(309)

    assert rules(report)[1].startswith("in use until 2026-10-28, less than 10 days ago")
    assert kept(location) == {1, 2, 3, 4}


def test_keeps_the_last_good_when_another_was_live_before(location):
    roll_back_on(location, 6, "last-good")

    report = purge_on(LONG_AFTER)

    assert rules(report) == {
        1: "",
        2: "",
        3: "last known good (#3)",
        4: "live (#6)",
        5: "the one before the live one (#5)",
    }


def test_keeps_what_is_in_place_though_it_failed_to_load(location, monkeypatch):
    platform = ScriptedPlatform(reloads=[FAILED])
    monkeypatch.setattr(drivers, "platform_for", lambda location: platform)
    type(location.deployment).objects.update(platform="dagster", platform_url="http://127.0.0.1:3000")
    assert deploy_on(location, 6, "f").error["code"] == "load_failed"

    report = purge_on(LONG_AFTER)

    assert rules(report)[6] == "in place (#6)"
    assert {4, 5, 6} == kept(location)


def test_keeps_what_is_wanted_while_it_is_brought_there(location):
    running = push_on(location, 6, "f")
    claim(running.pk, now=day(6))

    report = purge_on(LONG_AFTER)

    assert rules(report)[6] == "wanted (#6)"
    assert carry_out_ended(running).status == DeployStatus.SUCCEEDED


def carry_out_ended(running: Deploy) -> Deploy:
    """Have another worker take over what one began."""
    Deploy.objects.filter(pk=running.pk).update(lease_owner="", lease_expires_at=None)
    return carry_out(running)


def test_keeps_what_a_queued_rollback_needs(location):
    asked = ask_rollback_on(location, 6, 1)

    report = purge_on(LONG_AFTER)

    # It is the newest deploy too; the rule that is named first is the first that holds.
    assert rules(report)[1] == "the newest deploy (#6)"
    push_on(location, 6, "f")
    assert rules(purge_on(LONG_AFTER))[1] in {"the newest deploy (#6)", "needed by #6, which is queued"}
    assert carry_out_on(asked, LONG_AFTER).status == DeployStatus.SUCCEEDED
    assert in_place(location) == {f"dags/{path}": content for path, content in files("a").items()}


def test_keeps_what_a_queued_rollback_needs_behind_a_newer_deploy(location):
    ask_rollback_on(location, 6, 1)
    newest = push_on(location, 6, "f")
    Deploy.objects.filter(pk=newest.pk).update(
        status=DeployStatus.CANCELED, finished_at=day(6), release=release_of(location, 2)
    )

    report = purge_on(LONG_AFTER)

    assert rules(report)[1] == "needed by #6, which is queued"


@pytest.mark.parametrize("held", [False, True])
def test_keeps_the_files_of_a_push_that_waits(location, held: bool):
    if held:
        hold(location)
    waiting = push_on(location, 6, "f")

    purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)

    ended = carry_out(resume(location) if held else waiting)
    assert ended.status == DeployStatus.SUCCEEDED
    assert in_place(location) == {f"dags/{path}": content for path, content in files("f").items()}


def test_keeps_the_newest_deploy_though_it_never_went_live(location):
    running = push_on(location, 6, "f")
    claim(running.pk, now=day(6))
    cancel(running)

    assert rules(purge_on(LONG_AFTER))[6] == "the newest deploy (#6)"


def test_keeps_the_only_version_however_old():
    location = make_short_lived_location()
    deploy_on(location, 1, "a")

    purge_on(10_000)

    assert kept(location) == {1}


def test_keeps_what_is_pinned_until_it_is_unpinned(location):
    release = operations.pinning.pin(release=release_of(location, 1), actor=superuser(), now=day(6))

    assert rules(purge_on(LONG_AFTER))[1] == "pinned by root"
    operations.pinning.unpin(release=release, actor=superuser(), now=day(LONG_AFTER))
    assert rules(purge_on(LONG_AFTER))[1] == ""


def test_keeps_one_release_by_the_youngest_of_its_deploys():
    location = make_short_lived_location()
    for number, content in [(1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "d")]:
        deploy_on(location, number, content)

    purge_on(13)

    # "a" was live until day 4, "b" until day 3.
    assert kept(location) == {1, 3, 4, 5}


def test_goes_by_each_deployments_own_days(location):
    patient = make_location(make_deployment(location.deployment.organization, "staging", retention_days=1000))
    for number, content in enumerate("abcde", start=1):
        deploy_on(patient, number, content)

    purge_on(LONG_AFTER)

    assert kept(location) == {4, 5}
    assert kept(patient) == {1, 2, 3, 4, 5}


def test_keeps_what_never_went_live_for_the_days_after_it_was_asked_for(location):
    running = push_on(location, 6, "f")
    claim(running.pk, now=day(6))
    cancel(running)
    deploy_on(location, 7, "g")

    assert rules(purge_on(15.9, dry_run=True))[6].startswith("in use until 2026-01-07")
    assert rules(purge_on(16, dry_run=True))[6] == ""


def test_leaves_the_files_alone_that_are_being_uploaded_again(location):
    """Announced today, pushed in a minute: a purge between the two takes nothing."""
    purge_on(LONG_AFTER)
    register(location.deployment.organization, files("a"), now=day(LONG_AFTER + 1))
    purge_on(LONG_AFTER + 1.5)

    assert Bundle.objects.get(mounts__release=release_of(location, 1)).purged_at is None
    purge_on(LONG_AFTER + 3)
    assert Bundle.objects.get(mounts__release=release_of(location, 1)).purged_at


def test_lets_the_files_go_of_a_push_that_ended_before_it_had_a_release(location):
    canceled = cancel(push_on(location, 6, "f"))

    purge_on(50)
    assert canceled.bundles.get().purged_at is None
    purge_on(200)

    assert canceled.bundles.get().purged_at
    with pytest.raises(Refusal) as refused:
        operations.retry(deploy=canceled, actor=superuser(), now=day(200))
    assert refused.value.code == "unknown_bundle"


def test_of_one_organization_never_looks_at_anothers(location):
    globex = make_location(make_deployment(make_organization("globex"), retention_days=10_000))
    for number, content in enumerate("abcde", start=1):
        deploy_on(globex, number, content)

    purge_on(LONG_AFTER)
    purge_on(LONG_AFTER + 1)

    assert roll_back_on(globex, LONG_AFTER + 2, 1).status == DeployStatus.SUCCEEDED
