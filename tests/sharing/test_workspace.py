"""A location whose release a workspace.yaml names …"""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from deployments import observing
from deployments.drivers import target_path
from deployments.execution.settling import check_target
from deployments.models import Deploy, Load, PlatformWatch
from deployments.states import DeployStatus, EventLevel
from tests.factories import carry_out, deploy, fresh, push, roll_back
from tests.operations.asking import current, lines, look_again
from tests.sharing.scene import BROKEN, FILE, NAMES, Workspace, code

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def look(workspace: Workspace, *, later: timedelta = timedelta()) -> None:
    """Observe the platform, as the schedule does."""
    PlatformWatch.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert workspace.deployment.pk in observing.due_deployments(now=timezone.now())
    observing.observe(workspace.deployment.pk, clock=lambda: timezone.now() + later)


def test_is_led_to_the_release_itself_and_its_neighbours_are_left(workspace: Workspace):
    before = {name: workspace.entry(name) for name in ("orders", "customers")}

    ended = deploy(workspace.locations["shop"], code("shop-1"))

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    releases = target_path(workspace.locations["shop"]) / "releases"
    path = workspace.entry("shop")["relative_path"]
    assert path.startswith(f"{releases}/1-")
    assert path.endswith(f"/{FILE}")
    assert {name: workspace.entry(name) for name in ("orders", "customers")} == before
    assert workspace.platform.asked.count("reload_all") == 1
    assert "Asked Dagster to load its whole workspace again." in lines(ended)


def test_d10_is_rolled_back_by_its_entry(workspace: Workspace):
    shop = workspace.locations["shop"]
    first = deploy(shop, code("shop-1"))
    where = workspace.entry("shop")["relative_path"]
    deploy(shop, code("shop-2"))
    assert workspace.platform.serves("shop") == "shop-2"

    back = roll_back(shop)

    assert (back.status, back.verified, back.restores) == (DeployStatus.SUCCEEDED, True, first)
    assert workspace.platform.serves("shop") == "shop-1"
    # Its own immutable directory, not that of then: what runs in the one before goes on there.
    assert workspace.named("shop") == b"shop-1"
    assert workspace.entry("shop")["relative_path"] != where
    assert fresh(shop).live_deploy == back


def test_that_the_file_does_not_name_is_refused_and_nothing_is_half_done(workspace: Workspace):
    shop = workspace.locations["shop"]
    deploy(shop, code("shop-1"))
    text = workspace.file.read_text()
    workspace.file.write_text("".join(line for line in text.splitlines(keepends=True) if "of shop" not in line))
    mutilated, link = workspace.file.read_bytes(), current(shop).resolve()
    asked = workspace.platform.asked.count("reload_all")

    ended = deploy(shop, code("shop-2"))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "workspace_entry_missing")
    assert "location_name: 'shop'" in ended.error["detail"] or 'location_name: "shop"' in ended.error["detail"]
    assert workspace.file.read_bytes() == mutilated
    assert current(shop).resolve() == link
    assert [each.name[:2] for each in (target_path(shop) / "releases").iterdir()] == ["1-"]
    assert workspace.platform.asked.count("reload_all") == asked
    now = fresh(shop)
    assert (now.placed_deploy.number, now.wanted_deploy.number, now.live_deploy.number) == (1, 1, 1)
    # The others have what they need, and go on.
    assert deploy(workspace.locations["orders"], code("orders-1")).status == DeployStatus.SUCCEEDED


def test_without_a_workspace_file_is_refused_in_words(workspace: Workspace):
    workspace.file.unlink()

    ended = deploy(workspace.locations["shop"], code("shop-1"))

    assert (ended.status, ended.error["code"]) == (DeployStatus.FAILED, "workspace_missing")
    assert not current(workspace.locations["shop"]).exists()


def test_whose_entry_somebody_led_elsewhere_is_put_back_and_loaded_again(workspace: Workspace):
    shop = workspace.locations["shop"]
    deploy(shop, code("shop-1"))
    deploy(shop, code("shop-2"))
    good = workspace.file.read_text()
    [old] = [each for each in (target_path(shop) / "releases").iterdir() if each.name.startswith("1-")]
    [new] = [each for each in (target_path(shop) / "releases").iterdir() if each.name.startswith("2-")]
    workspace.file.write_text(good.replace(new.name, old.name) + "# a note by hand\n")
    asked = workspace.platform.asked.count("reload_all")

    check_target(shop.pk, clock=timezone.now)

    assert workspace.file.read_text() == good + "# a note by hand\n"
    repair = fresh(shop).placed_deploy.events.get(step="REPAIR")
    assert repair.level == EventLevel.WARNING
    assert "put back" in repair.message
    assert fresh(shop).drift == ""
    assert workspace.platform.asked.count("reload_all") == asked + 1
    assert workspace.platform.serves("shop") == "shop-2"


