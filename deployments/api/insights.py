"""How well an organization, a deployment or a code location delivers."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.finding import PlaceView
from deployments.delivery import Failure, Tally, quantile
from deployments.insights import Insights, Spot, insights_of
from deployments.models import CodeLocation
from deployments.periods import Period, period_of

PERIOD = [
    OpenApiParameter("days", OpenApiTypes.INT, description="1 to 366 days that end with `to`; 30 without it."),
    OpenApiParameter("from", OpenApiTypes.DATE, description="The first day, in UTC, in the place of `days`."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="The last day, in UTC; today without it."),
]


class SpanOut(serializers.Serializer[Any]):
    """Seconds: the median, and what nine of ten do not exceed. Null of nothing."""

    median = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()


class LeadTimeOut(SpanOut):
    """From commit to live."""

    left_out = serializers.IntegerField(help_text="Deploys whose commit's time is not known.")


class RestoreOut(SpanOut):
    """From a failure to the next deploy that went live."""

    open = serializers.IntegerField(help_text="Failures that nothing ended yet.")


class FailureRateOut(serializers.Serializer[Any]):
    """Failed changes, of those that went live or failed in place."""

    rate = serializers.FloatField(allow_null=True, help_text="0 to 1; null of nothing.")
    failed = serializers.IntegerField()
    rolled_back = serializers.IntegerField(help_text="Of them, those that had gone live.")
    changes = serializers.IntegerField()


class FrequencyOut(serializers.Serializer[Any]):
    """Changes that went live."""

    count = serializers.IntegerField()
    per_week = serializers.FloatField()
    observed = serializers.IntegerField(help_text="Of them, those that nobody told Lastgood about.")


class FiguresOut(serializers.Serializer[Any]):
    """The four figures."""

    deploy_frequency = FrequencyOut()
    lead_time = LeadTimeOut()
    change_failure_rate = FailureRateOut()
    time_to_restore = RestoreOut()


class StepOut(FiguresOut):
    """The four figures of a day or a week."""

    first = serializers.DateField()
    last = serializers.DateField()


class PlaceOut(FiguresOut):
    """The four figures of one code location."""

    place = serializers.CharField()


class FailureOut(serializers.Serializer[Any]):
    """A change that failed."""

    place = serializers.CharField()
    number = serializers.IntegerField()
    rolled_back = serializers.BooleanField(help_text="It went live, and a rollback left it.")
    began_at = serializers.DateTimeField()
    restored_by = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)


class InsightsOut(serializers.Serializer[Any]):
    """How well it delivers, in days of UTC; what the figures mean stands in the guide."""

    first = serializers.DateField()
    last = serializers.DateField()
    figures = FiguresOut()
    before = FiguresOut(help_text="As many days before.")
    steps = StepOut(many=True, help_text="Day by day up to 31 days, then week by week.")
    code_locations = PlaceOut(many=True)
    failures = FailureOut(many=True, help_text="The ten newest.")


class OfPlace(PlaceView):
    """What all three have in common."""

    def answer(self, request: Request, locations: Any) -> Response:
        """Answer the insights of these code locations."""
        period = period_of(request.GET, today=timezone.now().date())
        return Response(body_of(insights_of(locations, period)))


class OrganizationInsights(OfPlace):
    """Of an organization."""

    @extend_schema(operation_id="organizations_insights", parameters=PERIOD, responses=InsightsOut)
    def get(self, request: Request, org: str) -> Response:
        """Read how well the deployments of it that you may see deliver."""
        seen = CodeLocation.objects.visible_to(self.person)
        return self.answer(request, seen.filter(deployment__organization=self.organization()))


class DeploymentInsights(OfPlace):
    """Of a deployment."""

    @extend_schema(operation_id="deployments_insights", parameters=PERIOD, responses=InsightsOut)
    def get(self, request: Request, org: str, deployment: str) -> Response:
        """Read how well the deployment delivers."""
        return self.answer(request, CodeLocation.objects.filter(deployment=self.deployment()))


class LocationInsights(OfPlace):
    """Of a code location."""

    @extend_schema(operation_id="code_locations_insights", parameters=PERIOD, responses=InsightsOut)
    def get(self, request: Request, org: str, deployment: str, location: str) -> Response:
        """Read how well the code location delivers."""
        return self.answer(request, CodeLocation.objects.filter(pk=self.location().pk))


def body_of(found: Insights) -> dict[str, Any]:
    """Answer the insights as JSON."""
    period = found.period
    return {
        "first": period.first,
        "last": period.last,
        "figures": _figures(found.now, period.days),
        "before": _figures(found.before, period.days),
        "steps": [
            {"first": step.first, "last": step.last, **_figures(tally, (step.last - step.first).days + 1)}
            for step, tally in zip(period.steps, found.steps, strict=True)
        ],
        "code_locations": [_place(spot, tally, period) for spot, tally in found.spots],
        "failures": [_failure(spot, failure) for spot, failure in found.failures],
    }


def _place(spot: Spot, tally: Tally, period: Period) -> dict[str, Any]:
    return {"place": f"{spot.place}/{spot.name}", **_figures(tally, period.days)}


def _figures(tally: Tally, days: int) -> dict[str, Any]:
    return {
        "deploy_frequency": {
            "count": tally.live,
            "per_week": round(tally.live * 7 / days, 3),
            "observed": tally.observed,
        },
        "lead_time": {**_span(tally.leads), "left_out": tally.undated},
        "change_failure_rate": {
            "rate": tally.failure_rate,
            "failed": tally.failures,
            "rolled_back": tally.rolled_back,
            "changes": tally.changes,
        },
        "time_to_restore": {**_span(tally.restores), "open": tally.open},
    }


def _span(seconds: Any) -> dict[str, Any]:
    return {"median": quantile(seconds, 0.5), "p90": quantile(seconds, 0.9), "count": len(seconds)}


def _failure(spot: Spot, failure: Failure) -> dict[str, Any]:
    restored = failure.restored
    return {
        "place": f"{spot.place}/{spot.name}",
        "number": failure.change.number,
        "rolled_back": failure.went_live,
        "began_at": datetime.fromtimestamp(failure.began, UTC),
        "restored_by": restored.number if restored else None,
        "seconds": failure.seconds,
    }
