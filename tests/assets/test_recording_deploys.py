"""Of a deploy …"""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from assets import recording
from assets.models import AssetChange, AssetSet, AssetVersion, SentSnapshot
from assets.recording import deploys
from assets.states import Source
from deployments import operations, retention
from deployments.models import Deploy, Load, Release
from deployments.states import DeployStatus
from tests.assets.sets import (
    ROWS_OF_ASSETS,
    asset,
    changes_of,
    everything,
    form,
    go_live,
    load,
    push_that_says,
    record_known_of,
    set_at,
)
from tests.factories import carry_out, fresh, make_location, superuser
from tests.operations.asking import FOUR, ONE, THREE, TWO, hold, lines, push_parts, resume, retry

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def location():
    """Answer acme/production/shop."""
    return make_location()


def end(deploy: Deploy, status: DeployStatus = DeployStatus.FAILED) -> Deploy:
    """Have it end without going live."""
    Deploy.objects.filter(pk=deploy.pk).update(status=status, finished_at=timezone.now())
    return Deploy.objects.get(pk=deploy.pk)


def test_that_went_live_what_ci_sent_with_it_is_recorded(location):
    pushed = push_that_says(location, ONE, asset("a"), asset("b"))
    record_known_of(pushed)
    assert not AssetSet.objects.exists()

    live = carry_out(pushed)
    record_known_of(live)

    assert changes_of(live) == {"a": "ADDED", "b": "ADDED"}
    sent = SentSnapshot.objects.get()
    assert (sent.body, sent.asset_count, sent.sent_by_name) == (None, 2, superuser().username)
    assert sent.recorded_at is not None
    assert "Assets: 2 added." in lines(live)


def test_that_went_live_what_the_platform_serves_is_recorded(location):
    live = go_live(location)
    load(live, form("a", kinds=["dbt"], jobs=["nightly"]), form("b/c"))

    record_known_of(live)

    assert changes_of(live) == {"a": "ADDED", "b/c": "ADDED"}
    assert AssetSet.objects.get().source == Source.PLATFORM
    assert Load.objects.get().raw is None


def test_whose_platform_shows_one_key_twice_the_one_that_can_be_made_is_recorded(location):
    live = go_live(location)
    load(live, form("a", is_stub=True, is_materializable=False, code_version=None), form("a", code_version="7"))

    record_known_of(live)

    assert '"code_version":"7"' in AssetVersion.objects.get().read


def test_whose_platform_shows_keys_that_are_too_long_the_others_are_recorded(location):
    live = go_live(location)
    load(live, form("a", deps=[{"key": ["x" * 600], "partition_mapping": None}]), form("x" * 600))

    record_known_of(live)

    assert set_at(live) == {"a": 1}
    assert "1 assets have keys that are too long" in AssetSet.objects.get().note


def test_that_has_both_the_platform_teaches_what_ci_sent(location):
    live = carry_out(push_that_says(location, ONE, asset("a"), asset("b")))
    read = load(live, form("a"), form("b"))
    record_known_of(live)
    found = AssetSet.objects.get()
    assert (found.source, found.platform_digest, found.note) == (Source.SNAPSHOT, read.definitions_digest, "")
    assert all(version.read and version.sent for version in AssetVersion.objects.all())

    following = go_live(location)
    load(following, form("a"), form("b", code_version="2"))
    record_known_of(following)

    assert changes_of(following) == {"b": "CHANGED CODE_VERSION"}
    assert set_at(following) == {"a": 1, "b": 2}


def test_that_has_both_and_they_disagree_a_note_says_in_what(location):
    live = carry_out(push_that_says(location, ONE, asset("a"), *(asset(f"old/{number}") for number in range(5))))
    load(live, form("a"), form("new"))

    record_known_of(live)

    note = AssetSet.objects.get().note
    assert "the platform does not show old/0, old/1, old/2 and 2 more" in note
    assert "the snapshot does not have new" in note
    assert set_at(live).keys() == {"a", *(f"old/{number}" for number in range(5))}


def test_that_failed_nothing_is_recorded_and_what_was_served_is_dropped(location):
    failed = end(push_that_says(location, ONE, asset("a")))
    load(failed, form("a"))

    record_known_of(failed)

    assert not AssetSet.objects.exists()
    assert Load.objects.get().raw is None
    # Somebody may try it again.
    assert SentSnapshot.objects.get().body is not None


def test_that_did_not_load_nothing_is_known_instead_of_an_empty_set(location):
    first, second = go_live(location), go_live(location)
    load(first, form("a"))
    record_known_of(first)
    load(second, ok=False)

    record_known_of(second)

    assert not AssetSet.objects.filter(deploy=second).exists()
    assert set_at(second) == {"a": 1}
    assert Deploy.objects.get(pk=second.pk).asset_counts is None


def test_that_is_recorded_again_and_again_nothing_changes(location):
    live = carry_out(push_that_says(location, ONE, asset("a")))
    load(live, form("a"))
    record_known_of(live)
    before, told = everything(), lines(live)

    for _ in range(2):
        record_known_of(live)

    assert (everything(), lines(live)) == (before, told)