def test_that_nobody_touched_is_checked_without_an_edit(workspace: Workspace):
    shop = workspace.locations["shop"]
    deploy(shop, code("shop-1"))
    before, fence = workspace.file.stat(), fresh(shop).fence

    check_target(shop.pk, clock=timezone.now)

    after = workspace.file.stat()
    assert (after.st_ino, after.st_mtime_ns, fresh(shop).fence) == (before.st_ino, before.st_mtime_ns, fence)


def test_whose_worker_died_after_the_edit_is_taken_over(workspace: Workspace):
    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    deploy(workspace.locations["shop"], code("shop-1"))
    pushed = push(workspace.locations["shop"], code("shop-2"))
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr("deployments.execution.outcome.placed", die)
        with pytest.raises(Killed):
            carry_out(pushed)
    assert workspace.named("shop") == b"shop-2"
    # A neighbour's reload takes the edit up meanwhile.
    deploy(workspace.locations["orders"], code("orders-1"))
    Deploy.objects.running().update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    ended = carry_out(pushed)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert "another took over" in lines(ended)
    assert workspace.platform.serves("shop") == "shop-2"


def test_that_is_loaded_with_a_neighbours_deploy_says_so(workspace: Workspace):
    for name in NAMES:
        deploy(workspace.locations[name], code(f"{name}-1"))
    look(workspace)
    orders = workspace.locations["orders"]
    Load.objects.filter(code_location=orders).update(reported_at=timezone.now() - timedelta(minutes=5))

    by = deploy(workspace.locations["shop"], code("shop-2"))
    look(workspace)

    newest = fresh(orders).last_load
    assert newest.again
    assert newest.reloaded_by == by
    assert newest.deploy.number == 1
    assert orders.deploys.count() == 1
    assert by.loads.get().reloaded_by is None


def test_whose_neighbour_does_not_survive_the_reload_says_so(workspace: Workspace):
    """A neighbour's release that somebody damaged: nobody notices until everything is loaded again."""
    for name in NAMES:
        deploy(workspace.locations[name], code(f"{name}-1"))
    look(workspace)
    path = workspace.entry("orders")["relative_path"]
    _spoil(path)

    by = deploy(workspace.locations["shop"], code("shop-2"))
    look(workspace, later=timedelta(seconds=1))

    assert (by.status, by.verified) == (DeployStatus.SUCCEEDED, True)
    failed = fresh(workspace.locations["orders"]).last_load
    assert (failed.ok, failed.reloaded_by) == (False, by)
    warning = by.events.get(step="RELOAD", level=EventLevel.WARNING)
    assert "orders, which was loaded again with it, fails to load" in warning.message
    assert by.events.filter(level=EventLevel.WARNING).count() == 1


def test_whose_neighbour_fails_much_later_has_nothing_to_do_with_it(workspace: Workspace):
    for name in NAMES:
        deploy(workspace.locations[name], code(f"{name}-1"))
    look(workspace)
    by = deploy(workspace.locations["shop"], code("shop-2"))
    look(workspace)
    _spoil(workspace.entry("orders")["relative_path"])
    workspace.platform.reload_all()

    PlatformWatch.objects.update(answered_at=timezone.now() + timedelta(minutes=10))
    look(workspace, later=timedelta(minutes=11))

    failed = fresh(workspace.locations["orders"]).last_load
    assert (failed.ok, failed.reloaded_by) == (False, None)
    assert not by.events.filter(level=EventLevel.WARNING).exists()


def test_that_often_heals_by_itself_is_loaded_once_more_and_not_by_the_reload_before(workspace: Workspace):
    shop = workspace.locations["shop"]
    deploy(shop, code("shop-1"))
    workspace.platform.heals.add("shop")
    asked = workspace.platform.asked.count("reload_all")

    parked = deploy(shop, {"defs.py": BROKEN})
    assert parked.status == DeployStatus.RUNNING
    _mend(workspace.entry("shop")["relative_path"], b"healed")
    ended = look_again(parked)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert workspace.platform.asked.count("reload_all") == asked + 2


def _spoil(path: str) -> None:
    _mend(path, BROKEN)


def _mend(path: str, content: bytes) -> None:
    file = Path(path)
    file.chmod(0o644)
    file.write_bytes(content)
