"""Sending: tried again until it is taken, one channel never in the way of another, and nothing sent twice."""

import smtplib
import time
from datetime import timedelta
from typing import Any

import pytest

from deployments.alerting import channels, sending
from deployments.models import AlertChannel, Notification
from deployments.states import NotificationStatus
from deployments.tasks import remind, send_alerts
from portal.celery import app
from tests.alerts.acting import Clock, channel, load, send
from tests.alerts.sinks import HttpSink, SmtpSink, free_port
from tests.factories import make_location, noon
from tests.operations.racing import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def note(of: AlertChannel, number: int = 1, **said: Any) -> Notification:
    """Write down a message."""
    fields = {
        "title": f"Title {number}",
        "body": "Body",
        "alert": "load_failed",
        "due_at": noon(),
        "created_at": noon(),
    }
    return Notification.objects.create(channel=of, subject=f"s:{number}", **(fields | said))


def test_a_letter_arrives_through_the_mail_server(shop, mail: SmtpSink, clock: Clock):
    channel(shop, "email", "a@example.com, b@example.com")
    load(shop, clock.now, ok=False)

    assert send(clock) == 1

    ((recipients, letter),) = mail.letters
    assert recipients == ["a@example.com", "b@example.com"]
    assert letter["Subject"] == "acme/production/shop fails to load"
    assert letter["From"] == "Lastgood <lastgood@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert "No module named 'shop_warehouse'" in letter.get_payload()
    assert "http://localhost:8000/deployments/acme/production/shop/" in letter.get_payload()
    row = Notification.objects.get()
    assert (row.status, row.sent_at, row.attempts) == (NotificationStatus.SENT, clock.now, 1)
    assert AlertChannel.objects.get().last_sent_at == clock.now


def test_no_text_becomes_a_header(shop, mail: SmtpSink, clock: Clock):
    note(channel(shop, "email", "a@example.com"), title="Title\r\nBcc: evil@example.com", body="Body\r\n.\r\nRSET")

    send(clock)

    ((recipients, letter),) = mail.letters
    assert (recipients, letter["Bcc"]) == (["a@example.com"], None)
    assert letter["Subject"] == "Title Bcc: evil@example.com"
    assert "RSET" in letter.get_payload()


def test_a_failure_is_shown_tried_again_and_over_when_it_works(shop, sink: HttpSink, clock: Clock):
    row = note(channel(shop, address=f"{sink.url}/secret-path"))
    sink.status = 503
    began = clock.now

    for wait in (10, 60, 300, 1800):
        send(clock)
        row.refresh_from_db()
        assert (row.status, row.error) == (NotificationStatus.PENDING, "The webhook answered 503.")
        assert row.due_at - clock.now == timedelta(seconds=wait)
        assert send(clock) == 0
        clock.passes(seconds=wait - 1)
        send(clock)
        assert Notification.objects.get().attempts == row.attempts, "Too early."
        clock.passes(seconds=1)
    failing = AlertChannel.objects.get()
    assert (failing.failing_since, failing.last_error) == (began, "The webhook answered 503.")
    sink.status = 200

    assert send(clock) == 1

    working = AlertChannel.objects.get()
    assert (working.failing_since, working.last_error, working.last_sent_at) == (None, "", clock.now)
    row.refresh_from_db()
    assert (row.status, row.error, row.attempts) == (NotificationStatus.SENT, "", 5)


def test_it_is_given_up_in_the_end(shop, sink: HttpSink, clock: Clock):
    row = note(channel(shop, address=sink.url))
    sink.status = 500

    for _ in range(12):
        send(clock)
        clock.passes(hours=3)

    row.refresh_from_db()
    assert (row.status, row.attempts, len(sink.posted)) == (NotificationStatus.FAILED, 8, 8)


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_hangs_does_not_stop_the_others(sink: HttpSink, mail: SmtpSink, clock: Clock, monkeypatch):
    shop = make_location()
    monkeypatch.setattr(sending, "PATIENCE", 1.0)
    sink.status = lambda posted: time.sleep(2 if posted.path == "/hangs" else 0) or 200
    hangs = channel(shop, name="a", address=f"{sink.url}/hangs")
    works = channel(shop, name="b", address=f"{sink.url}/works")
    letters = channel(shop, "email", "a@example.com")
    for each in (hangs, works, letters):
        for number in range(3):
            note(each, number)

    began = time.monotonic()
    sent = send(clock)

    assert time.monotonic() - began < 2
    assert sent == 6
    assert [row.status for row in Notification.objects.filter(channel=works)] == ["SENT"] * 3
    waiting = Notification.objects.filter(channel=hangs).order_by("pk")
    assert [(row.status, row.attempts) for row in waiting] == [("PENDING", 1), ("PENDING", 0), ("PENDING", 0)]
    assert AlertChannel.objects.get(pk=hangs.pk).last_error == "Nothing was answered within 1 s."


def test_many_for_one_channel_leave_room_for_the_others(shop, sink: HttpSink, clock: Clock):
    chatty = channel(shop, address=f"{sink.url}/chatty")
    quiet = channel(shop, name="quiet", address=f"{sink.url}/quiet")
    for number in range(200):
        note(chatty, number)
    note(quiet, due_at=clock.now + timedelta(seconds=1))
    clock.passes(seconds=2)

    send(clock)

    paths = [posted.path for posted in sink.posted]
    assert (paths.count("/chatty"), paths.count("/quiet")) == (sending.PER_CHANNEL, 1)


