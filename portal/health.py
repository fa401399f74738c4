"""Is it alive, is it ready, and how is it doing: for load balancers and scrapers."""

import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from deployments import surveying, trouble
from deployments.models import Survey
from portal.celery import app
from portal.operating import BrokerLook, look_at_broker


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer that this process serves."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer whether database and broker answer; 503 when one does not. Names parts, no addresses."""
    parts = {"database": _database_answers(), "broker": _broker_answers()}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus' text to superusers, and to scrapers that carry LASTGOOD_METRICS_TOKEN."""
    if not _may_scrape(request):
        return HttpResponse(
            "Send the bearer token that LASTGOOD_METRICS_TOKEN holds.\n", status=401, content_type="text/plain"
        )
    registry = CollectorRegistry()
    registry.register(_Collector())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class _Collector:
    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Answer counts that cost the same however long the history is."""
        now = timezone.now()
        unfinished = GaugeMetricFamily("lastgood_deploys", "Deploys that have not ended.", labels=["status"])
        for status, count in trouble.in_flight().items():
            unfinished.add_metric([status.lower()], count)
        yield unfinished
        yield from (GaugeMetricFamily(name, said, value=rows.count()) for name, (said, rows) in _troubles(now).items())
        yield from _of_the_broker(look_at_broker(), now)
        yield from _of_storage(surveying.read().get(surveying.STORAGE))


def _troubles(now: datetime) -> dict[str, tuple[str, QuerySet[Any]]]:
    return {
        "lastgood_drifted_code_locations": ("Targets that hold something else.", trouble.drifted()),
        "lastgood_stalled_deploys": ("Deploys that nobody works on though somebody should.", trouble.stalled(now)),
        "lastgood_errored_deploys_of_a_day": ("Deploys of the last 24 hours that errored.", trouble.errored(now)),
        "lastgood_unreachable_platforms": ("Platforms that do not answer.", trouble.unreachable()),
        "lastgood_unwatched_platforms": ("Platforms that nobody asks though it is time.", trouble.unwatched(now)),
        "lastgood_code_locations_not_loading": ("Code locations that fail to load.", trouble.not_loading()),
        "lastgood_failing_alert_channels": ("Alert channels that do not arrive.", trouble.failing_channels()),
        "lastgood_failing_git_sources": ("Git sources in trouble.", trouble.failing_sources()),
    }


def _of_the_broker(look: BrokerLook, now: datetime) -> Iterable[GaugeMetricFamily]:
    yield GaugeMetricFamily("lastgood_broker_up", "Whether the broker answers.", value=int(look.answers))
    if not look.answers:
        return
    waiting = GaugeMetricFamily("lastgood_queue_length", "Orders that wait for a worker.", labels=["queue"])
    processes = GaugeMetricFamily("lastgood_worker_processes", "Processes that work on a queue.", labels=["queue"])
    busy = GaugeMetricFamily("lastgood_worker_processes_busy", "Processes at work just now.", labels=["queue"])
    for queue in look.queues:
        waiting.add_metric([queue.name], queue.waiting)
        processes.add_metric([queue.name], queue.processes)
        busy.add_metric([queue.name], queue.busy)
    yield from (waiting, processes, busy)
    yield GaugeMetricFamily("lastgood_unacknowledged_orders", "Handed out, not done yet.", value=look.unacknowledged)
    if look.beat_seen_at is not None:
        age = max((now - look.beat_seen_at).total_seconds(), 0)
        yield GaugeMetricFamily("lastgood_beat_age_seconds", "Since beat was heard of.", value=age)


def _of_storage(counted: Survey | None) -> Iterable[GaugeMetricFamily]:
    if counted is None:
        return
    stored = GaugeMetricFamily("lastgood_storage_bytes", "Bytes of files, as counted each hour.", labels=["what"])
    for what in ("named", "stored", "leaving"):
        stored.add_metric([what], counted.found[what])
    yield stored


def _may_scrape(request: HttpRequest) -> bool:
    if request.user.is_active and getattr(request.user, "is_superuser", False):
        return True
    token = settings.LASTGOOD_METRICS_TOKEN
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(sent.encode(), token.encode())


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception:
        return False
    return True
