"""Deploys of one workspace at the same moment …"""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from deployments import execution
from deployments.execution import placing
from deployments.models import Deploy, WorkspaceTurn
from deployments.states import DeployStatus, DeployStep
from tests.factories import carry_out, deploy, fresh, push
from tests.operations.asking import lines, look_again
from tests.operations.racing import at_once
from tests.sharing.scene import NAMES, Workspace, code
from tests.workers import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


def carried_through(pushed: Deploy) -> Deploy:
    """Carry a deploy out as often as it takes, as the schedule would."""
    give_up_at = time.monotonic() + 40
    while True:
        execution.carry_out(pushed.pk, clock=timezone.now)
        now = Deploy.objects.get(pk=pushed.pk)
        if now.is_finished:
            return now
        assert time.monotonic() < give_up_at, lines(now)
        time.sleep(0.2)


@pytest.fixture
def first(workspace: Workspace) -> dict[str, Deploy]:
    """Deploy a first version of each location."""
    done = {name: deploy(workspace.locations[name], code(f"{name}-1")) for name in NAMES}
    assert {each.status for each in done.values()} == {DeployStatus.SUCCEEDED}
    return done


def test_are_all_in_the_file_and_share_reloads(workspace: Workspace, first):
    workspace.platform.asked.clear()
    edited = Deploy.objects.filter(number=2, seen_before__edit__isnull=False)
    # A real reload takes seconds: the others arrive meanwhile.
    workspace.platform.while_reading = lambda: wait_for(lambda: edited.count() == 3, what="three edits")
    pushed = [push(workspace.locations[name], code(f"{name}-2")) for name in NAMES]

    ended = at_once(*[lambda each=each: carried_through(each) for each in pushed])

    assert [(each.status, each.verified) for each in ended] == [(DeployStatus.SUCCEEDED, True)] * 3
    assert {name: workspace.named(name).decode() for name in NAMES} == {name: f"{name}-2" for name in NAMES}
    assert {name: workspace.platform.serves(name) for name in NAMES} == {name: f"{name}-2" for name in NAMES}
    assert "# of shop" in workspace.file.read_text()
    assert workspace.platform.asked.count("reload_all") < 3
    assert any("Shares the reload of" in lines(each) for each in ended)
    for each in ended:
        assert each.loads.get().ok


def test_never_share_a_reload_that_read_the_file_before_their_edit(workspace: Workspace, first, monkeypatch):
    """The edit is numbered, and not written yet: meanwhile a neighbour that wrote before has everything reloaded."""
    written, numbered, reloaded = threading.Event(), threading.Event(), threading.Event()
    original = placing.activate

    def held_up(target: Any, plan: Any, **said: Any) -> Any:
        if target.root.name == "orders":
            put = original(target, plan, **said)
            written.set()
            assert numbered.wait(30)
            return put
        numbered.set()
        assert reloaded.wait(30)
        return original(target, plan, **said)

    monkeypatch.setattr(placing, "activate", held_up)
    shop = push(workspace.locations["shop"], code("shop-2"))
    orders = push(workspace.locations["orders"], code("orders-2"))

    def one() -> Deploy:
        assert written.wait(30)
        return carried_through(shop)

    def other() -> Deploy:
        try:
            return carried_through(orders)
        finally:
            reloaded.set()

    ended, neighbour = at_once(one, other)

    assert (neighbour.status, neighbour.verified) == (DeployStatus.SUCCEEDED, True)
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert workspace.platform.serves("shop") == "shop-2"


def test_that_edit_the_file_at_once_try_again_with_new_numbers(workspace: Workspace, first, monkeypatch):
    """One took a number, another one a higher one and wrote: the first is refused by the file, and takes a new one."""
    original = placing.activate
    fences: list[int] = []

    def overtaken(target: Any, plan: Any, **said: Any) -> Any:
        fences.append(plan.shared_fence)
        if len(fences) == 1:
            done = deploy(workspace.locations["orders"], code("orders-2"))
            assert done.status == DeployStatus.SUCCEEDED
        return original(target, plan, **said)

    monkeypatch.setattr(placing, "activate", overtaken)

    ended = deploy(workspace.locations["shop"], code("shop-2"))

    shop = [fences[0], fences[-1]]
    assert len(fences) == 3
    assert shop[1] > fences[1] > shop[0]
    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    assert {name: workspace.named(name) for name in ("orders", "shop")} == {"orders": b"orders-2", "shop": b"shop-2"}


