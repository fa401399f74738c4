"""Labels that do not count …"""

from typing import Any

import pytest

from assets.definitions.normal import STUB_MARK
from assets.models import AssetChain, AssetVersion, Validity
from assets.states import Source
from deployments.models import CodeLocation
from tests.assets.sets import (
    asset,
    changes_of,
    define,
    everything,
    form,
    go_live,
    load,
    record,
    record_known_of,
    set_at,
)
from tests.factories import make_location

pytestmark = [pytest.mark.django_db, pytest.mark.services]

TABLE = "dagster/table_name"


@pytest.fixture
def location() -> CodeLocation:
    """Answer a code location."""
    return make_location()


def lying(table: str, **said: Any) -> dict[str, Any]:
    """Answer an asset that says which table it lies in."""
    return asset("a", metadata={TABLE: {"type": "Text", "value": table}}, **said)


def test_make_no_change(location):
    first, second = go_live(location), go_live(location)
    record(first, define(lying("staging.a")), ignored=[TABLE])

    record(second, define(lying("production.a")), ignored=[TABLE])

    assert changes_of(second) == {}
    assert AssetVersion.objects.count() == 1


def test_make_no_change_from_the_moment_they_are_named(location):
    first, second, third = [go_live(location) for _ in range(3)]
    record(first, define(lying("one.a")))
    record(second, define(lying("two.a")))

    record(third, define(lying("three.a")), ignored=[TABLE])

    assert changes_of(second) == {"a": "CHANGED METADATA"}
    assert changes_of(third) == {}
    assert set_at(third) == {"a": 2}


def test_do_not_hide_an_older_version_that_comes_back(location):
    first, second, third = [go_live(location) for _ in range(3)]
    record(first, define(lying("one.a")))
    record(second, define(lying("two.a", code_version="2")))

    record(third, define(lying("three.a")), ignored=[TABLE])

    assert changes_of(third) == {"a": "CHANGED CODE_VERSION"}
    assert set_at(third) == {"a": 1}


def test_count_again_when_they_are_named_no_more(location):
    first, second, third = [go_live(location) for _ in range(3)]
    record(first, define(lying("one.a")), ignored=[TABLE])
    record(second, define(lying("two.a")), ignored=[TABLE])

    record(third, define(lying("three.a")))

    assert (changes_of(second), changes_of(third)) == ({}, {"a": "CHANGED METADATA"})
    assert AssetChain.objects.get().ignored == []


def test_are_left_out_of_what_the_platform_tells_too(location):
    first, second = go_live(location), go_live(location)
    record(first, define(lying("one.a")))
    record(second, define(lying("two.a")), source=Source.PLATFORM, ignored=[TABLE])

    assert changes_of(second) == {}
    assert set_at(second) == {"a": 1}


def test_name_stubs_that_do_not_count(location):
    first, second = go_live(location), go_live(location)
    marked = {STUB_MARK: {"type": "Bool", "value": True}}
    record(first, define(asset("a", is_stub=True, metadata=marked)), ignored=[STUB_MARK])

    record(second, define(asset("a")), ignored=[STUB_MARK])

    assert changes_of(second) == {}


def test_do_not_stand_in_the_way_of_the_same_snapshot_once_more(location):
    first = go_live(location)
    record(first, define(lying("one.a")))
    # Under the new list, all is digested anew.
    record(go_live(location), define(lying("one.a")), ignored=[TABLE])
    before = everything()

    record(first, define(lying("one.a")), ignored=[TABLE])

    assert everything() == before


def test_are_compared_asset_by_asset_when_the_platform_serves_the_same(location):
    first, second = go_live(location), go_live(location)
    load(first, form("a", metadata={TABLE: {"type": "Text", "value": "x"}}))
    record_known_of(first)
    location.deployment.ignored_metadata = [TABLE]
    location.deployment.save()
    load(second, form("a", metadata={TABLE: {"type": "Text", "value": "x"}}))

    record_known_of(second)

    assert changes_of(second) == {}
    assert AssetChain.objects.get().ignored == [TABLE]
    assert Validity.objects.count() == 1
