"""Is it alive, is it ready, and how is it doing: for load balancers and scrapers."""

import hmac
from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from deployments.models import CodeLocation, Deploy
from deployments.states import UNFINISHED
from portal.celery import app


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
        unfinished = GaugeMetricFamily("lastgood_deploys", "Deploys that have not ended.", labels=["status"])
        counts = dict(Deploy.objects.filter(status__in=UNFINISHED).values_list("status").annotate(Count("pk")))
        for status in UNFINISHED:
            unfinished.add_metric([status.value.lower()], counts.get(status.value, 0))
        yield unfinished
        drifted = CodeLocation.objects.exclude(drift="").count()
        yield GaugeMetricFamily("lastgood_drifted_code_locations", "Targets that hold something else.", value=drifted)


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
