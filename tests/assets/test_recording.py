"""Recording …"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets import recording
from assets.history import details_of
from assets.models import Asset, AssetChange, AssetDependency, AssetSet, AssetVersion, Validity
from assets.recording import AlreadyRecorded
from assets.recording.sets import learn
from assets.states import Source
from deployments.models import Deploy
from portal.common.problems import Refusal
from tests.assets.sets import (
    ROWS_OF_ASSETS,
    asset,
    changes_of,
    define,
    everything,
    go_live,
    present,
    record,
    row_of_history,
    set_at,
)
from tests.factories import make_location, push
from tests.operations.asking import lines

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_calls_everything_added_at_first():
    location = make_location()
    first = go_live(location)

    record(first, define(asset("a"), asset("b")))

    assert changes_of(first) == {"a": "ADDED", "b": "ADDED"}
    first.refresh_from_db()
    assert first.asset_counts == {"added": 2, "removed": 0, "changed": 0}


def test_writes_only_what_changed():
    location = make_location()
    record(go_live(location), define(asset("a"), asset("b"), asset("c")))
    second = go_live(location)

    record(second, define(asset("a"), asset("b", code_version="2", tags={"x": "y"}), asset("d")))

    assert changes_of(second) == {"b": "CHANGED CODE_VERSION TAGS", "c": "REMOVED", "d": "ADDED"}
    assert present(location) == ["a", "b", "d"]
    assert set_at(second) == {"a": 1, "b": 2, "d": 1}


def test_writes_no_row_of_assets_when_nothing_changed():
    location = make_location()
    record(go_live(location), define(asset("a"), asset("b")))
    before = [model.objects.count() for model in (Asset, AssetVersion, Validity, AssetChange)]

    record(go_live(location), define(asset("b"), asset("a")))

    assert [model.objects.count() for model in (Asset, AssetVersion, Validity, AssetChange)] == before


def test_recognises_an_older_version_when_it_comes_back():
    location = make_location()
    record(go_live(location), define(asset("a")))
    record(go_live(location), define(asset("a", code_version="2")))
    third = go_live(location)

    record(third, define(asset("a")))

    assert set_at(third) == {"a": 1}
    assert AssetVersion.objects.count() == 2


def test_compares_the_next_recorded_neighbour_anew_when_a_snapshot_arrives_late():
    location = make_location()
    first, late, third = go_live(location), go_live(location), go_live(location)
    record(first, define(asset("a"), asset("b")))
    record(third, define(asset("a", code_version="2"), asset("c")))

    record(late, define(asset("a", code_version="2"), asset("b")))

    assert changes_of(late) == {"a": "CHANGED CODE_VERSION"}
    assert changes_of(third) == {"b": "REMOVED", "c": "ADDED"}
    assert [set_at(each) for each in (first, late, third)] == [{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "c": 1}]


def test_compares_two_sources_in_what_both_can_see():
    location = make_location()
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
    told = {"type": "time_window", "description": "Daily, starting 2024-01-01 UTC."}
    moved = {"type": "time_window", "description": "Hourly, starting 2024-01-01 UTC."}
    first, second, third, fourth = [go_live(location) for _ in range(4)]
    record(first, define(asset("a", partitions_def=exact)))

    record(second, define(asset("a", partitions_def=told)), source=Source.PLATFORM)
    record(third, define(asset("a", partitions_def=moved)), source=Source.PLATFORM)
    record(fourth, define(asset("a", partitions_def=exact, tags={"x": "y"})))

    assert changes_of(second) == {}
    assert changes_of(third) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    assert changes_of(fourth) == {"a": "CHANGED TAGS"}


def test_recording_twice_is_recording_once():
    location = make_location()
    first = go_live(location)
    definitions = define(asset("a"), asset("b"))

    assert record(first, definitions).pk == record(first, definitions).pk
    assert AssetChange.objects.count() == 2


def test_is_of_deploys_that_went_live_alone():
    queued = push(make_location())

    with pytest.raises(Refusal) as refused:
        record(queued, define(asset("a")))

    assert refused.value.code == "not_live"
    assert not AssetSet.objects.exists()


def test_an_empty_set_takes_everything_away():
    location = make_location()
    record(go_live(location), define(asset("a", deps=[{"key": ["b"]}]), asset("b")))
    second = go_live(location)

    record(second, define())

    assert changes_of(second) == {"a": "REMOVED", "b": "REMOVED"}
    assert present(location) == []
    assert not AssetDependency.objects.exists()


def test_refuses_a_second_snapshot_with_other_words_and_changes_nothing():
    location = make_location()
    first = go_live(location)
    record(first, define(asset("a")))
    before = everything()

    with pytest.raises(AlreadyRecorded) as refused:
        record(first, define(asset("a", code_version="2")))

    assert refused.value.code == "already_recorded"
    assert everything() == before


def test_puts_a_snapshot_in_the_place_of_what_the_platform_told():
    location = make_location()
    first, second = go_live(location), go_live(location)
    record(first, define(asset("a"), asset("b"), asset("gone")))
    record(second, define(asset("a", code_version="2"), asset("c")), source=Source.PLATFORM)

    record(second, define(asset("a"), asset("b", tags={"x": "y"})))

    assert changes_of(second) == {"b": "CHANGED TAGS", "gone": "REMOVED"}
    assert present(location) == ["a", "b"]
    assert dict(Asset.objects.filter(current__isnull=False).values_list("key", "current__number")) == {"a": 1, "b": 2}
    second.refresh_from_db()
    assert second.asset_counts == {"added": 0, "removed": 1, "changed": 1}
    assert AssetSet.objects.get(deploy=second).source == Source.SNAPSHOT


def test_keeps_the_version_that_the_platform_told_when_the_snapshot_says_the_same_more_exactly():
    location = make_location()
    first = go_live(location)
    told = {"type": "time_window", "description": "Daily, starting 2024-01-01 UTC."}
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
    record(first, define(asset("a", partitions_def=told)), source=Source.PLATFORM)

    record(first, define(asset("a", partitions_def=exact)))

    version = AssetVersion.objects.get()
    assert (version.number, bool(version.sent), bool(version.read)) == (1, True, True)


def test_does_not_put_what_the_platform_told_in_the_place_of_a_snapshot():
    location = make_location()
    first = go_live(location)
    record(first, define(asset("a")))
    before = everything()

    record(first, define(asset("b")), source=Source.PLATFORM)

    assert everything() == before


def test_compares_the_next_deploy_in_what_was_learned_late():
    location = make_location()
    daily = {"type": "time_window", "cron_schedule": "0 0 * * *"}
    told = {"type": "time_window", "description": "Daily."}
    first, second, third = [go_live(location) for _ in range(3)]
    record(first, define(asset("a", partitions_def=told)), source=Source.PLATFORM)
    record(third, define(asset("a", code_version="2", partitions_def=daily | {"end_offset": 1})))
    assert changes_of(third) == {"a": "CHANGED CODE_VERSION"}

    record(second, define(asset("a", partitions_def=daily)))

    assert changes_of(second) == {}
    assert changes_of(third) == {"a": "CHANGED CODE_VERSION PARTITIONS_DEFINITION"}


def test_calls_what_ci_says_twice_the_same_whatever_the_platform_tells_of_it():
    location = make_location()
    first, second, third, fourth = [go_live(location) for _ in range(4)]
    daily = {"type": "time_window", "cron_schedule": "0 0 * * *"}
    here, there = ({"type": "time_window", "description": f"Daily, {zone}."} for zone in ("UTC", "CET"))
    record(first, define(asset("a", partitions_def=daily)))
    record(second, define(asset("a", partitions_def=here)), source=Source.PLATFORM)
    record(third, define(asset("a", partitions_def=there)), source=Source.PLATFORM)
    record(fourth, define(asset("a", partitions_def=daily)))

    record(third, define(asset("a", partitions_def=daily)))

    assert [changes_of(each) for each in (second, third, fourth)] == [{}, {}, {}]


def test_tells_the_next_deploy_that_it_was_compared_anew():
    location = make_location()
    first, second = go_live(location), go_live(location)
    record(second, define(asset("a")))

    record(first, define(asset("a")))

    assert "The assets of #1 were recorded later" in lines(second)
    assert Deploy.objects.get(pk=second.pk).asset_counts == {"added": 0, "removed": 0, "changed": 0}
    assert AssetSet.objects.get(deploy=second).follows == AssetSet.objects.get(deploy=first)


def test_writes_nothing_of_assets_while_sources_take_turns():
    location = make_location()
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0}
    told = {"type": "time_window", "description": "Daily, starting 2024-01-01 UTC."}
    sent, read = (define(asset("a", partitions_def=form), asset("b", deps=[{"key": ["a"]}])) for form in (exact, told))

    def take_turns() -> None:
        record(go_live(location), sent)
        record(go_live(location), read, source=Source.PLATFORM)

    take_turns()
    before = everything(*ROWS_OF_ASSETS)
    for _ in range(4):
        take_turns()

    assert everything(*ROWS_OF_ASSETS) == before
    assert AssetSet.objects.count() == 10


def test_looks_a_gone_asset_up_when_it_comes_back():
    location = make_location()
    record(go_live(location), define(asset("a", group="core")))
    record(go_live(location), define())
    third = go_live(location)

    record(third, define(asset("a", group="core")))

    assert changes_of(third) == {"a": "ADDED"}
    assert (Asset.objects.count(), AssetVersion.objects.count()) == (1, 1)
    assert Asset.objects.get().changed_seq == third.live_seq


def test_shows_group_kinds_and_upstream_of_the_newest_set_alone():
    location = make_location()
    first, second = go_live(location), go_live(location)
    record(second, define(asset("a", group="new", kinds=["dbt", "table"], deps=[{"key": ["x", "y"]}])))

    record(first, define(asset("a", group="old", kinds=["python"], deps=[{"key": ["z"]}])))

    row = Asset.objects.get()
    assert (row.group, row.kinds, row.changed_seq) == ("new", " dbt table ", second.live_seq)
    assert list(row.upstream.values_list("upstream_key", flat=True)) == ["x/y"]


@pytest.mark.parametrize("size", [100, 1000])
def test_asks_no_more_of_the_database_for_one_in_a_hundred_than_for_one(size: int):
    location = make_location()
    many = [asset(f"group/{number}", tags={"tier": "gold"}) for number in range(size)]
    record(row_of_history(location), define(*many))

    def queries(changed: int) -> int:
        deploy = row_of_history(location)
        entries = [asset(f"group/{number}", code_version=str(deploy.number)) for number in range(changed)]
        with CaptureQueriesContext(connection) as captured:
            record(deploy, define(*entries, *many[changed:]))
        assert len(changes_of(deploy)) >= changed
        return len(captured)

    assert queries(size // 100) <= queries(1) + 2 <= 60


def test_asks_the_database_a_number_of_times_that_grows_by_batches():
    def queries(size: int) -> int:
        location = make_location(name=f"shop-{size}", deployment=deployment)
        record(row_of_history(location), define(*(asset(f"a/{number}") for number in range(size))))
        deploy = row_of_history(location)
        with CaptureQueriesContext(connection) as captured:
            record(deploy, define(*(asset(f"a/{number}", code_version="2") for number in range(size))))
        assert len(changes_of(deploy)) == size
        return len(captured)

    deployment = make_location(name="first").deployment

    assert queries(1000) - queries(100) <= 40


def test_keeps_what_a_platform_showed_of_older_deploys_when_ci_begins_to_speak():
    location = make_location()
    first, second, third = [go_live(location) for _ in range(3)]
    told = [{"type": "time_window", "description": f"Daily, starting {year}-01-01 UTC."} for year in (2023, 2024, 2025)]
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1735689600.0, "timezone": "UTC"}
    read = [define(asset("a", partitions_def=each)) for each in told]
    record(first, read[0], source=Source.PLATFORM)
    record(second, read[1], source=Source.PLATFORM)
    seen = recording.observe(Source.PLATFORM, read[2])

    recorded = recording.record(
        third,
        recording.observe(Source.SNAPSHOT, define(asset("a", partitions_def=exact))),
        now=timezone.now(),
        beside=seen,
    )
    learn(recorded, seen)

    assert changes_of(second) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    assert changes_of(third) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    assert [set_at(each) for each in (first, second, third)] == [{"a": 1}, {"a": 2}, {"a": 3}]
    step = AssetChange.objects.get(deploy=second)
    assert details_of(step, []).partitions_definition.new == told[1]


def test_keeps_a_change_that_the_platform_showed_when_a_snapshot_takes_the_sets_place():
    location = make_location()
    first, second = go_live(location), go_live(location)
    told = [{"type": "time_window", "description": f"Daily, starting {year}-01-01 UTC."} for year in (2023, 2024)]
    exact = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
    record(first, define(asset("a", partitions_def=told[0]), asset("b")), source=Source.PLATFORM)
    record(second, define(asset("a", partitions_def=told[1]), asset("b")), source=Source.PLATFORM)

    record(second, define(asset("a", partitions_def=exact), asset("b")))

    assert changes_of(second) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    assert AssetVersion.objects.get(asset__key="a", number=1).sent == ""
    assert AssetVersion.objects.get(asset__key="a", number=2).sent
