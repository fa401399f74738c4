"""The history that writes itself, of a real Dagster that others reload, break, mend and restart."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.models import CodeLocation, Deploy, Load, LoadRun, PlatformWatch
from deployments.states import DeployKind, DeployStatus, TargetKind
from portal.dagster_env import ensure_dagster_env
from tests.operations.brokers import silent_broker
from tests.real.dagster_server import CodeServer
from tests.real.observed_scene import BROKEN, Watched, project
from tests.workers import ROOT

__all__ = ["silent_broker"]

pytestmark = [
    pytest.mark.dagster,
    pytest.mark.xdist_group("dagster"),
    # Leases are renewed from threads of their own: they must see what is written.
    pytest.mark.django_db(transaction=True),
]

V1, V2 = project("1", "orders"), project("2", "orders", "refunds")
AFTERWARDS = timedelta(minutes=2)  # what comes later than this is another load, even of the same code
Start = Callable[..., Watched]


@pytest.fixture(scope="session")
def dagster_bin() -> Path:
    """Make Dagster's own environment, once."""
    return ensure_dagster_env(ROOT / ".tools", say=print)


@pytest.fixture
def start(tmp_path: Path, dagster_bin: Path) -> Iterator[Start]:
    """Answer what starts a Dagster whose locations serve the first version, put there by hand."""
    with ExitStack() as running:

        def started(*names: str, target: TargetKind = TargetKind.DIRECTORY) -> Watched:
            watched = Watched(tmp_path, dagster_bin, *names, target=target)
            for name in names:
                watched.write_by_hand(name, V1)
            running.enter_context(watched.dagster)
            return watched

        yield started


def counts(deploy: Deploy) -> tuple[int, int, int] | None:
    """Answer how many assets it added, removed and changed."""
    told = Deploy.objects.get(pk=deploy.pk).asset_counts
    return told and (told["added"], told["removed"], told["changed"])


def test_d1_d9_a_dagster_that_nobody_tells_about_writes_its_history_by_itself(start: Start):
    watched = start("shop")
    assert not CodeLocation.objects.exists()

    watched.look_until_settled("shop")
    shop = watched.location()
    first = shop.live_deploy
    assert (first.number, first.kind, first.status) == (1, DeployKind.OBSERVED, DeployStatus.SUCCEEDED)
    assert (first.actor_name, first.actor, first.verified) == ("observed", None, True)
    assert counts(first) == (1, 0, 0)
    assert PlatformWatch.objects.get().version
    assert shop.last_load.metadata["working_directory"].endswith("/shop/current/dags")
    assert shop.last_load.metadata["library/dagster"] == PlatformWatch.objects.get().version

    # Somebody edits the running project, and presses "Reload" in Dagster.
    watched.write_by_hand("shop", V2)
    watched.look()
    assert Load.objects.count() == 1
    watched.press_reload()
    watched.look()
    second = watched.location().live_deploy
    assert (second.number, second.kind, second.previous) == (2, DeployKind.OBSERVED, first)
    assert second.release != first.release
    assert counts(second) == (1, 0, 1)

    # A mistake: it fails to load, once, however often anybody looks or tries again.
    watched.write_by_hand("shop", BROKEN)
    watched.press_reload()
    watched.look()
    failed = Deploy.objects.get(number=3)
    assert (failed.kind, failed.status, failed.verified) == (DeployKind.OBSERVED, DeployStatus.FAILED, False)
    assert (failed.error["code"], failed.live_seq) == ("load_failed", None)
    assert "a_module_that_is_not_there" in failed.error["detail"]
    frames = [link["frame"] for link in failed.error["chain"] if link["frame"]]
    assert frames[-1].endswith(f"shop/current/dags/defs.py:1 in <module>: {BROKEN.strip()}")
    assert watched.location().live_deploy == second
    assert Load.objects.filter(deploy=second, ok=True).exists()
    watched.press_reload()
    watched.look()
    assert watched.location().deploys.count() == 3
    assert Load.objects.filter(ok=False).count() == 1

    # Mended: what was live is back, and that is no deploy.
    watched.write_by_hand("shop", V2)
    watched.press_reload()
    watched.look()
    shop = watched.location()
    assert (shop.live_deploy, shop.deploys.count()) == (second, 3)
    assert (shop.last_load.ok, shop.last_load.again, shop.last_load.deploy) == (True, True, second)
    assert counts(second) == (1, 0, 1)

    # The webserver restarts: the same code once more, which collapses into one row.
    runs, loads = LoadRun.objects.count(), Load.objects.count()
    watched.let_time_pass(AFTERWARDS)
    before = shop.last_load
    watched.dagster.stop()
    watched.dagster.start()
    watched.look_until(lambda: watched.location().last_load != before)
    shop = watched.location()
    assert (shop.last_load.ok, shop.last_load.again, shop.last_load.deploy) == (True, True, second)
    assert shop.last_load.server_id != before.server_id
    assert (shop.deploys.count(), Load.objects.count()) == (3, loads + 1)
    assert LoadRun.objects.count() == runs
    newest = LoadRun.objects.order_by("-pk").first()
    assert newest.newest == shop.last_load
    assert newest.count >= 2
    assert newest.last_at - newest.first_at >= AFTERWARDS - timedelta(seconds=60)


