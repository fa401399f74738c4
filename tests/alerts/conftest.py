"""Sinks, a clock, and a deployment with a code location."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployments.models import CodeLocation
from tests.alerts.acting import Clock
from tests.alerts.sinks import HttpSink, SmtpSink, http_sink, lead_vendors_to, smtp_sink
from tests.factories import make_location
from tests.operations.brokers import silent_broker

__all__ = ["silent_broker"]


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """Run an HTTP sink."""
    with http_sink() as running:
        yield running


@pytest.fixture
def vendors(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> HttpSink:
    """Run an HTTP sink at which arrives what is meant for Slack, Teams and PagerDuty."""
    lead_vendors_to(sink, monkeypatch)
    return sink


@pytest.fixture
def mail(settings: Any) -> Iterator[SmtpSink]:
    """Run a mail server, and have this portal send through it."""
    with smtp_sink() as (running, port):
        options = {"host": "127.0.0.1", "port": port, "timeout": 5}
        settings.LASTGOOD_SMTP = options
        settings.LASTGOOD_EMAIL_FROM = "Lastgood <lastgood@example.com>"
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
        yield running


@pytest.fixture
def clock() -> Clock:
    """Answer a clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def shop(db: None) -> CodeLocation:
    """Make acme/production/shop."""
    return make_location()
