"""Slack, Microsoft Teams and PagerDuty, by apprise: fixed hosts, plain text, and nothing of an address but its tokens.

An apprise URL can name local files, other hosts and proxies; so none is handed to apprise as it was written. Its tokens
are read here, and the plug-in is made from them.
"""

import logging
import re
import threading
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from apprise import AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins.pagerduty import NotifyPagerDuty
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import NotifyWorkflows
from django.conf import settings

from deployments.alerting.message import Message, NotDelivered
from deployments.states import AlertKind, ChannelKind
from portal.common.problems import Invalid

CONNECT, READ = 3.0, 6.0  # seconds
SLACK_HOSTS = {"hooks.slack.com"}
TEAMS_HOSTS = ("logic.azure.com", "api.powerplatform.com")
WORDS = {ChannelKind.SLACK: "Slack", ChannelKind.TEAMS: "Microsoft Teams", ChannelKind.PAGERDUTY: "PagerDuty"}
GOOD = {AlertKind.LOAD_RECOVERED, AlertKind.ROLLBACK_SUCCEEDED}
BAD = {AlertKind.LOAD_FAILED, AlertKind.DEPLOY_FAILED, AlertKind.ROLLBACK_FAILED}
SLACK = re.compile(r"([A-Za-z0-9]+)/([A-Za-z0-9]+)/([A-Za-z0-9]+)/?")
NATIVE_TEAMS = re.compile(
    r"(/powerautomate/automations/direct(?:/cu/([0-9]+))?)?/workflows/([A-Za-z0-9_-]+)/triggers/manual/paths/invoke/?"
)
APPRISE_TEAMS = re.compile(r"/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/?")
PAGERDUTY = re.compile(r"[A-Za-z0-9]{20,64}")


def plugin_for(kind: str, address: str, **more: Any) -> Any:
    """Make the plug-in that this address means. Raises Invalid, which never repeats it."""
    address = address.strip()
    try:
        made = {ChannelKind.SLACK: _slack, ChannelKind.TEAMS: _teams, ChannelKind.PAGERDUTY: _pagerduty}[
            ChannelKind(kind)
        ](address)
    except (ValueError, KeyError):  # no URL at all, or no port
        made = None
    if made is None:
        raise Invalid(_WANTED[kind], code="bad_address", errors=[{"field": "address", "detail": _WANTED[kind]}])
    plugin, tokens = made
    asset = AppriseAsset(app_id="Lastgood", app_desc="Lastgood", app_url=settings.SITE_URL, http_redirects=False)
    return plugin(
        asset=asset, cto=CONNECT, rto=READ, redirect="no", verify="yes", overflow="truncate", **tokens, **more
    )


def host_of(kind: str, address: str) -> str:
    """Answer the vendor's host."""
    if kind == ChannelKind.TEAMS:
        return urlsplit(address.strip()).hostname or ""
    return "hooks.slack.com" if kind == ChannelKind.SLACK else "events.pagerduty.com"


def send(kind: str, address: str, message: Message) -> None:
    """Send it now. Raises Invalid, NotDelivered."""
    plugin = plugin_for(kind, address, **(_incident(message) if kind == ChannelKind.PAGERDUTY else {}))
    body, body_format = message.text, NotifyFormat.TEXT
    title = message.title
    if kind == ChannelKind.TEAMS:
        # Teams reads Markdown, whatever it is told: what could become a link or a mention is taken apart.
        body, body_format = _for_teams(message), NotifyFormat.MARKDOWN
        title = _inert(title)
    said = _Overheard()
    with said:
        sent = plugin.notify(title=title, body=body, notify_type=_tone(message.alert), body_format=body_format)
    if not sent:
        status = f" It answered {said.status}." if said.status else " It cannot be reached, or broke off."
        raise NotDelivered(f"{WORDS[ChannelKind(kind)]} did not take it.{status}")


