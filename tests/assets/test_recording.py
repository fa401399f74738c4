"""Recording …"""

import pytest

from assets.models import Asset, AssetChange, AssetVersion, Validity
from assets.states import Source
from tests.assets.sets import asset, changes_of, define, go_live, present, record, set_at
from tests.factories import make_location

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
