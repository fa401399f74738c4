"""A location with ten thousand assets …"""

import pytest

from assets.models import Asset, AssetChange
from deployments import drivers
from tests.assets.sets import form
from tests.observing.dagster import SYNTAX, Dagster
from tests.observing.world import told

pytestmark = [pytest.mark.django_db]

MANY = 10_000


class Large(Dagster):
    """A Dagster with many assets, of which ten have the code version that their definitions number."""

    def assets(self, digest: int) -> list:
        """Answer ten thousand of them, each with what real ones have."""
        said = {
            "tags": {"team": "sales", "tier": "gold"},
            "metadata": {"table": {"type": "text", "value": "public.orders"}},
        }
        return [
            form(f"layer/asset_{number:05}", code_version=str(digest if number < 10 else 1), **said)
            for number in range(MANY)
        ]


@pytest.fixture
def dagster(monkeypatch: pytest.MonkeyPatch) -> Dagster:
    """Answer a large one."""
    large = Large()
    monkeypatch.setattr(drivers, "platform_for", lambda location: large)
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: large)
    return large


def test_is_recorded_whole_once_and_then_what_changes(world, dagster):
    world.poll()
    assert Asset.objects.count() == MANY
    assert AssetChange.objects.count() == MANY

    world.passes(minutes=1)
    dagster.restart()
    world.poll()
    assert told(world.loads()) == [(1, True, False), (1, True, True)]
    edited = world.after_hand_load(2)
    world.after_hand_load(2, error=SYNTAX)

    assert AssetChange.objects.filter(deploy=edited).count() == 10
    assert Asset.objects.filter(current__isnull=False).count() == MANY
    assert all(load.raw is None for load in world.loads())
