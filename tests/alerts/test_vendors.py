"""What arrives at Slack, Teams and PagerDuty: apprise's own requests, led to a sink of ours."""

import logging
from typing import Any

import pytest

from deployments.alerting import channels
from deployments.alerting.message import Message, NotDelivered
from deployments.states import ChannelKind
from portal.common.problems import Invalid
from tests.alerts.acting import Clock, channel, load, send
from tests.alerts.sinks import HttpSink, free_port
from tests.factories import noon

SECRET = "s3cr3tT0k3n"
KEY = "0123456789abcdef0123456789abcdef"
SLACK = f"https://hooks.slack.com/services/T000/B000/{SECRET}"
TEAMS = f"https://prod-07.westus.logic.azure.com:443/workflows/abc123/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SECRET}"
AUTOMATE = f"https://default0.1.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/abc123/triggers/manual/paths/invoke?api-version=1&sig={SECRET}"
EACH = [("slack", SLACK), ("teams", TEAMS), ("pagerduty", KEY)]
MARKUP = "<!channel> & [click](http://evil.example) <at>boss</at> <http://evil.example|here> *bold*"


def message(**said: Any) -> Message:
    """Make a message."""
    fields = {"alert": "load_failed", "place": "acme/production/shop", "title": "It fails", "body": "Why.\nMore."}
    fields |= {"link": "http://portal.example/x/", "at": noon(), "key": "http://portal.example/incident:1"}
    return Message(**(fields | said))


def test_slack_gets_plain_text(vendors: HttpSink):
    channels.deliver("slack", SLACK, message(body=MARKUP))

    (posted,) = vendors.posted
    assert posted.meant == SLACK
    attachment = posted.json["attachments"][0]
    assert attachment["title"] == "It fails"
    assert attachment["text"].endswith("\nhttp://portal.example/x/")
    assert "&lt;!channel&gt; &amp; " in attachment["text"]
    assert "<" not in attachment["text"]
    assert posted.json["mrkdwn"] is False
    assert "apprise" not in posted.body.decode().lower(), "No pictures from elsewhere."


@pytest.mark.parametrize("address", [TEAMS, AUTOMATE])
def test_teams_gets_a_card_without_links_and_mentions_of_others(vendors: HttpSink, address: str):
    channels.deliver("teams", address, message(title=MARKUP, body=MARKUP))

    (posted,) = vendors.posted
    assert posted.meant.split("?")[0].replace(":443", "") == address.split("?")[0].replace(":443", "")
    assert f"sig={SECRET}" in posted.meant
    card = posted.json["attachments"][0]["content"]
    title, body = (block["text"] for block in card["body"])
    assert card["msteams"] == {"width": "full"}, "Nobody is mentioned."
    assert "](" not in title + body
    assert "<at>" not in title + body
    assert body.endswith("\n\nhttp://portal.example/x/")


def test_pagerduty_opens_an_incident_and_resolves_it(vendors: HttpSink):
    channels.deliver("pagerduty", KEY, message())
    channels.deliver("pagerduty", KEY, message(alert="load_recovered"))

    opened, resolved = (posted.json for posted in vendors.posted)
    assert vendors.posted[0].meant == "https://events.pagerduty.com/v2/enqueue"
    assert (opened["event_action"], opened["routing_key"]) == ("trigger", KEY)
    assert opened["payload"]["summary"].startswith("It fails")
    assert (opened["payload"]["severity"], opened["payload"]["source"]) == ("critical", "acme/production/shop")
    assert resolved["event_action"] == "resolve"
    assert opened["dedup_key"] == resolved["dedup_key"] == "http://portal.example/incident:1"


@pytest.mark.django_db
def test_an_incidents_messages_share_pagerdutys_key(vendors: HttpSink, shop: Any, clock: Clock):
    channel(shop, "pagerduty", KEY)
    for ok in (False, True, False):
        load(shop, clock.passes(minutes=1), ok=ok)
    send(clock)

    first, second, third = (posted.json for posted in vendors.posted)
    assert [each["event_action"] for each in (first, second, third)] == ["trigger", "resolve", "trigger"]
    assert first["dedup_key"] == second["dedup_key"] != third["dedup_key"]


def test_pagerduty_of_europe(vendors: HttpSink):
    channels.deliver("pagerduty", f"pagerduty://{KEY}?region=eu", message())

    assert vendors.posted[0].meant == "https://events.eu.pagerduty.com/v2/enqueue"


def test_apprises_own_addresses_mean_the_same(vendors: HttpSink):
    channels.deliver("slack", f"slack://T000/B000/{SECRET}", message())
    channels.deliver("teams", f"workflows://prod-07.westus.logic.azure.com/abc123/{SECRET}", message())

    assert vendors.posted[0].meant == SLACK
    assert vendors.posted[1].meant.startswith("https://prod-07.westus.logic.azure.com/workflows/abc123/triggers/")


