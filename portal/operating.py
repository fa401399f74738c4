"""How the portal itself is doing: broker, queues, workers, beat, versions. Facts of the host: for operators alone."""

import json
import logging
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import django
from celery.schedules import crontab
from django.conf import settings
from django.db import connection

from portal.celery import app
from portal.heartbeat import BEAT, WORKERS, broker, broker_away, whole_key

logger = logging.getLogger(__name__)
QUEUES = {
    "rollbacks": "Rollbacks, which wait behind nothing else",
    "deploys": "Deploys, and what they define",
    "observations": "Platforms, alerts, counting",
    "fetches": "Git sources",
}
# Four words missed.
SILENT_AFTER = timedelta(seconds=20)
FORGOTTEN_AFTER = timedelta(hours=1)
# So many orders to look at something: more come in than are done.
MANY_WAITING = 50


@dataclass(frozen=True)
class Worker:
    """A worker, as it told of itself."""

    name: str
    queues: list[str]
    processes: int
    busy: int
    seen_at: datetime
    is_silent: bool = False


@dataclass(frozen=True)
class Queue:
    """One queue: what waits in it, and who works on it."""

    name: str
    purpose: str
    waiting: int
    processes: int
    busy: int

    @property
    def level(self) -> str:
        """Answer "bad" when nobody works on it, "warn" when too much waits, else "ok"."""
        if not self.processes:
            return "bad"
        return "warn" if self.waiting > MANY_WAITING else "ok"


@dataclass(frozen=True)
class BrokerLook:
    """What the broker knows. Where it does not answer, nothing is known of workers and beat either."""

    answers: bool
    server: str = ""
    # Handed to a worker, and not reported as done.
    unacknowledged: int = 0
    queues: list[Queue] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    beat_seen_at: datetime | None = None
    beat_is_silent: bool = True

    @property
    def at_work(self) -> list[Worker]:
        """Answer the workers that were heard of just now."""
        return [each for each in self.workers if not each.is_silent]


def look_at_broker() -> BrokerLook:
    """Ask the broker, once and with little patience."""
    try:
        with broker(app) as client:
            asked = client.pipeline(transaction=False)
            for name in QUEUES:
                asked.llen(name)
            asked.hlen("unacked").time().info("server")
            asked.hgetall(whole_key(app, WORKERS)).hgetall(whole_key(app, BEAT))
            *waiting, unacknowledged, (seconds, _), server, workers, beat = asked.execute()
    except broker_away():
        return BrokerLook(answers=False)
    now = datetime.fromtimestamp(seconds, tz=UTC)
    heard = _heard(workers, now)
    ticked = list(_told(beat, _at))
    return BrokerLook(
        answers=True,
        server=_server(server),
        unacknowledged=unacknowledged,
        queues=[_queue(name, count, heard) for name, count in zip(QUEUES, waiting, strict=True)],
        workers=heard,
        beat_seen_at=max(ticked, default=None),
        beat_is_silent=not ticked or now - max(ticked) > SILENT_AFTER,
    )


def _told[Said](found: dict[bytes, bytes], read: Callable[[str, dict[str, Any]], Said]) -> Iterable[Said]:
    """Yield what each one told of itself; what cannot be read was written by another version, or by somebody else."""
    for name, said in found.items():
        try:
            yield read(name.decode(), json.loads(said))
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError):
            logger.warning("What %r told the broker of itself cannot be read: %.200r", name, said)


def _at(name: str, said: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(said["at"], tz=UTC)


def _worker(name: str, said: dict[str, Any]) -> Worker:
    queues = [str(queue) for queue in said["queues"]]
    return Worker(name, queues, int(said["processes"]), int(said["busy"]), _at(name, said))


def _heard(found: dict[bytes, bytes], now: datetime) -> list[Worker]:
    """Answer the workers that are not forgotten yet, those that went silent last."""
    workers = [each for each in _told(found, _worker) if now - each.seen_at < FORGOTTEN_AFTER]
    named = [replace(each, is_silent=now - each.seen_at > SILENT_AFTER) for each in workers]
    return sorted(named, key=lambda each: (each.is_silent, each.name))


def _queue(name: str, waiting: int, workers: list[Worker]) -> Queue:
    mine = [each for each in workers if name in each.queues and not each.is_silent]
    processes, busy = (sum(getattr(each, what) for each in mine) for what in ("processes", "busy"))
    return Queue(name, QUEUES[name], waiting, processes, busy)


def _server(info: dict[str, Any]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', '')}".strip()


def next_purge(now: datetime) -> datetime:
    """Answer when the schedule purges next."""
    schedule: crontab = app.conf.beat_schedule["purge"]["schedule"]
    # The estimate is a little short: it takes away the time that asking took.
    due = now + schedule.remaining_estimate(now) + timedelta(seconds=30)
    return due.replace(second=0, microsecond=0)


@cache
def lastgood_version() -> str:
    """Answer which Lastgood this is."""
    try:
        return version("lastgood")
    except PackageNotFoundError:
        return "from its sources"


def versions(server: str) -> dict[str, str]:
    """Answer what runs here, by name; `server` is what the broker said of itself."""
    if connection.vendor == "sqlite":
        database = f"SQLite {sqlite3.sqlite_version}"
    else:
        server_version: int = cast("Any", connection).pg_version
        database = f"PostgreSQL {server_version // 10_000}.{server_version % 10_000}"
    return {
        "Lastgood": lastgood_version(),
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "Celery": version("celery"),
        "Database": database,
        "Broker": server or "does not answer",
    }


def free_disk() -> int | None:
    """Answer the bytes that are free where this machine keeps blobs; None where they are kept elsewhere."""
    if settings.S3_BUCKET:
        return None
    try:
        return shutil.disk_usage(settings.DATA_DIR).free
    except OSError:
        return None


def choices() -> dict[str, str]:
    """Answer the operator's choices that one wants to know in trouble. No secrets, and no addresses that hold some."""
    return {
        "Address": settings.SITE_URL,
        "Behind TLS": "yes" if settings.BEHIND_TLS else "no",
        "Debugging": "on: never in production" if settings.DEBUG else "off",
        "Data": str(settings.DATA_DIR),
        "Blobs": f"S3 bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else "on this machine",
        "Retention of new deployments": f"{settings.LASTGOOD_RETENTION_DAYS} days",
        "Lease": f"{settings.LASTGOOD_LEASE.total_seconds():.0f} s",
        "E-mail alerts": "on" if settings.LASTGOOD_SMTP else "refused: no mail server is set",
        "Metrics token": "set" if settings.LASTGOOD_METRICS_TOKEN else "not set: superusers alone read /metrics",
        "Platforms at": ", ".join(settings.LASTGOOD_PLATFORM_HOSTS),
        "Git at": ", ".join(settings.LASTGOOD_GIT_HOSTS),
        "Registries at": ", ".join(settings.LASTGOOD_REGISTRY_HOSTS),
        "Webhooks to": ", ".join(settings.LASTGOOD_WEBHOOK_HOSTS),
    }