def test_d10_an_edit_by_hand_is_observed_and_left_by_a_rollback_through_the_link(start: Start):
    watched = start("shop")
    watched.look_until_settled("shop")
    ours = watched.deploy(project("7", "orders", "returns"))
    assert (ours.status, ours.verified, ours.kind) == (DeployStatus.SUCCEEDED, True, DeployKind.DAGS), ours.error
    assert counts(ours) == (1, 0, 1)
    watched.look()
    assert watched.location().last_load.deploy == ours
    assert ours.loads.count() == 1

    # Into the release that is in place, behind everybody's back.
    watched.write_by_hand("shop", project("8", "orders"))
    watched.press_reload()
    watched.look()
    observed = watched.location().live_deploy
    assert (observed.kind, counts(observed)) == (DeployKind.OBSERVED, (0, 1, 1))

    back = watched.roll_back("last-good")

    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, ours), back.error
    assert watched.served() == {"orders": "7", "returns": "7"}
    assert counts(back) == (1, 0, 1)
    watched.look()
    now = watched.location()
    assert (now.live_deploy, now.last_load.deploy, now.deploys.count()) == (back, back, 4)


def test_d10_the_same_rollback_in_a_shared_workspace_loads_the_neighbours_again_and_says_so(start: Start):
    watched = start("shop", "orders", target=TargetKind.WORKSPACE)
    watched.look_until_settled("shop", "orders")
    ours = watched.deploy(project("7", "orders", "returns"))
    assert (ours.status, ours.verified) == (DeployStatus.SUCCEEDED, True), ours.error
    release = watched.root / "shop" / "releases"
    assert f"{release}/{ours.number}-" in watched.file.read_text()
    assert watched.served() == {"orders": "7", "returns": "7"}
    watched.write_by_hand("shop", project("8", "orders"))
    watched.press_reload()
    watched.look()
    assert watched.location().live_deploy.kind == DeployKind.OBSERVED
    watched.let_time_pass(AFTERWARDS)

    back = watched.roll_back(ours.number)

    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, ours), back.error
    assert f"{release}/{back.number}-" in watched.file.read_text()
    assert watched.served() == {"orders": "7", "returns": "7"}
    assert watched.served("orders") == {"orders": "1"}

    watched.look()
    neighbour = watched.location("orders")
    assert (neighbour.last_load.again, neighbour.last_load.reloaded_by) == (True, back)
    assert neighbour.deploys.count() == 1
    assert back.loads.get().reloaded_by is None
    assert watched.location().last_load.deploy == back


def test_d1_d9_a_code_server_that_dies_is_one_failure_when_it_does_not_come_back(tmp_path: Path, dagster_bin: Path):
    watched = Watched(tmp_path, dagster_bin, "shop")
    watched.write_by_hand("shop", V1)
    where = ["-f", f"{watched.code()}/defs.py", "-d", str(watched.code())]
    server = CodeServer(
        "code-server start", *where, bin_dir=dagster_bin, home=tmp_path / "code-server", cwd=watched.root
    )
    watched.serve_through(server.port)
    with server, watched.dagster:
        watched.look_until_settled("shop")
        first = watched.location().live_deploy
        watched.write_by_hand("shop", V2)
        watched.press_reload()
        watched.look()
        second = watched.location().live_deploy
        assert (second.number, counts(second)) == (first.number + 1, (1, 0, 1))

        server.stop()
        watched.press_reload()
        watched.look()
        # Dagster heals that by itself more often than not.
        assert watched.location().last_load.ok
        assert watched.location().unsettled_since is not None
        watched.let_time_pass(timedelta(seconds=15))
        watched.look()
        watched.let_time_pass(AFTERWARDS)
        watched.look()
        shop = watched.location()
        assert (shop.last_load.ok, shop.last_load.error["transient"]) == (False, True)
        assert [deploy.status for deploy in shop.deploys.filter(number__gt=2)] == [DeployStatus.FAILED]
        assert shop.live_deploy == second

        server.start()
        watched.press_reload()
        watched.look_until(lambda: watched.location().last_load.ok)
        shop = watched.location()
        assert (shop.last_load.again, shop.last_load.deploy, shop.live_deploy) == (True, second, second)
        assert Load.objects.filter(ok=False).count() == 1