def test_that_is_tried_again_the_snapshot_of_the_first_try_is_recorded(location):
    failed = end(push_that_says(location, ONE, asset("a")))
    again = end(retry(failed))

    live = carry_out(retry(again))
    record_known_of(live)

    assert changes_of(live) == {"a": "ADDED"}
    assert SentSnapshot.objects.get().deploy == failed
    assert SentSnapshot.objects.get().body is None


def test_that_carries_what_was_held_the_snapshot_of_that_is_recorded(location):
    carry_out(push_parts(location, bundles={"dags": ONE}))
    hold(location)
    push_that_says(location, TWO, asset("a"))
    push_parts(location, bundles={"data": THREE})

    resumed = resume(location)
    assert resumed is not None
    live = carry_out(resumed)
    record_known_of(live)

    assert live.carried.keys() == {"bundle:dags"}
    assert changes_of(live) == {"a": "ADDED"}


def test_that_brings_other_code_than_what_it_carries_that_snapshot_is_not_recorded(location):
    hold(location)
    digest = push_parts(location, bundles={"dags": ONE, "data": ONE}).parts["bundles"]
    push_that_says(location, TWO, asset("old"), mount="data")
    Deploy.objects.filter(number=2).update(parts={"bundles": {**digest, "src": digest["data"]}})
    push_parts(location, bundles={"src": FOUR})
    push_parts(location, bundles={"data": FOUR})

    resumed = resume(location)
    assert resumed is not None
    live = carry_out(resumed)
    record_known_of(live)

    assert {part["from"] for part in live.carried.values()} == {2, 3}
    assert not AssetSet.objects.exists()


def test_that_did_not_take_an_answer_for_its_own_the_log_says_why(location):
    first = carry_out(push_that_says(location, ONE, asset("a"), asset("b")))
    record_known_of(first)
    second = carry_out(push_that_says(location, TWO, asset("a"), source="dbt"))
    load(second, form("a", code_version="2"), form("b"))

    record_known_of(second)

    assert "Its assets were not recorded: a is an asset of another source" in lines(second)
    assert SentSnapshot.objects.get(deploy=second).body is None
    # The one that was refused does not take the other with it.
    assert changes_of(second) == {"a": "CHANGED CODE_VERSION"}


def test_that_could_not_be_recorded_this_time_nothing_is_lost(location, monkeypatch: pytest.MonkeyPatch):
    live = carry_out(push_that_says(location, ONE, asset("a")))
    load(live, form("a"))

    def break_down(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(deploys, "record", break_down)
    with pytest.raises(OperationalError):
        record_known_of(live)
    monkeypatch.undo()

    assert recording.due_deploys() == [live.pk]
    record_known_of(live)
    assert changes_of(live) == {"a": "ADDED"}


def test_whose_platform_serves_what_it_served_before_one_row_is_written_and_nothing_is_unpacked(location):
    first, second = go_live(location), go_live(location)
    read = load(first, form("a"), form("b"))
    record_known_of(first)
    before = everything(*ROWS_OF_ASSETS)
    load(second, form("a"), form("b"))
    Load.objects.filter(deploy=second).update(raw=b"no JSON at all")

    record_known_of(second)

    found = AssetSet.objects.get(deploy=second)
    assert (found.asset_count, found.platform_digest, found.added) == (2, read.definitions_digest, 0)
    assert everything(*ROWS_OF_ASSETS) == before
    assert Deploy.objects.get(pk=second.pk).asset_counts == {"added": 0, "removed": 0, "changed": 0}
    assert Load.objects.get(deploy=second).raw is None
    assert "Assets: nothing changed." in lines(second)


def test_whose_artifacts_are_purged_every_row_of_assets_stays(location):
    for files, version in ((ONE, "1"), (TWO, "2"), (THREE, "3")):
        live = carry_out(push_that_says(location, files, asset("a", code_version=version)))
        record_known_of(live)
    before = everything(*ROWS_OF_ASSETS, AssetSet)

    retention.purge(now=timezone.now() + timedelta(days=400))

    assert Release.objects.filter(purged_at__isnull=False).exists()
    assert everything(*ROWS_OF_ASSETS, AssetSet) == before
    assert AssetChange.objects.count() == 3


def test_that_never_went_live_its_snapshot_is_forgotten_after_ninety_days(location):
    now = timezone.now()
    pushes = {
        days: push_that_says(location, {"a.py": str(days).encode()}, asset("a"), source_position=None)
        for days in (89, 91, 200)
    }
    for days, each in pushes.items():
        end(each)
        Deploy.objects.filter(pk=each.pk).update(finished_at=now - timedelta(days=days))
    waiting = push_that_says(location, TWO, asset("a"))

    assert recording.forget_unused_snapshots(now=now) == 2

    kept = SentSnapshot.objects.filter(body__isnull=False).values_list("deploy_id", flat=True)
    assert set(kept) == {pushes[89].pk, waiting.pk}
    operations.cancel(deploy=waiting, actor=superuser(), now=now)
    assert fresh(location).next_number == 5