_WANTED: dict[str, str] = {
    ChannelKind.SLACK: "Use the address of an incoming webhook, https://hooks.slack.com/services/…, or slack://A/B/C.",
    ChannelKind.TEAMS: "Use the address of a Teams workflow that begins “When a Teams webhook request is received”: its "
    "host ends with logic.azure.com or api.powerplatform.com, and it has a signature (sig=…). Microsoft no longer "
    "serves the older connectors of webhook.office.com.",
    ChannelKind.PAGERDUTY: "Use the integration key of an Events API v2 integration, or pagerduty://KEY, with ?region=eu "
    "for the European region.",
}
Made = tuple[Any, dict[str, Any]] | None


def _slack(address: str) -> Made:
    parts = urlsplit(address)
    if parts.query or parts.fragment or "@" in address:
        return None
    if parts.scheme == "https" and parts.netloc.lower() in SLACK_HOSTS and parts.path.startswith("/services/"):
        found = SLACK.fullmatch(parts.path.removeprefix("/services/"))
    else:
        found = SLACK.fullmatch(parts.netloc + parts.path) if parts.scheme == "slack" else None
    if found is None:
        return None
    tokens = dict(zip(("token_a", "token_b", "token_c"), found.groups(), strict=True))
    return NotifySlack, {**tokens, "include_image": False, "include_footer": False}


def _teams(address: str) -> Made:
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if "@" in parts.netloc or parts.port not in (None, 443) or not host.endswith(tuple(f".{e}" for e in TEAMS_HOSTS)):
        return None
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "https" and (found := NATIVE_TEAMS.fullmatch(unquote(parts.path))):
        automate, routing, workflow = found.groups()
        signature = asked.get("sig", "")
    elif parts.scheme in {"workflow", "workflows"} and (found := APPRISE_TEAMS.fullmatch(parts.path)):
        workflow, signature = found.groups()
        automate, routing = asked.get("pa") in {"yes", "true", "1"}, asked.get("route")
    else:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_-]+", signature) or (routing and not routing.isdecimal()):
        return None
    tokens = {"host": host, "workflow": workflow, "signature": signature, "power_automate": bool(automate)}
    version = asked.get("api-version") or asked.get("ver")
    if version and re.fullmatch(r"[A-Za-z0-9.-]{1,40}", version):
        tokens["version"] = version
    return NotifyWorkflows, {**tokens, "routing_id": routing, "include_image": False}


def _pagerduty(address: str) -> Made:
    key, region = address, "us"
    if "://" in address:
        parts = urlsplit(address)
        asked = parse_qs(parts.query)
        key, region = parts.netloc.partition("@")[0], asked.get("region", ["us"])[0]
        if parts.scheme != "pagerduty" or set(asked) - {"region"} or region not in {"us", "eu"}:
            return None
    if not PAGERDUTY.fullmatch(key):
        return None
    # The Events API goes by the integration key alone; apprise insists on another one.
    return NotifyPagerDuty, {"apikey": "none", "integrationkey": key, "region_name": region, "include_image": False}


def _incident(message: Message) -> dict[str, Any]:
    """Say what PagerDuty does with its incident: a load that recovered resolves what the failure opened."""
    action = "resolve" if message.alert == AlertKind.LOAD_RECOVERED else "trigger"
    return {"action": action, "dedup": message.key, "source": message.place or "Lastgood", "click": message.link}


def _tone(alert: str) -> NotifyType:
    if alert in BAD:
        return NotifyType.FAILURE
    return NotifyType.SUCCESS if alert in GOOD else NotifyType.INFO


def _for_teams(message: Message) -> str:
    lines = [_inert(line) for line in message.body.split("\n")]
    return "\n\n".join([*lines, message.link] if message.link else lines)


def _inert(text: str) -> str:
    """Take apart what Markdown makes links, pictures and mentions of, in a way that nobody sees."""
    return text.replace("](", "]\u200b(").replace("<", "<\u200b").replace("]:", "]\u200b:").replace("][", "]\u200b[")


class _Overheard(logging.Handler):
    """What apprise logs of one delivery: it answers no more than yes or no. Only the status is kept of it."""

    status = ""

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        logging.getLogger("apprise").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the number."""
        if record.thread == self.thread and (found := re.search(r"error=(\d{3})", record.getMessage())):
            self.status = found[1]
