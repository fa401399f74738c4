"""A dbt manifest beside other assets …"""

import pytest

from assets.models import AssetSet
from assets.recording import KeyClash
from assets.states import Source, World
from deployments.models import CodeLocation, Deploy
from tests.assets.sets import asset, changes_of, define, everything, go_live, present, record, set_at
from tests.factories import make_location

pytestmark = [pytest.mark.django_db, pytest.mark.services]

MODEL = "model.shop.orders"


@pytest.fixture
def location() -> CodeLocation:
    """Answer a code location."""
    return make_location()


@pytest.mark.parametrize("dbt_first", [False, True])
def test_takes_nothing_away_and_loses_nothing(location, dbt_first: bool):
    first, second = go_live(location), go_live(location)
    sets = [(Source.SNAPSHOT, define(asset("a"), asset("b"))), (Source.DBT, define(asset(MODEL)))]
    for source, said in reversed(sets) if dbt_first else sets:
        record(first, said, source=source)

    record(second, define(asset(MODEL, code_version="2")), source=Source.DBT)
    record(second, define(asset("a")))

    assert changes_of(second) == {MODEL: "CHANGED CODE_VERSION", "b": "REMOVED"}
    assert present(location) == ["a", MODEL]
    assert Deploy.objects.get(pk=first.pk).asset_counts == {"added": 3, "removed": 0, "changed": 0}
    assert Deploy.objects.get(pk=second.pk).asset_counts == {"added": 0, "removed": 1, "changed": 1}


def test_stays_in_force_when_a_deploy_says_nothing_of_it(location):
    first, second = go_live(location), go_live(location)
    record(first, define(asset("a")))
    record(first, define(asset(MODEL)), source=Source.DBT)

    record(second, define(asset("a", code_version="2")))

    assert set_at(second) == {"a": 2, MODEL: 1}
    assert list(AssetSet.objects.filter(deploy=second).values_list("chain__world", flat=True)) == [World.ASSETS]


@pytest.mark.parametrize("gone", [False, True])
def test_is_refused_if_it_has_a_key_of_theirs_and_nothing_is_written(location, gone: bool):
    first, second = go_live(location), go_live(location)
    record(first, define(asset(MODEL), asset("a")))
    record(first, define(asset("seed.shop.rows")), source=Source.DBT)
    if gone:
        record(second, define(asset("a")))
    before = everything()

    with pytest.raises(KeyClash) as refused:
        record(second, define(asset("model.shop.new"), asset(MODEL)), source=Source.DBT, ignored=["meta/x"])

    assert refused.value.code == "key_of_another_source"
    assert MODEL in refused.value.detail
    assert everything() == before


def test_is_refused_without_a_chain_of_its_own_left_behind(location):
    from assets.models import AssetChain

    first = go_live(location)
    record(first, define(asset(MODEL)))

    with pytest.raises(KeyClash):
        record(first, define(asset(MODEL)), source=Source.DBT)

    assert [chain.world for chain in AssetChain.objects.all()] == [World.ASSETS]