@pytest.mark.parametrize(("kind", "address"), EACH)
def test_what_a_vendor_refuses_is_told_with_its_number_and_no_secret(
    vendors: HttpSink, kind: str, address: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    vendors.status, vendors.body = 404, b"no_service"

    with pytest.raises(NotDelivered) as refused:
        channels.deliver(kind, address, message())

    assert refused.value.detail.endswith("did not take it. It answered 404.")
    assert len(vendors.posted) == 1
    for secret in (SECRET, KEY):
        assert secret not in refused.value.detail + caplog.text


@pytest.mark.parametrize(("kind", "address"), EACH)
def test_redirects_of_a_vendor_are_not_followed(vendors: HttpSink, kind: str, address: str):
    vendors.status, vendors.headers = 302, {"Location": "http://127.0.0.1:9/elsewhere"}

    with pytest.raises(NotDelivered):
        channels.deliver(kind, address, message())

    assert len(vendors.posted) == 1


@pytest.mark.parametrize(("kind", "address"), EACH)
def test_a_vendor_that_is_away(monkeypatch: pytest.MonkeyPatch, kind: str, address: str):
    from requests.adapters import HTTPAdapter

    real = HTTPAdapter.send

    def send(self: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> Any:
        assert kwargs["timeout"] == (3.0, 6.0)
        assert kwargs["verify"], "Certificates are checked."
        request.url = f"http://127.0.0.1:{free_port()}/"
        return real(self, request, *args, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    with pytest.raises(NotDelivered, match="cannot be reached"):
        channels.deliver(kind, address, message())


GOOD = [
    *EACH,
    ("teams", AUTOMATE),
    ("slack", f"slack://T000/B000/{SECRET}"),
    ("pagerduty", f"pagerduty://{KEY}"),
    ("email", "a@example.com"),
    ("email", " a@example.com , b@example.com,"),
    ("webhook", "http://localhost:9000/hook?token=x"),
]
BAD = [
    ("slack", "https://hooks.slack.com.evil.example/services/T/B/X"),
    ("slack", "https://evil.example/services/T/B/X"),
    ("slack", "https://hooks.slack.com/services/T/B"),
    ("slack", f"{SLACK}?template=file:///etc/passwd"),
    ("slack", "slack://T/B/X?template=/etc/passwd&blocks=yes"),
    ("slack", "slack://user:pass@T/B/X"),
    ("slack", "json://localhost/"),
    ("slack", "http://hooks.slack.com/services/T/B/X"),
    ("teams", "https://evil.example/workflows/a/triggers/manual/paths/invoke?sig=x"),
    ("teams", "https://logic.azure.com.evil.example/workflows/a/triggers/manual/paths/invoke?sig=x"),
    ("teams", "https://evillogic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=x"),
    ("teams", "https://x.logic.azure.com:8443/workflows/a/triggers/manual/paths/invoke?sig=x"),
    ("teams", "https://x.logic.azure.com/workflows/a/triggers/manual/paths/invoke"),
    ("teams", "https://x.logic.azure.com:port/workflows/a/triggers/manual/paths/invoke?sig=x"),
    ("teams", "https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d"),
    ("teams", "workflows://localhost/a/b"),
    ("pagerduty", "short"),
    ("pagerduty", f"{KEY}/../x"),
    ("pagerduty", f"pagerduty://{KEY}@api?verify=no"),
    ("pagerduty", f"https://events.pagerduty.com/{KEY}"),
    ("email", "nobody"),
    ("email", "a@example.com b@example.com"),
    ("email", "a@example.com\r\nBcc: b@example.com"),
    ("email", ","),
    ("email", ",".join(f"a{number}@example.com" for number in range(21))),
    ("webhook", "ftp://localhost/"),
    ("webhook", "http://user:secret@localhost/"),
    ("webhook", "http://localhost:port/"),
    ("webhook", "http://[::1/"),
    ("webhook", "localhost"),
    ("webhook", "http://"),
    ("webhook", ""),
    ("webhook", "   "),
    ("webhook", "http://localhost/\x00"),
    ("webhook", "http://localhost/" + "a" * 3000),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "address"), GOOD)
def test_takes_what_can_be_sent_to(kind: str, address: str, mail: Any):
    channels.check_address(kind, address)

    assert SECRET not in channels.hint(kind, address)
    assert KEY not in channels.hint(kind, address)


@pytest.mark.parametrize(("kind", "address"), BAD)
def test_refuses_what_cannot(kind: str, address: str, mail: Any):
    with pytest.raises(Invalid) as refused:
        channels.check_address(kind, address)

    assert refused.value.code == "bad_address"
    assert not address.strip() or address not in refused.value.detail


@pytest.mark.parametrize("address", ["http://elsewhere.example/x", "http://169.254.169.254/x", "http://10.0.0.1/x"])
def test_refuses_hosts_that_the_operator_did_not_allow_also_when_it_is_used(address: str):
    with pytest.raises(Invalid) as refused:
        channels.check_address("webhook", address)
    with pytest.raises(NotDelivered, match="LASTGOOD_WEBHOOK_HOSTS"):
        channels.deliver("webhook", address, message())

    assert refused.value.code == "host_not_allowed"


def test_a_name_that_resolves_to_a_link_local_address_is_never_called(settings: Any, monkeypatch: pytest.MonkeyPatch):
    settings.LASTGOOD_WEBHOOK_HOSTS = ["rebound.example"]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("169.254.169.254", 0))])

    with pytest.raises(NotDelivered, match="link-local"):
        channels.deliver("webhook", "http://rebound.example/", message())


def test_without_a_mail_server_no_mail_channel_can_be_made(settings: Any):
    settings.LASTGOOD_SMTP = None

    with pytest.raises(Invalid, match="LASTGOOD_SMTP_URL") as refused:
        channels.check_address("email", "a@example.com")

    assert refused.value.code == "no_mail_server"


def test_hints_tell_no_more_than_who_knows_it_needs():
    assert channels.hint("email", "jane@example.com, joe@other.example") == "j…@example.com, j…@other.example"
    assert channels.hint("webhook", "http://localhost:9000/token") == "localhost"
    assert channels.hint("slack", SLACK) == "hooks.slack.com"
    assert channels.hint("teams", TEAMS) == "prod-07.westus.logic.azure.com"
    assert channels.hint("pagerduty", KEY) == "events.pagerduty.com"
    assert "set it anew" in channels.hint("slack", "")


def test_every_kind_of_channel_was_tried_here():
    assert {kind for kind, _ in GOOD} == {kind for kind, _ in BAD} == set(ChannelKind.values)
