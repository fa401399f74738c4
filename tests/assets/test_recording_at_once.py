"""Of recordings at the same moment …"""

import pytest
from django.utils import timezone

from assets import recording
from assets.models import AssetChange, AssetSet, AssetVersion
from assets.states import Source
from deployments.models import Deploy
from tests.assets.sets import asset, changes_of, define, everything, form, go_live, load, record, set_at
from tests.factories import make_location
from tests.operations.racing import at_once, told_apart

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@pytest.fixture
def location():
    """Answer a location of which nothing is recorded."""
    return make_location()


def test_the_same_set_twice_is_one(location):
    first = go_live(location)
    said = define(*(asset(f"a/{number}") for number in range(50)))

    done, codes = told_apart(at_once(*[lambda: record(first, said)] * 4))

    assert codes == []
    assert {each.pk for each in done} == {AssetSet.objects.get().pk}
    assert (AssetVersion.objects.count(), AssetChange.objects.count()) == (50, 50)


def test_two_different_snapshots_of_a_deploy_one_is_refused(location):
    first = go_live(location)

    results = at_once(lambda: record(first, define(asset("a"))), lambda: record(first, define(asset("b"))))

    done, codes = told_apart(results)
    assert (len(done), codes) == (1, ["already_recorded"])
    assert len(set_at(first)) == AssetSet.objects.get().asset_count == 1


def test_sets_of_one_location_each_is_compared_with_the_one_before(location):
    deploys = [go_live(location) for _ in range(4)]

    results = at_once(
        *[
            lambda deploy=deploy, version=version: record(deploy, define(asset("a", code_version=str(version))))
            for version, deploy in enumerate(deploys)
        ]
    )

    assert told_apart(results)[1] == []
    assert [changes_of(each) for each in deploys] == [{"a": "ADDED"}] + [{"a": "CHANGED CODE_VERSION"}] * 3
    assert sorted(version.number for version in AssetVersion.objects.all()) == [1, 2, 3, 4]


def test_a_snapshot_and_a_platform_the_snapshot_stays(location):
    first = go_live(location)

    results = at_once(
        lambda: record(first, define(asset("a"), asset("b"))),
        lambda: record(first, define(asset("a"), asset("c")), source=Source.PLATFORM),
    )

    assert told_apart(results)[1] == []
    assert changes_of(first) == {"a": "ADDED", "b": "ADDED"}


def test_two_worlds_both_are_counted(location):
    first = go_live(location)

    results = at_once(
        lambda: record(first, define(asset("a"), asset("b"))),
        lambda: record(first, define(asset("model.shop.orders")), source=Source.DBT),
    )

    assert told_apart(results)[1] == []
    assert Deploy.objects.get(pk=first.pk).asset_counts == {"added": 3, "removed": 0, "changed": 0}


def test_two_worlds_that_claim_one_key_one_is_refused(location):
    first, second = go_live(location), go_live(location)
    record(first, define(asset("a")))
    record(first, define(asset("model.shop.orders")), source=Source.DBT)

    results = at_once(
        lambda: record(second, define(asset("a"), asset("mine"))),
        lambda: record(second, define(asset("model.shop.orders"), asset("mine")), source=Source.DBT),
    )

    done, codes = told_apart(results)
    assert (len(done), codes) == (1, ["key_of_another_source"])
    assert AssetSet.objects.filter(deploy=second).count() == 1


def test_two_workers_with_one_deploy_it_is_recorded_once(location):
    first = go_live(location)
    load(first, form("a"), form("b"))

    told_apart(at_once(*[lambda: recording.record_deploy(first.pk, now=timezone.now())] * 3))

    after = everything(AssetVersion, AssetChange, AssetSet)
    assert [len(rows) for rows in after] == [2, 2, 1]
    assert changes_of(first) == {"a": "ADDED", "b": "ADDED"}
