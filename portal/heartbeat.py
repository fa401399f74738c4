"""Workers and beat say at the broker, every few seconds, that they are at work. `portal.operating` reads it.

Asking each worker instead would cost every reader the whole of its patience, and would not find the one that is gone.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, bootsteps
from celery.beat import Scheduler
from celery.worker import state
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)
EVERY = 5.0
WORKERS, BEAT = "lastgood.workers", "lastgood.beat"
# A broker that is away must hold up neither a page nor a worker.
PATIENCE = 1  # seconds


@contextmanager
def broker(app: Celery) -> Iterator[Any]:
    """Answer a Redis client of the broker, which prefixes keys as kombu does. Raises what `broker_away` names."""
    patient = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    with app.connection_for_write(transport_options=patient) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE)
        client = getattr(connection.default_channel, "client", None)
        if client is None:
            raise OSError("This broker is no Redis.")
        yield client


def whole_key(app: Celery, key: str) -> str:
    """Answer a key with the portal's prefix, for commands that kombu puts none before."""
    return f"{app.conf.broker_transport_options.get('global_keyprefix', '')}{key}"


def broker_away() -> tuple[type[BaseException], ...]:
    """Answer what a broker that is away, or no Redis, raises."""
    import redis

    return (KombuError, redis.RedisError, OSError)


def tell(app: Celery, key: str, name: str, said: dict[str, Any]) -> None:
    """Say that this one is at work, by the broker's clock. A broker that is away is told nothing."""
    try:
        with broker(app) as client:
            at = client.time()[0]
            client.hset(key, name, json.dumps({**said, "at": at}))
    except broker_away():
        logger.debug("The broker is away: nobody is told that %s is at work.", name)


class WorkerHeartbeat(bootsteps.StartStopStep):
    """A worker's part: tells what it works on, and takes its word back when it stops in order."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._timer: Any = None

    def start(self, worker: Any) -> None:
        """Tell at once, and from then on."""
        self._tell(worker)
        self._timer = worker.timer.call_repeatedly(EVERY, self._tell, (worker,))

    def stop(self, worker: Any) -> None:
        """Be forgotten: nobody looks for a worker that was stopped."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            with broker(worker.app) as client:
                client.hdel(WORKERS, worker.hostname)
        except broker_away():
            logger.debug("The broker is away: %s is forgotten later.", worker.hostname)

    def _tell(self, worker: Any) -> None:
        queues = sorted(worker.app.amqp.queues.consume_from)
        said = {"queues": queues, "processes": worker.pool.num_processes, "busy": len(state.active_requests)}
        tell(worker.app, WORKERS, worker.hostname, said)


class BeatScheduler(Scheduler):
    """Beat's part: the schedule in code, and a word each few seconds that it was looked at."""

    _told_at = 0.0

    def tick(self, *args: Any, **options: Any) -> float:
        """Start what is due, and tell."""
        wait: float = super().tick(*args, **options)
        if time.monotonic() - self._told_at >= EVERY:
            self._told_at = time.monotonic()
            tell(self.app, BEAT, "beat", {})
        return wait
