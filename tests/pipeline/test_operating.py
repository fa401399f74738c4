"""The portal knows who is at work: several workers tell of themselves, and one that is gone is missed."""

import signal
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from deployments import surveying
from portal.celery import app
from portal.heartbeat import BEAT, WORKERS, tell
from portal.operating import QUEUES, look_at_broker, next_purge
from tests import factories
from tests.operations.brokers import point_to
from tests.workers import running_worker, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quiet(broker: str) -> None:
    """Forget who was at work in other tests, and what they left waiting."""
    with _client() as client:
        client.execute_command("DEL", WORKERS, BEAT, *QUEUES)


def _client():
    from portal.heartbeat import broker as connected

    return connected(app)


def test_knows_several_workers_and_beat(broker: str, quiet: None, tmp_path: Path):
    with (
        running_worker(broker, tmp_path / "one.log", queues="rollbacks"),
        running_worker(broker, tmp_path / "two.log", queues="deploys,observations", beat=False),
    ):
        look = wait_for(lambda: (found := look_at_broker()) and len(found.at_work) == 2 and found, what="two workers")
        ticked = wait_for(lambda: (found := look_at_broker()).beat_seen_at and found, what="a word of beat")

    queues = {queue.name: (queue.processes, queue.level) for queue in look.queues}
    assert queues["fetches"] == (0, "bad")
    assert {name for name, (processes, level) in queues.items() if processes and level == "ok"} == {
        "rollbacks", "deploys", "observations"
    }  # fmt: skip
    assert ticked.beat_is_silent is False
    # Stopped in order or not, both are gone now; beat was in the first.
    assert look.answers


def test_forgets_a_worker_that_was_stopped_and_misses_one_that_was_killed(broker: str, quiet: None, tmp_path: Path):
    with running_worker(broker, tmp_path / "stopped.log", beat=False) as stopped:
        wait_for(lambda: look_at_broker().at_work, what="a worker")
        stopped.send(signal.SIGTERM)
        wait_for(lambda: not look_at_broker().workers, what="a worker that is forgotten")
    with running_worker(broker, tmp_path / "killed.log", beat=False) as killed:
        (known,) = wait_for(lambda: look_at_broker().at_work, what="a worker")
        killed.send(signal.SIGKILL)
        wait_for(lambda: not killed.alive, what="the end of the worker")
    _age(known.name, seconds=30)

    look = look_at_broker()

    assert [(each.name, each.is_silent) for each in look.workers] == [(known.name, True)]
    assert {queue.level for queue in look.queues} == {"bad"}


def _age(name: str, *, seconds: int) -> None:
    """Have this worker's last word be so old."""
    import json

    with _client() as client:
        said = json.loads(client.hget(WORKERS, name))
        client.hset(WORKERS, name, json.dumps({**said, "at": said["at"] - seconds}))


def test_counts_what_waits(broker: str, quiet: None):
    app.send_task("portal.tasks.survey", queue="observations")

    waiting = {queue.name: queue.waiting for queue in look_at_broker().queues}

    assert waiting == {"rollbacks": 0, "deploys": 0, "observations": 1, "fetches": 0}


def test_leaves_out_what_it_cannot_read(broker: str, quiet: None):
    tell(app, WORKERS, "celery@sound", {"queues": ["deploys"], "processes": 2, "busy": 1})
    with _client() as client:
        for number, said in enumerate(
            ['{"queues"', "[]", "null", '{"at": 1}', '{"at": "x"}', '{"at": 1e400}', b"\xff"]
        ):
            client.hset(WORKERS, f"celery@other-{number}", said)
            client.hset(BEAT, f"other-{number}", said)

    look = look_at_broker()

    assert [each.name for each in look.workers] == ["celery@sound"]
    assert look.answers
    assert look.beat_is_silent


def test_takes_a_broker_that_is_away_for_away(tmp_path: Path):
    before = app.conf.broker_url, app.conf.broker_transport_options
    try:
        point_to(f"redis+socket://{tmp_path}/nobody.sock")
        tell(app, WORKERS, "worker", {})  # raises nothing

        assert look_at_broker().answers is False
    finally:
        app.conf.broker_url, app.conf.broker_transport_options = before
        app._after_fork()


def test_shows_a_worker_on_the_first_page_and_to_scrapers(broker: str, quiet: None, tmp_path: Path, client: Client):
    client.force_login(factories.superuser())
    surveying.survey(clock=timezone.now)
    factories.push(factories.make_location())
    with running_worker(broker, tmp_path / "worker.log", queues="rollbacks,observations,fetches"):
        wait_for(lambda: look_at_broker().at_work and look_at_broker().beat_seen_at, what="a worker and beat")
        page = client.get("/admin/").content.decode()
        scraped = client.get("/metrics").content.decode()

    assert "Nobody works on deploys." in page
    assert 'lastgood_deploys{status="queued"} 1.0' in scraped
    assert 'lastgood_worker_processes{queue="rollbacks"} 1.0' in scraped
    assert 'lastgood_worker_processes{queue="deploys"} 0.0' in scraped
    assert "lastgood_broker_up 1.0" in scraped
    assert "lastgood_stalled_deploys 0.0" in scraped
    assert 'lastgood_storage_bytes{what="stored"}' in scraped
    assert "lastgood_beat_age_seconds" in scraped


@pytest.mark.parametrize(("hour", "day"), [(3, 27), (4, 28)])
def test_says_when_it_purges_next(hour: int, day: int):
    import time_machine

    with time_machine.travel(f"2026-11-27T{hour:02}:00:00+00:00", tick=False):
        due = next_purge(timezone.now())

    assert (due.day, due.hour, due.minute) == (day, 3, 17)


def test_is_no_redis_that_is_in_memory():
    before = app.conf.broker_url, app.conf.broker_transport_options
    try:
        point_to("memory://")

        assert look_at_broker().answers is False
    finally:
        app.conf.broker_url, app.conf.broker_transport_options = before
        app._after_fork()
