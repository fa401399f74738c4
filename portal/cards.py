"""What needs somebody, as cards of the admin's first page: only rows that the person sees, and no card for what is well."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.safestring import SafeString

from deployments import trouble
from deployments.views.failures import failure_of
from deployments.views.moments import ago

MOST_LINES = 6
OF_LOCATION = "code_location__deployment__organization"
OF_DEPLOYMENT = "deployment__organization"


@dataclass(frozen=True)
class Line:
    """One row that needs somebody: its page for the team, its row in the admin, what is wrong and since when."""

    title: str
    url: str
    row_url: str
    said: str
    when: SafeString | str


@dataclass(frozen=True)
class Card:
    """Rows with the same trouble: the first of them, how many there are, and the list of them all."""

    title: str
    level: str
    advice: str
    lines: list[Line]
    total: int
    list_url: str

    @property
    def more(self) -> int:
        """Count the rows that have no line here."""
        return self.total - len(self.lines)


def cards(person: User, now: datetime) -> list[Card]:
    """Answer what needs somebody among the rows that this person sees, the worst first; nothing for what is well."""
    asked = [_stalled, _unwatched, _errored, _not_loading, _unreachable, _drifted, _failing_sources, _failing_channels]
    return [card for ask in asked if (card := ask(person, now)).total]


def _card(
    rows: Any, person: User, *related: str, line: Callable[[Any], Line], level: str, title: str, advice: str, of: str
) -> Card:
    found = trouble.look(rows, person, *related, most=MOST_LINES)
    model, _, filters = of.partition("?")
    address = f"{reverse(f'admin:deployments_{model}_changelist')}?{filters}"
    return Card(title, level, advice, [line(row) for row in found.rows], found.total, address)


def _row(row: Any) -> str:
    return reverse(f"admin:deployments_{row._meta.model_name}_change", args=[row.pk])


def _said(error: dict[str, Any] | None) -> str:
    return str((error or {}).get("detail", ""))


def _page_of(location: Any, name: str) -> str:
    deployment = location.deployment
    return reverse(f"deployments:{name}", args=[deployment.organization.slug, deployment.slug, location.name])


def _stalled(person: User, now: datetime) -> Card:
    return _card(
        trouble.stalled(now),
        person,
        OF_LOCATION,
        line=lambda row: Line(
            str(row), row.get_absolute_url(), _row(row), trouble.why_stalled(row, now), ago(row.created_at, now)
        ),
        level="bad",
        title="Stalled deploys",
        advice="Somebody should work on these, and nobody does. Are workers and schedule alive?",
        of="deploy?stalled=yes",
    )


def _unwatched(person: User, now: datetime) -> Card:
    return _card(
        trouble.unwatched(now),
        person,
        OF_DEPLOYMENT,
        line=lambda row: Line(
            str(row.deployment),
            row.deployment.get_absolute_url(),
            _row(row),
            "It is time to ask it again, and nobody does.",
            ago(row.asked_at, now),
        ),
        level="bad",
        title="Platforms that nobody asks",
        advice="Loads are not noticed. Does anybody work on the queue “observations”?",
        of="platformwatch?",
    )


def _errored(person: User, now: datetime) -> Card:
    return _card(
        trouble.errored(now),
        person,
        OF_LOCATION,
        line=lambda row: Line(str(row), row.get_absolute_url(), _row(row), _said(row.error), ago(row.finished_at, now)),
        level="bad",
        title="Deploys that errored in the last 24 hours",
        advice="The portal broke on their way, or could not reach what it needed. Retry them when that is mended.",
        of="deploy?status__exact=ERRORED",
    )


def _not_loading(person: User, now: datetime) -> Card:
    return _card(
        trouble.not_loading().defer("began_with__raw", "began_with__metadata"),
        person,
        OF_LOCATION,
        "began_with",
        line=lambda row: Line(
            str(row.code_location),
            row.code_location.get_absolute_url(),
            _row(row),
            failure.gist if (failure := failure_of(row.began_with.error)) else "Its platform could not load it.",
            ago(row.opened_at, now),
        ),
        level="warn",
        title="Code locations that fail to load",
        advice="Roll back to the last known good, or mend the code.",
        of="incident?closed_at=no",
    )


def _unreachable(person: User, now: datetime) -> Card:
    return _card(
        trouble.unreachable(),
        person,
        OF_DEPLOYMENT,
        line=lambda row: Line(
            str(row.deployment),
            row.deployment.get_absolute_url(),
            _row(row),
            _said(row.error) or "It does not answer.",
            ago(row.unreachable_since, now),
        ),
        level="warn",
        title="Platforms that do not answer",
        advice="Nothing is verified and no load is noticed there meanwhile.",
        of="platformwatch?unreachable_since=yes",
    )


def _drifted(person: User, now: datetime) -> Card:
    return _card(
        trouble.drifted(),
        person,
        OF_DEPLOYMENT,
        line=lambda row: Line(str(row), row.get_absolute_url(), _row(row), row.drift, ago(row.checked_at, now)),
        level="warn",
        title="Targets that hold something else",
        advice="Somebody changed them by hand. The portal puts its release back.",
        of="codelocation?drift=yes",
    )


def _failing_sources(person: User, now: datetime) -> Card:
    return _card(
        trouble.failing_sources(),
        person,
        OF_LOCATION,
        line=lambda row: Line(
            str(row.code_location),
            _page_of(row.code_location, "git"),
            _row(row),
            _said(row.error),
            ago(row.asked_at, now),
        ),
        level="warn",
        title="Git sources in trouble",
        advice="Pushes to these branches are not deployed.",
        of="gitsource?error=yes",
    )


def _failing_channels(person: User, now: datetime) -> Card:
    return _card(
        trouble.failing_channels(),
        person,
        OF_DEPLOYMENT,
        line=lambda row: Line(
            str(row),
            reverse("deployments:alerts", args=[row.deployment.organization.slug, row.deployment.slug]),
            _row(row),
            row.last_error,
            ago(row.failing_since, now),
        ),
        level="warn",
        title="Alert channels that do not arrive",
        advice="Nobody is told there of what fails.",
        of="alertchannel?failing_since=yes",
    )
