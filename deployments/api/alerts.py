"""Alert channels, and what they were told. An address is taken, and never answered."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import operations
from deployments.access import Right, allows, require
from deployments.alerting.channels import LONGEST_ADDRESS, hint
from deployments.api.finding import PlaceView
from deployments.api.idempotency import answer_once
from deployments.api.lists import PAGING, answer_page, page_schema
from deployments.models import AlertChannel, CodeLocation, Deployment, Notification
from deployments.states import AlertKind, ChannelKind, NotificationStatus
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid


class AlertChannelOut(serializers.Serializer[AlertChannel]):
    """A channel. `address_hint` is answered to those who may configure; the address itself to nobody."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ChannelKind.choices)
    alerts = serializers.ListField(child=serializers.ChoiceField(choices=AlertKind.choices))
    code_location = serializers.CharField(source="code_location.name", default=None, allow_null=True)
    renotify_minutes = serializers.IntegerField(allow_null=True)
    enabled = serializers.BooleanField()
    address_hint = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by_name")
    created_at = serializers.DateTimeField()
    last_sent_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()

    def get_address_hint(self, channel: AlertChannel) -> str | None:
        """Answer a host, or the first letter of a mail address."""
        return hint(channel.kind, channel.address) if self.context["may_configure"] else None


class AlertChannelChange(serializers.Serializer[Any]):
    """What can be changed of a channel. Its kind stays: an address of one kind is none of another."""

    name = serializers.CharField(max_length=100, required=False)
    address = serializers.CharField(
        max_length=LONGEST_ADDRESS,
        write_only=True,
        required=False,
        help_text="E-mail addresses with commas between, the address of a webhook, or a PagerDuty integration key.",
    )
    alerts = serializers.ListField(
        child=serializers.ChoiceField(choices=AlertKind.choices), allow_empty=False, max_length=50, required=False
    )
    code_location = serializers.CharField(
        max_length=128, allow_null=True, required=False, help_text="null: all code locations of the deployment."
    )
    renotify_minutes = serializers.IntegerField(
        min_value=1,
        max_value=10_080,
        allow_null=True,
        required=False,
        help_text="Tell again after so many minutes while a code location still fails to load. null: once.",
    )
    enabled = serializers.BooleanField(required=False)


class AlertChannelIn(AlertChannelChange):
    """A new channel; without `alerts`, it tells of everything."""

    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=ChannelKind.choices)
    address = serializers.CharField(max_length=LONGEST_ADDRESS, write_only=True)


class NotificationOut(serializers.Serializer[Notification]):
    """One message, and what became of it. `alert` is empty for a test."""

    id = serializers.IntegerField()
    alert = serializers.CharField()
    code_location = serializers.CharField(source="code_location.name", default=None, allow_null=True)
    deploy = serializers.IntegerField(source="deploy.number", default=None, allow_null=True)
    title = serializers.CharField()
    body = serializers.CharField()
    link = serializers.CharField()
    status = serializers.ChoiceField(choices=NotificationStatus.choices)
    attempts = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()


class ChannelView(PlaceView):
    """A view below an alert channel."""

    def channel(self) -> AlertChannel:
        """Answer the channel of the address. Raises Absent."""
        rows = AlertChannel.objects.select_related("deployment__organization", "code_location")
        found = rows.filter(deployment=self.deployment(), name=self.kwargs["channel"]).first()
        if found is None:
            raise Absent(NOT_FOUND_DETAIL)
        return found

    def shown(self, channel: AlertChannel) -> dict[str, Any]:
        """Answer the channel as this person may see it."""
        return shown([channel], may_configure=allows(self.person, Right.CONFIGURE, channel.deployment))[0]