def test_whatever_breaks_in_a_channel_is_its_failure_and_nobody_elses(shop, sink: HttpSink, clock: Clock, monkeypatch):
    real = channels.deliver

    def deliver(kind: str, address: str, message: Any) -> None:
        if address.endswith("/breaks"):
            raise RuntimeError(f"a bug that knows {address}")
        real(kind, address, message)

    monkeypatch.setattr(channels, "deliver", deliver)
    breaks = note(channel(shop, name="a", address="http://localhost:9/breaks"))
    note(channel(shop, name="b", address=sink.url))

    assert send(clock) == 1

    breaks.refresh_from_db()
    assert (breaks.status, breaks.error) == ("PENDING", "It could not be sent: RuntimeError.")


@pytest.mark.django_db(transaction=True)
def test_senders_at_the_same_moment_send_once(sink: HttpSink, clock: Clock):
    shop = make_location()
    for name in "abcd":
        for number in range(3):
            note(channel(shop, name=f"{name}{number}", address=f"{sink.url}/{name}{number}"))

    results = at_once(*[lambda: send(clock)] * 4)

    assert sum(results) == 12
    assert sorted(posted.path for posted in sink.posted) == sorted({posted.path for posted in sink.posted})
    assert len(sink.posted) == 12


def test_what_a_dead_sender_had_is_sent_when_its_lease_is_over(shop, sink: HttpSink, clock: Clock):
    note(channel(shop, address=sink.url), lease_expires_at=clock.now + timedelta(seconds=30))

    early = send(clock)
    clock.passes(seconds=31)

    assert (early, send(clock)) == (0, 1)


def test_what_is_not_due_or_switched_off_is_not_sent(shop, sink: HttpSink, clock: Clock):
    note(channel(shop, address=sink.url), due_at=clock.now + timedelta(seconds=1))
    note(channel(shop, name="off", address=sink.url, enabled=False))

    assert send(clock) == 0


def test_what_was_written_down_before_the_clock_was_set_back_is_sent_once(shop, sink: HttpSink, clock: Clock):
    load(shop, clock.now, ok=False)
    channel(shop, address=sink.url)
    load(shop, clock.now, ok=True)
    load(shop, clock.now, ok=False)
    clock.passes(hours=-2)

    assert (send(clock), send(clock)) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_the_task_sends(sink: HttpSink):
    note(channel(make_location(), address=sink.url))

    send_alerts()

    assert len(sink.posted) == 1
    assert Notification.objects.get().sent_at is not None


def test_the_schedule_sends_and_reminds():
    entries = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}

    assert (entries["deployments.tasks.send_alerts"], entries["deployments.tasks.remind"]) == (5.0, 60.0)
    assert {send_alerts.name, remind.name} <= set(entries)
    assert not send_alerts.acks_late


def test_nothing_at_the_address(shop, clock: Clock, settings, mail: SmtpSink):
    for kind, address, words in (
        ("webhook", f"http://127.0.0.1:{free_port()}/x", "The webhook cannot be reached (ConnectError)."),
        ("webhook", "http://no-such-host.invalid/x", "The portal may not call no-such-host.invalid"),
        ("webhook", "", "Its address is empty"),
        ("email", "unknown@example.com", "The mail server takes nothing for these recipients (550)."),
    ):
        mail.refuses = {"unknown@example.com"}
        row = note(channel(shop, kind, address, name=words[:90]))
        send(clock)
        row.refresh_from_db()
        assert row.error.startswith(words)
        assert "unknown@" not in row.error


def test_redirects_are_not_followed(shop, sink: HttpSink, clock: Clock):
    row = note(channel(shop, address=f"{sink.url}/from"))
    sink.status, sink.headers = 307, {"Location": f"{sink.url}/to"}

    send(clock)

    row.refresh_from_db()
    assert row.error == "The webhook answered 307: redirects are not followed."
    assert [posted.path for posted in sink.posted] == ["/from"]


def test_a_mail_server_that_is_away_or_not_set_is_said(shop, clock: Clock, settings, mail: SmtpSink):
    row = note(channel(shop, "email", "a@example.com"))
    settings.MAILERS = {
        "default": settings.MAILERS["default"] | {"OPTIONS": {"host": "127.0.0.1", "port": free_port()}}
    }
    send(clock)
    row.refresh_from_db()
    away = row.error
    settings.LASTGOOD_SMTP = None
    clock.passes(minutes=1)
    send(clock)
    row.refresh_from_db()

    assert away == "The mail server cannot be reached, or broke off (ConnectionRefusedError)."
    assert "LASTGOOD_SMTP_URL" in row.error


def test_smtp_answers_are_told_by_their_number(shop, clock: Clock, monkeypatch, mail: SmtpSink):
    row = note(channel(shop, "email", "a@example.com"))

    def refuse(*_: Any, **__: Any) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"no: a@example.com")

    monkeypatch.setattr(smtplib.SMTP, "ehlo", refuse)
    send(clock)

    row.refresh_from_db()
    assert row.error == "The mail server answered 535."
