"""A rollback …"""

from typing import Any

import pytest

from assets.models import AssetSet, AssetVersion
from assets.states import Source
from deployments.models import CodeLocation, Deploy
from tests.assets.sets import (
    asset,
    changes_of,
    form,
    go_live,
    load,
    push_that_says,
    record_known_of,
    set_at,
)
from tests.factories import carry_out, make_location, roll_back
from tests.operations.asking import ONE, THREE, TWO, push_parts, resume

pytestmark = [pytest.mark.django_db, pytest.mark.services]

DAILY = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
TOLD = {"type": "TIME_WINDOW", "description": "Daily, starting 2024-01-01 UTC."}


@pytest.fixture
def location() -> CodeLocation:
    """Answer acme/production/shop."""
    return make_location()


def sent(location: CodeLocation, files: dict[str, bytes], *entries: dict[str, Any]) -> Deploy:
    """Deploy what says what it defines, and record it."""
    live = carry_out(push_that_says(location, files, *entries))
    record_known_of(live)
    return live


def test_brings_back_what_the_older_deploy_defined_though_nobody_says_so(location):
    sent(location, ONE, asset("a"), asset("gone"))
    sent(location, TWO, asset("a", code_version="2"), asset("new"))

    back = roll_back(location, 1)
    record_known_of(back)

    assert changes_of(back) == {"a": "CHANGED CODE_VERSION", "gone": "ADDED", "new": "REMOVED"}
    assert set_at(back) == {"a": 1, "gone": 1}
    found = AssetSet.objects.get(deploy=back)
    assert (found.source, found.known_from_id) == (Source.KNOWN, Deploy.objects.get(number=1).pk)
    assert AssetVersion.objects.count() == 4


def test_brings_back_the_older_versions_when_the_platform_tells_them(location):
    first, second = go_live(location), go_live(location)
    load(first, form("a"), form("b"))
    record_known_of(first)
    load(second, form("a", code_version="2"), form("b"))
    record_known_of(second)

    back = roll_back(location, 1)
    load(back, form("a"), form("b"))
    record_known_of(back)

    assert changes_of(back) == {"a": "CHANGED CODE_VERSION"}
    assert set_at(back) == {"a": 1, "b": 1}
    assert AssetSet.objects.get(deploy=back).source == Source.PLATFORM


@pytest.mark.parametrize("between", [False, True], ids=["at once", "after a deploy that CI said nothing of"])
def test_brings_back_what_the_platform_cannot_show(location, between: bool):
    first = carry_out(push_that_says(location, ONE, asset("a", partitions_def=DAILY)))
    load(first, form("a", partitions_def=TOLD))
    record_known_of(first)
    second = carry_out(push_that_says(location, TWO, asset("a", partitions_def=DAILY | {"end_offset": 1})))
    load(second, form("a", partitions_def=TOLD))
    record_known_of(second)
    assert changes_of(second) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    if between:
        third = carry_out(push_parts(location, bundles={"dags": THREE}))
        load(third, form("a", partitions_def=TOLD))
        record_known_of(third)
        assert set_at(third) == {"a": 2}

    back = roll_back(location, 1)
    load(back, form("a", partitions_def=TOLD))
    record_known_of(back)

    assert changes_of(back) == {"a": "CHANGED PARTITIONS_DEFINITION"}
    assert set_at(back) == {"a": 1}


def test_is_recorded_as_the_platform_tells_it_where_that_is_not_what_it_was(location):
    sent(location, ONE, asset("a"), asset("b"))
    sent(location, TWO, asset("a", code_version="2"), asset("b"))

    back = roll_back(location, 1)
    load(back, form("a", code_version="elsewhere"), form("b"))
    record_known_of(back)

    assert changes_of(back) == {"a": "CHANGED CODE_VERSION"}
    assert set_at(back) == {"a": 3, "b": 1}


def test_to_a_rollback_brings_back_what_that_one_brought_back(location):
    sent(location, ONE, asset("a"))
    sent(location, TWO, asset("a", code_version="2"))
    record_known_of(roll_back(location, 1))
    resume(location)
    sent(location, THREE, asset("a", code_version="3"))

    back = roll_back(location, 3)
    record_known_of(back)

    assert set_at(back) == {"a": 1}
    assert AssetSet.objects.get(deploy=back).known_from == Deploy.objects.get(number=3)


def test_to_a_deploy_of_which_nothing_was_recorded_leaves_that_open(location):
    first = go_live(location)
    sent(location, TWO, asset("a"))

    back = roll_back(location, 1)
    record_known_of(back)

    assert not AssetSet.objects.filter(deploy__in=[first, back]).exists()
    assert set_at(back) == {"a": 1}


def test_is_not_the_only_act_whose_code_is_known(location):
    sent(location, ONE, asset("a"))
    sent(location, TWO, asset("a", code_version="2"))

    again = carry_out(push_parts(location, bundles={"dags": ONE}))
    record_known_of(again)

    assert changes_of(again) == {"a": "CHANGED CODE_VERSION"}
    assert AssetSet.objects.get(deploy=again).source == Source.KNOWN
