"""Alert channels: who is told of what. An address is taken, and never answered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from deployments.access import Right, name_of, require
from deployments.alerting import channels, sending
from deployments.models import AlertChannel, CodeLocation, Deployment, Notification
from deployments.operations.places import NameTaken
from deployments.states import AlertKind, ChannelKind, NotificationStatus
from portal.common.problems import NOT_FOUND_DETAIL, Absent, Invalid, Refusal

CHANGEABLE = ("name", "address", "alerts", "code_location", "renotify_minutes", "enabled")


class NotSent(Refusal):
    """A test that did not arrive."""

    code = "not_delivered"


def create_channel(
    *,
    deployment: Deployment,
    name: str,
    kind: str,
    address: str,
    actor: User,
    alerts: list[str] | None = None,
    code_location: CodeLocation | None = None,
    renotify_minutes: int | None = None,
    enabled: bool = True,
) -> AlertChannel:
    """Create a way to tell people. Raises NotAllowed, Invalid, NameTaken."""
    require(actor, Right.CONFIGURE, deployment)
    if kind not in ChannelKind.values:
        raise Invalid(f"Choose one of: {', '.join(ChannelKind.values)}.", code="bad_kind")
    channel = AlertChannel(
        deployment=deployment,
        name=name.strip(),
        kind=kind,
        address=address.strip(),
        alerts=list(AlertKind.values) if alerts is None else alerts,
        code_location=code_location,
        renotify_minutes=renotify_minutes,
        enabled=enabled,
        created_by_name=name_of(actor),
    )
    _check(channel, {"name", "address", "alerts"})
    return _save(channel)


def change_channel(*, channel: AlertChannel, actor: User, **fields: Any) -> AlertChannel:
    """Change what is given of: name, address, alerts, code_location, renotify_minutes, enabled.

    What waits for a channel that is switched off, or given another address, is not sent any more. Raises NotAllowed,
    Invalid, NameTaken.
    """
    require(actor, Right.CONFIGURE, channel.deployment)
    if odd := sorted(set(fields) - set(CHANGEABLE)):
        raise Invalid(f"Of a channel, {', '.join(odd)} cannot be changed: make a new one.", code="not_changeable")
    for name, value in fields.items():
        setattr(channel, name, value.strip() if name in {"name", "address"} else value)
    _check(channel, set(fields))
    renewed = ["failing_since", "last_error"] if "address" in fields else []
    if renewed:
        channel.failing_since, channel.last_error = None, ""
    with transaction.atomic():
        _save(channel, only=[*fields, *renewed])
        if renewed or not channel.enabled:
            sending.give_up_waiting(channel)
    return channel


def remove_channel(*, channel: AlertChannel, actor: User) -> None:
    """Remove it, with all that it was told. Raises NotAllowed."""
    require(actor, Right.CONFIGURE, channel.deployment)
    with transaction.atomic():
        # Whoever is being told something this moment is waited for: what they write would be left without its channel.
        AlertChannel.objects.select_for_update().filter(pk=channel.pk).first()
        channel.delete()


def test_channel(*, channel: AlertChannel, actor: User, clock: Callable[[], datetime]) -> Notification:
    """Send a test at once. Call it outside a transaction: it waits for others. Raises NotAllowed, Invalid, NotSent."""
    require(actor, Right.CONFIGURE, channel.deployment)
    if channel.kind == ChannelKind.EMAIL:
        channels.refuse_without_mail_server()
    test = sending.test_channel(channel, clock=clock, by=name_of(actor))
    if test.status != NotificationStatus.SENT:
        raise NotSent(f"The test did not arrive. {test.error}")
    return test


def _check(channel: AlertChannel, fields: set[str]) -> None:
    if "name" in fields and ("/" in channel.name or not channel.name.isprintable() or channel.name in {".", ".."}):
        raise Invalid("A channel's name is letters, digits and signs in one line, without “/”.", code="bad_name")
    if "alerts" in fields and isinstance(channel.alerts, list):
        # In the order of the states' own list, each once.
        known = [alert for alert in AlertKind.values if alert in channel.alerts]
        channel.alerts = known if len(known) == len(set(map(str, channel.alerts))) else channel.alerts
    if channel.code_location is not None and channel.code_location.deployment_id != channel.deployment_id:
        raise Invalid("This code location is not one of this deployment.", code="foreign_code_location")
    if "address" in fields:
        channels.check_address(channel.kind, channel.address)


def _save(channel: AlertChannel, only: list[str] | None = None) -> AlertChannel:
    try:
        # Whether the name is free only the database knows, below.
        channel.full_clean(validate_unique=False, validate_constraints=False)
        with transaction.atomic():
            channel.save(update_fields=only)
    except ValidationError as wrong:
        errors = [{"field": name, "detail": " ".join(words)} for name, words in wrong.message_dict.items()]
        raise Invalid(" ".join(f"{each['field']}: {each['detail']}" for each in errors), errors=errors) from wrong
    except AlertChannel.NotUpdated as gone:
        raise Absent(NOT_FOUND_DETAIL) from gone
    except IntegrityError as clash:
        raise NameTaken(f"There is an alert channel {channel.name} in {channel.deployment} already.") from clash
    return channel
