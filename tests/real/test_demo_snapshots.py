"""The snapshots in demo/snapshots are what `lastgood snapshot` makes of the demonstration's versions."""

import itertools
from pathlib import Path

import pytest
from lastgood.definitions import differ, reading
from lastgood.definitions.prints import CHANGE_TYPES

from portal.dagster_env import ensure_dagster_env
from portal.demo import BROKEN, NEXT_TRY, VERSIONS
from tests.real import snapshot_client
from tests.real.snapshot_client import Lastgood

pytestmark = [pytest.mark.dagster, pytest.mark.xdist_group("dagster")]

SHOP = snapshot_client.ROOT / "demo" / "shop"
SNAPSHOTS = snapshot_client.ROOT / "demo" / "snapshots"
GOOD = [*(version for version in VERSIONS if version != BROKEN), NEXT_TRY]


@pytest.fixture(scope="module")
def lastgood(tmp_path_factory: pytest.TempPathFactory) -> Lastgood:
    bin_dir = ensure_dagster_env(snapshot_client.ROOT / ".tools", say=print)
    return snapshot_client.install(tmp_path_factory.mktemp("client"), bin_dir)


@pytest.mark.parametrize("version", GOOD)
def test_is_what_the_version_defines(lastgood: Lastgood, version: str) -> None:
    source = SHOP / version

    done = lastgood("snapshot", "-f", source / "definitions.py", "-d", source, cwd=SHOP)

    # After a change to the demonstration:
    # lastgood snapshot -f demo/shop/<v>/definitions.py -d demo/shop/<v> -o demo/snapshots/<v>.json
    assert done.stdout == (SNAPSHOTS / f"{version}.json").read_bytes(), done.stderr


def test_has_none_of_the_version_that_does_not_import(lastgood: Lastgood, tmp_path: Path) -> None:
    done = lastgood("snapshot", "-f", SHOP / BROKEN / "definitions.py", "-d", SHOP / BROKEN, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"cannot import name 'refunds'" in done.stderr
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == set(GOOD)


def test_shows_every_kind_of_change() -> None:
    snapshots = [reading.read((SNAPSHOTS / f"{version}.json").read_bytes()).assets for version in GOOD]

    steps = [differ.diff(old, new) for old, new in itertools.pairwise(snapshots)]

    assert all(step.added or step.changed for step in steps)
    assert any(step.removed for step in steps)
    assert {kind for step in steps for change in step.changed.values() for kind in change.change_types} == {
        *CHANGE_TYPES
    }