class AlertChannels(PlaceView):
    """The alert channels of a deployment."""

    @extend_schema(
        operation_id="alert_channels_list", parameters=PAGING, responses=page_schema("AlertChannels", AlertChannelOut)
    )
    def get(self, request: Request, org: str, deployment: str) -> Response:
        """List who is told of what, and whether it arrives."""
        found = self.deployment()
        rows = AlertChannel.objects.filter(deployment=found).select_related("code_location")
        may = allows(self.person, Right.CONFIGURE, found)
        return answer_page(
            request, rows, key="name", descending=False, show=lambda page: shown(page, may_configure=may)
        )

    @extend_schema(operation_id="alert_channels_create", request=AlertChannelIn, responses={201: AlertChannelOut})
    def post(self, request: Request, org: str, deployment: str) -> Response:
        """Create a channel."""
        found = self.deployment()

        def do() -> Response:
            asked = AlertChannelIn(data=request.data)
            asked.is_valid(raise_exception=True)
            fields = with_location(asked.validated_data, found)
            made = operations.create_channel(deployment=found, actor=self.person, **fields)
            return Response(shown([made], may_configure=True)[0], status=201)

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found), do=do)


class OneAlertChannel(ChannelView):
    """One alert channel."""

    @extend_schema(operation_id="alert_channels_read", responses=AlertChannelOut)
    def get(self, request: Request, org: str, deployment: str, channel: str) -> Response:
        """Read a channel."""
        return Response(self.shown(self.channel()))

    @extend_schema(operation_id="alert_channels_change", request=AlertChannelChange, responses=AlertChannelOut)
    def patch(self, request: Request, org: str, deployment: str, channel: str) -> Response:
        """Change a channel. Another address, or switching it off, gives up what waits to be sent."""
        found = self.channel()

        def do() -> Response:
            asked = AlertChannelChange(data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            fields = with_location(asked.validated_data, found.deployment)
            changed = operations.change_channel(channel=found, actor=self.person, **fields)
            return Response(shown([changed], may_configure=True)[0])

        return answer_once(request, authorize=lambda: require(self.person, Right.CONFIGURE, found.deployment), do=do)

    @extend_schema(operation_id="alert_channels_remove", responses={204: None})
    def delete(self, request: Request, org: str, deployment: str, channel: str) -> Response:
        """Remove a channel, with all that it was told."""
        operations.remove_channel(channel=self.channel(), actor=self.person)
        return Response(status=204)


class TestAlertChannel(ChannelView):
    """Trying an alert channel."""

    @extend_schema(operation_id="alert_channels_test", request=None, responses=NotificationOut)
    def post(self, request: Request, org: str, deployment: str, channel: str) -> Response:
        """Send a test at once. 409 `not_delivered` says why it did not arrive. An Idempotency-Key means nothing here."""
        # Not answered from memory, and in no transaction: it waits for somebody else's server.
        test = operations.test_channel(channel=self.channel(), actor=self.person, clock=timezone.now)
        return Response(NotificationOut(test).data)


class Notifications(ChannelView):
    """What an alert channel was told."""

    @extend_schema(
        operation_id="notifications_list", parameters=PAGING, responses=page_schema("Notifications", NotificationOut)
    )
    def get(self, request: Request, org: str, deployment: str, channel: str) -> Response:
        """List its messages, newest first, each with what became of it."""
        rows = Notification.objects.filter(channel=self.channel()).select_related("code_location", "deploy")
        return answer_page(
            request, rows, key="id", descending=True, show=lambda page: [NotificationOut(row).data for row in page]
        )


def shown(page: list[AlertChannel], *, may_configure: bool) -> list[dict[str, Any]]:
    """Answer the channels."""
    return [dict(AlertChannelOut(row, context={"may_configure": may_configure}).data) for row in page]


def with_location(fields: dict[str, Any], deployment: Deployment) -> dict[str, Any]:
    """Answer the fields with the code location's row for its name. Raises Invalid."""
    name = fields.get("code_location")
    if name is None:
        return fields
    found = CodeLocation.objects.filter(deployment=deployment, name=name).first()
    if found is None:
        detail = f"{deployment} has no code location of this name."
        raise Invalid(detail, code="no_such_code_location", errors=[{"field": "code_location", "detail": detail}])
    return {**fields, "code_location": found}
