"""What people read: what, on which, since when, the user's own error in a line, and what to do."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from deployments.models import AlertChannel, CodeLocation, Deploy, Incident, Load, Notification
from deployments.states import AlertKind

LONGEST_TITLE = Notification._meta.get_field("title").max_length or 200
LONGEST_LINK = Notification._meta.get_field("link").max_length or 500
LONGEST_LINE = 300


@dataclass(frozen=True)
class Words:
    """What one happening is told in, whoever is told."""

    location: CodeLocation
    title: str
    body: str
    link: str
    incident: Incident | None = None
    deploy: Deploy | None = None

    def notification(self, channel: AlertChannel, alert: AlertKind, subject: str, now: datetime) -> Notification:
        """Make the message for one channel, to be sent at once; it is not stored yet."""
        return Notification(
            channel=channel,
            alert=alert,
            code_location=self.location,
            incident=self.incident,
            deploy=self.deploy,
            subject=subject,
            title=shortened(self.title, LONGEST_TITLE),
            body=self.body,
            link=self.link if len(self.link) <= LONGEST_LINK else settings.SITE_URL,
            due_at=now,
            created_at=now,
        )


def load_failed(incident: Incident, *, still: bool = False) -> Words:
    """Tell that a code location fails to load; `still`: that it goes on."""
    location, load = incident.code_location, incident.began_with
    newest = location.last_load if still and location.last_load else load
    lines = [own_error(newest.error), f"Since {moment(incident.opened_at)}.{_brought(load)}"]
    lines.append("See its history, and roll back to the last known good version there:")
    title = f"{location} {'still fails' if still else 'fails'} to load"
    return Words(location, title, "\n".join(filter(None, lines)), link_to(location), incident, load.deploy)


def load_recovered(incident: Incident) -> Words:
    """Tell that it loads again."""
    location, load = incident.code_location, incident.ended_with
    assert load is not None
    span = lasted((incident.closed_at or incident.opened_at) - incident.opened_at)
    body = f"It failed from {moment(incident.opened_at)} on, for {span}.{_brought(load, 'loads again')}\nIts history:"
    return Words(location, f"{location} loads again", body, link_to(location), incident, load.deploy)


def of_deploy(deploy: Deploy, how: str) -> Words:
    """Tell how a push or a rollback fares."""
    location = deploy.code_location
    if deploy.is_rollback:
        target = f" to #{deploy.restores.number}" if deploy.restores else ""
        what = f"Rollback #{deploy.number}{target}"
    else:
        what = f"Deploy #{deploy.number}"
    lines = [one_line((deploy.error or {}).get("detail", ""))] if how == "failed" else []
    lines.append(f"By {one_line(deploy.actor_name)}{_described(deploy)}")
    lines.append("What happened, and what can be done:" if how == "failed" else "Follow it:")
    return Words(
        location, f"{what} of {location} {how}", "\n".join(filter(None, lines)), link_to(deploy), deploy=deploy
    )


def own_error(error: Any) -> str:
    """Answer the user's own error in a line: the innermost link of the chain."""
    if not isinstance(error, dict):
        return ""
    chain = error.get("chain")
    links = [each for each in chain if isinstance(each, dict)] if isinstance(chain, list) else []
    inner = links[-1] if links else error
    message, name = one_line(inner.get("message")), one_line(inner.get("class_name"))
    said = (
        message if not name or message.startswith(f"{name}:") or f".{name}:" in message[:80] else f"{name}: {message}"
    )
    frame = one_line(inner.get("frame")) if isinstance(inner.get("frame"), str) else ""
    return shortened(said.removesuffix(": "), LONGEST_LINE) + (f" ({frame[:200]})" if frame else "")


def one_line(text: Any) -> str:
    """Answer the text without line ends and control characters, not too long."""
    return shortened(re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(text or "")).strip(), LONGEST_LINE)


def shortened(text: str, most: int) -> str:
    """Answer at most so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def moment(at: datetime) -> str:
    """Answer a time as people of several zones read it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def lasted(span: timedelta) -> str:
    """Answer a span in its two largest units."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 1:
        return "less than a minute"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{rest} min" if rest and not days else ""]
    return " ".join(filter(None, parts))


def link_to(row: CodeLocation | Deploy) -> str:
    """Answer the whole address of its page."""
    return f"{settings.SITE_URL.rstrip('/')}{row.get_absolute_url()}"


def _brought(load: Load, did: str = "came") -> str:
    if load.deploy is not None:
        return f" It {did} with deploy #{load.deploy.number}, by {one_line(load.deploy.actor_name)}."
    # A neighbour's deploy had the whole workspace loaded anew.
    return f" It was loaded anew for deploy {load.reloaded_by}." if load.reloaded_by is not None else ""


def _described(deploy: Deploy) -> str:
    said = one_line(deploy.description)
    return f": {said}" if said else "."
