"""A history of loads …"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.load_history import load_of, loads_of
from deployments.loads import write_load
from deployments.locking import lock
from deployments.models import Load, LoadRun
from deployments.platforms.base import LocationReport
from portal.common.problems import Invalid
from tests.observing.dagster import SYNTAX
from tests.observing.world import World
from tests.operations.asking import ONE, TWO
from tests.pages.loaded import many as many_like

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def restarts(world: World, times: int) -> None:
    """Have the same code loaded so many times."""
    for _ in range(times):
        world.dagster.restart()
        world.poll(60)


def pages(world: World, *, collapse: bool, limit: int) -> list[list[tuple[int, int]]]:
    """Walk through all pages: of each entry the load and the count."""
    found, cursor = [], None
    while True:
        page = loads_of(world.location(), collapse=collapse, cursor=cursor, limit=limit)
        found.append([(entry.load.pk, entry.count) for entry in page.rows])
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_d4_collapses_similar_neighbours_with_count_first_and_last_time(world):
    world.poll()
    first_at = world.now
    restarts(world, 4)
    last_at = world.now
    world.after_hand_load(2)
    restarts(world, 2)
    world.after_hand_load(1)

    assert [entry.count for entry in world.history()] == [1, 3, 5]
    oldest = world.history()[-1]
    assert (oldest.first_at, oldest.last_at) == (first_at, last_at)
    assert (oldest.load.reported_at, oldest.load.again, oldest.deploy.number) == (last_at, True, 1)
    assert [entry.count for entry in world.history(collapse=False)] == [1] * 9


def test_d4_shows_every_load_when_it_is_not_collapsed(world):
    world.poll()
    restarts(world, 3)

    entries = world.history(collapse=False)

    assert [entry.load.pk for entry in entries] == [load.pk for load in reversed(world.loads())]
    assert all(entry.first_at == entry.last_at == entry.load.reported_at for entry in entries)


def test_keeps_failures_of_one_kind_together_and_others_apart(world):
    world.poll()
    world.after_hand_load(2, error=SYNTAX)
    world.after_hand_load(3, error=SYNTAX)
    world.after_hand_load(1)

    assert [(entry.count, entry.load.ok) for entry in world.history()] == [(1, True), (2, False), (1, True)]


def test_tells_a_commit_from_another_with_the_same_definitions(world):
    world.poll()
    world.after_hand_load(2, shown={"commit_hash": "aaa"})
    world.after_hand_load(2, shown={"commit_hash": "bbb"})

    assert [entry.count for entry in world.history()] == [1, 1, 1]


def test_tells_pushes_from_what_was_observed(world):
    world.poll()
    world.deploy(ONE, loads=2)
    restarts(world, 2)
    world.deploy(TWO, loads=3)
    world.roll_back(loads=2)

    assert [(entry.count, entry.deploy.kind) for entry in world.history()] == [
        (1, "rollback"),
        (1, "dags"),
        (3, "dags"),
        (1, "observed"),
    ]


@pytest.mark.parametrize("collapse", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_is_the_same_in_pages_of_any_size(world, collapse: bool, limit: int):
    world.poll()
    for digest in range(4):
        world.after_hand_load(digest)
        restarts(world, digest)

    paged = pages(world, collapse=collapse, limit=limit)

    entries = world.history(collapse=collapse)
    assert [each for page in paged for each in page] == [(entry.load.pk, entry.count) for entry in entries]
    assert all(len(page) <= limit for page in paged)
    assert sum(entry.count for entry in entries) == Load.objects.count()


def test_refuses_a_cursor_that_is_none(world):
    world.poll()

    for collapse in (True, False):
        with pytest.raises(Invalid):
            loads_of(world.location(), collapse=collapse, cursor="nonsense", limit=10)


def test_has_no_entries_before_the_first_load(world):
    assert world.history() == []
    assert world.history(collapse=False) == []


def test_knows_only_its_own_loads(world, dagster):
    dagster.load(5, name="billing")
    world.poll()

    assert load_of(world.location(), world.load("billing").pk) is None
    assert load_of(world.location(), world.load().pk) == world.load()


@pytest.mark.parametrize("collapse", [True, False])
def test_is_read_with_as_many_queries_with_500_loads_as_with_10(world, collapse: bool):
    world.poll()
    world.deploy(ONE, loads=2)

    def load_more(count: int) -> None:
        row = lock(world.location().pk)
        for number in range(count):
            report = LocationReport(f"k{count}-{number}", f"s{number}", None, f"{number % 7 // 2}", 1)
            write_load(row, report, deploy=row.live_deploy, now=world.passes(minutes=1))

    def cost() -> int:
        location = world.location()
        with CaptureQueriesContext(connection) as queries:
            page = loads_of(location, collapse=collapse, cursor=None, limit=50)
            for entry in page.rows:
                assert entry.deploy.release.mounts.all() is not None
                assert entry.deploy.code_location.deployment.organization.slug == "acme"
                assert (entry.load.reloaded_by, entry.load.get_deferred_fields()) == (None, {"raw"})
        return len(queries)

    load_more(10)
    few = cost()
    load_more(50)
    many_like(world.load(), 440)
    many = cost()

    assert (Load.objects.filter(code_location=world.location()).count(), few) == (502, many)
    assert many <= 4


def test_counts_in_its_runs_what_there_is(world):
    world.poll()
    for digest in (1, 2, 2, 1, 1, 1, 3):
        world.after_hand_load(digest)

    for run in LoadRun.objects.all():
        loads = run.loads.order_by("pk")
        assert (run.count, run.newest) == (loads.count(), loads.last())
        assert (run.first_at, run.last_at) == (loads.first().reported_at, loads.last().reported_at)
        assert run.last_at - run.first_at < timedelta(hours=1)