def test_wait_parked_while_another_ones_reload_goes_on(workspace: Workspace, first):
    waiting: list[Deploy] = []

    def meanwhile() -> None:
        workspace.platform.while_reading = lambda: None
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join(30)

    def in_thread() -> None:
        try:
            waiting.append(carry_out(orders))
        finally:
            connections.close_all()

    orders = push(workspace.locations["orders"], code("orders-2"))
    workspace.platform.while_reading = meanwhile

    ended = deploy(workspace.locations["shop"], code("shop-2"))

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True)
    [parked] = waiting
    assert (parked.status, parked.step, parked.lease_owner) == (DeployStatus.RUNNING, DeployStep.RELOAD, "")
    assert parked.next_check_at is not None
    # Its edit came after the file was read: that reload is none of its own.
    done = look_again(parked)
    assert (done.status, done.verified, workspace.platform.serves("orders")) == (
        DeployStatus.SUCCEEDED,
        True,
        "orders-2",
    )


def test_go_on_when_the_one_who_reloads_is_gone(workspace: Workspace, first):
    class Killed(BaseException):
        """Nothing handles it, as nothing handles SIGKILL."""

    def die() -> None:
        raise Killed

    workspace.platform.while_reading = die
    with pytest.MonkeyPatch.context() as dying:
        # A dead process gives nothing back.
        dying.setattr("deployments.execution.sharing._give_back", lambda *_, **__: None)
        with pytest.raises(Killed):
            deploy(workspace.locations["shop"], code("shop-2"))
    workspace.platform.while_reading = lambda: None
    parked = deploy(workspace.locations["orders"], code("orders-2"))
    assert (parked.status, parked.step) == (DeployStatus.RUNNING, DeployStep.RELOAD)
    past = timezone.now() - timedelta(seconds=1)
    WorkspaceTurn.objects.update(lease_expires_at=past)

    assert look_again(parked).status == DeployStatus.SUCCEEDED

    Deploy.objects.running().update(lease_expires_at=past)
    shop = Deploy.objects.running().get()
    taken_over = carry_out(shop)
    assert (taken_over.status, taken_over.verified) == (DeployStatus.SUCCEEDED, True)
    assert "Shares the reload of #2 of orders." in lines(taken_over)
    assert workspace.platform.serves("shop") == "shop-2"


def test_go_on_when_a_reload_that_took_too_long_is_seen_to_be_done(workspace: Workspace, first):
    """Nobody waits for the end of the lease: what is served tells."""
    workspace.platform.unanswered = 1
    shop = deploy(workspace.locations["shop"], code("shop-2"))
    assert (shop.status, shop.step) == (DeployStatus.RUNNING, DeployStep.VERIFY)
    assert "still loading" in lines(shop)
    orders = deploy(workspace.locations["orders"], code("orders-2"))
    assert orders.step == DeployStep.RELOAD
    assert look_again(orders).step == DeployStep.RELOAD
    workspace.platform.finish()

    assert look_again(shop).status == DeployStatus.SUCCEEDED
    done = look_again(orders)

    assert (done.status, done.verified) == (DeployStatus.SUCCEEDED, True)
    assert workspace.platform.serves("orders") == "orders-2"


def test_give_the_turn_back_when_the_platform_does_not_answer(workspace: Workspace, first):
    workspace.platform.silent = 1
    parked = deploy(workspace.locations["shop"], code("shop-2"))
    assert (parked.step, parked.attempts) == (DeployStep.RELOAD, 1)
    assert WorkspaceTurn.objects.get().lease_owner == ""

    assert deploy(workspace.locations["orders"], code("orders-2")).status == DeployStatus.SUCCEEDED
    shared = look_again(parked)

    assert (shared.status, shared.verified) == (DeployStatus.SUCCEEDED, True)
    assert fresh(workspace.locations["shop"]).live_deploy == shared
