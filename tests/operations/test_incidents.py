"""What a reader of the pipeline found once, and must not come back: a rollback …"""

import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from deployments import drivers, execution, operations, retention
from deployments.bundles.store import blob_storage
from deployments.execution.claiming import claim
from deployments.last_known_good import last_known_good
from deployments.models import Blame, Blob, CodeLocation, Deploy, Hold
from deployments.states import DeployStatus
from deployments.tasks import check_targets
from portal.common.problems import Refusal
from tests.factories import (
    ask_rollback,
    carry_out,
    deploy,
    fresh,
    make_deployment,
    make_location,
    make_organization,
    push,
    roll_back,
    superuser,
    upload,
)

pytestmark = [pytest.mark.django_db, pytest.mark.services]

ONE, TWO, THREE = ({"a.py": f"version = {number}".encode()} for number in (1, 2, 3))


def blamed(location: CodeLocation) -> set[str]:
    """Answer the code that is blocked now."""
    return set(Blame.objects.filter(code_location=location, lifted_at=None).values_list("code_digest", flat=True))


def test_takes_an_ending_away_from_the_hold_that_was_there():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    soon = timezone.now() + timedelta(minutes=5)
    operations.hold(location=location, reason="Lunch.", until=soon, actor=superuser(), now=timezone.now())

    rollback = roll_back(location)

    held = Hold.objects.get(code_location=location, released_at=None)
    assert (held.until, held.deploy) == (None, rollback)
    assert "Lunch." in held.reason
    assert not execution.expired_holds(now=soon + timedelta(days=1)).exists()


def test_that_is_canceled_gives_no_blame_back_and_takes_its_own():
    location = make_location()
    deploy(location, ONE)
    bad = deploy(location, TWO)
    roll_back(location)
    before = blamed(location)

    misclick = ask_rollback(location, bad.number)
    operations.cancel(deploy=misclick, actor=superuser(), now=timezone.now())

    assert blamed(location) == before == {bad.release.code_digest}


def test_that_is_refused_at_its_claim_leaves_nobody_blamed():
    location = make_location()
    first = deploy(location, ONE)
    deploy(location, TWO)
    rollback = ask_rollback(location, first.number)
    first.release.purged_at = timezone.now()
    first.release.save()

    ended = carry_out(rollback)

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "artifact_gone")
    assert blamed(location) == set()


def test_to_the_last_good_keeps_what_is_live_while_a_push_is_on_its_way():
    location = make_location()
    deploy(location, ONE)
    good = deploy(location, TWO)
    coming = push(location, THREE)
    assert claim(coming.pk, now=timezone.now())

    assert last_known_good(fresh(location)) == good
    rollback = roll_back(location)

    coming.refresh_from_db()
    assert (rollback.restores, coming.status) == (good, DeployStatus.SUPERSEDED)
    assert blamed(location) == {coming.release.code_digest}


def test_blames_what_was_put_in_place_between_its_request_and_its_claim():
    location = make_location()
    good = deploy(location, ONE)
    coming = push(location, TWO)
    rollback = ask_rollback(location, good.number)
    Deploy.objects.filter(pk=rollback.pk).update(status=DeployStatus.HELD)  # no worker has looked at it yet
    bad = carry_out(coming)
    Deploy.objects.filter(pk=rollback.pk).update(status=DeployStatus.QUEUED)

    assert carry_out(rollback).status == DeployStatus.SUCCEEDED
    assert blamed(location) == {bad.release.code_digest}


def test_goes_on_above_a_fence_that_this_portal_never_gave():
    location = make_location()
    deploy(location, ONE)
    deploy(location, TWO)
    drivers.target_for(location).raise_fence(1_000)

    waiting = roll_back(location)
    assert waiting.status == DeployStatus.RUNNING
    ended = carry_out(waiting)

    assert ended.status == DeployStatus.SUCCEEDED, ended.error
    assert fresh(location).fence > 1_000


def test_of_one_target_is_repaired_though_another_one_cannot_be():
    broken, other = make_location(), make_location(make_deployment(make_organization("globex")))
    for location in (broken, other):
        deploy(location, ONE)
        current = drivers.target_path(location) / "current"
        current.unlink()
        current.symlink_to("/nowhere")
    for blob in Blob.objects.filter(possessions__organization__slug="acme"):
        blob_storage().delete(blob.storage_key)
    # Each organization's files are the same bytes: give the second its own again.
    upload(other.deployment.organization, TWO)
    deploy(other, TWO)
    current = drivers.target_path(other) / "current"
    current.unlink()
    current.symlink_to("/nowhere")
    CodeLocation.objects.update(checked_at=None)

    check_targets()

    assert (drivers.target_path(other) / "current" / "dags" / "a.py").read_bytes() == TWO["a.py"]
    assert "gone" in fresh(broken).drift
    shutil.rmtree(drivers.target_path(broken))


def test_by_retry_does_not_put_an_older_push_before_a_newer_one():
    location = make_location()
    operations.hold(location=location, reason="Freeze.", actor=superuser(), now=timezone.now())
    older = push(location, ONE)
    push(location, TWO)
    older.refresh_from_db()
    assert older.status == DeployStatus.SUPERSEDED

    with pytest.raises(Refusal) as refused:
        operations.retry(deploy=older, actor=superuser(), now=timezone.now())

    assert refused.value.code == "outdated"


def test_of_retention_goes_on_where_one_code_location_breaks(monkeypatch):
    broken, other = make_location(), make_location(make_deployment(make_organization("globex")))
    real = retention.judge

    def judge(location: CodeLocation, **named):
        if location.pk == broken.pk:
            raise OverflowError("date value out of range")
        return real(location, **named)

    monkeypatch.setattr(retention, "judge", judge)
    deploy(other, ONE)

    report = retention.purge(now=timezone.now())

    assert [place for place, _ in report.judged] == [str(other)]
    assert len(report.problems) == 1


def test_of_a_quota_counts_what_was_announced():
    organization = make_organization()
    organization.quota_bytes = 100
    organization.save()
    now = timezone.now()

    def announce(name: str) -> None:
        files = [{"path": name, "mode": "0644", "sha256": name * 64, "size": 90}]
        operations.register_bundle(organization=organization, files=files, actor=superuser(), now=now)

    announce("a")
    with pytest.raises(Refusal) as refused:
        announce("b")

    assert refused.value.code == "over_quota"
