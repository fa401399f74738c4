"""What now? What a rollback that ended leaves to do: tell, compare, mend, lift the hold, undo; or try something else."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments import blaming, drivers, history
from deployments.access import Right, rights_on
from deployments.last_known_good import known_good
from deployments.models import Deploy, Notification
from deployments.states import DeployStatus, NotificationStatus, RollbackScope
from deployments.views.answering import refreshing, refusals_shown
from deployments.views.bulletin import bulletin
from deployments.views.finding import find_deploy, person
from deployments.views.moments import ago, since
from deployments.views.rows import Around, Row
from deployments.views.standing import place_words

# Deploys to go back to instead, and alerts, that are named.
MOST_OTHERS, MOST_TOLD = 3, 10
TOLD = {
    NotificationStatus.SENT: ("ok", "sent"),
    NotificationStatus.FAILED: ("bad", "not sent"),
    NotificationStatus.PENDING: ("queued", "to be sent"),
}
COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


@refreshing
@require_safe
@login_required
@never_cache
@refusals_shown()
def afterwards(request: HttpRequest, org: str, deployment: str, location: str, number: int) -> HttpResponse:
    """Show what is to be done after a rollback: a part of its page, or a page. Absent while it runs."""
    found = find_deploy(request, org, deployment, location, number)
    if not (found.is_rollback and found.is_finished):
        raise Http404
    template = "deployments/_afterwards.html" if getattr(request, "htmx", False) else "deployments/afterwards.html"
    return render(request, template, _context(request, found))


@dataclass(frozen=True)
class Told:
    """An alert channel that was told of the rollback last, and whether that arrived."""

    name: str
    kind: str
    tone: str
    words: str
    when: SafeString | str


@dataclass(frozen=True)
class Afterwards:
    """A rollback that ended, and what is true now. `left` is what it rolled back from."""

    rollback: Deploy
    left: Deploy | None
    around: Around

    @property
    def state(self) -> str:
        """Say what this is about: `live`, `failed`, `stopped` before it did anything, or `over`, as later ones went live."""
        live, rollback = self.around.location.live_deploy, self.rollback
        if rollback.status == DeployStatus.SUCCEEDED:
            return "live" if live is not None and live.pk == rollback.pk else "over"
        later = (
            live is not None and live.finished_at and rollback.finished_at and live.finished_at > rollback.finished_at
        )
        if later or self.in_place_came_later:
            return "over"
        return "failed" if rollback.status in {DeployStatus.FAILED, DeployStatus.ERRORED} else "stopped"

    @property
    def in_place_came_later(self) -> bool:
        """Say whether something newer than this rollback was put in place."""
        served = self.around.location.served_deploy
        return served is not None and served.number > self.rollback.number

    @property
    def is_in_place(self) -> bool:
        """Say whether this very rollback is what is in place."""
        served = self.around.location.served_deploy
        return served is not None and served.pk == self.rollback.pk

    @property
    def in_place(self) -> str:
        """Say what is in place now, and whether that is live."""
        location = self.around.location
        served, live = location.served_deploy, location.live_deploy
        if served is None:
            return "Nothing is in place."
        if served.pk == self.rollback.pk or live is None or served.pk != live.pk:
            return place_words(location) or f"#{served.number} is in place."
        return f"#{served.number} is still in place, and live."

    @property
    def may_roll_back(self) -> bool:
        """Say whether this person may roll back, and lift holds."""
        return Right.ROLL_BACK in self.around.rights

    @cached_property
    def row(self) -> Row:
        """Answer the rollback as a row."""
        return Row(self.rollback, self.around)

    @cached_property
    def left_row(self) -> Row | None:
        """Answer what was left as a row."""
        return Row(self.left, self.around) if self.left else None

    @property
    def left_code(self) -> bool:
        """Say whether it left code, which is blocked since then."""
        return self.left is not None and self.rollback.scope != RollbackScope.SETTINGS

    @property
    def revert(self) -> str:
        """Answer the command that takes the blamed commit back; nothing when the commit is not known."""
        commit = str(self.left.git.get("commit") or "") if self.left else ""
        return f"git revert {commit}" if COMMIT.fullmatch(commit) else ""

    @property
    def may_undo(self) -> bool:
        """Say whether this rollback is in place, and what it left could be put there again, by this person."""
        possible = self.left_row is not None and self.left_row.obstacle is None and not self.left_row.is_in_place
        return self.may_roll_back and possible and self.is_in_place


def _context(request: HttpRequest, found: Deploy) -> dict[str, Any]:
    about = _around(request, found)
    after = Afterwards(found, blaming.left_by(found), about)
    location = found.code_location
    held = history.unfinished_of(location) if about.hold else []
    offered = after.state in {"failed", "stopped"} and after.may_roll_back
    return {
        "after": after,
        "deploy": found,
        "location": location,
        "deployment": location.deployment,
        "here": location.get_absolute_url(),
        "live_since": since(found.finished_at, about.now),
        "held": [deploy for deploy in held if deploy.status == DeployStatus.HELD],
        "others": _others(found, about) if offered else [],
        "told": _told(found, about) if after.state in {"live", "failed"} else [],
        "bulletin": bulletin(found, left=after.left, in_place=location.served_deploy, hold=about.hold),
    }


def _around(request: HttpRequest, found: Deploy) -> Around:
    """Answer what is true of the place, as far as this needs it."""
    location = found.code_location
    return Around(
        location=location,
        rights=rights_on(person(request), location.deployment),
        now=timezone.now(),
        puts=drivers.puts_of(location),
        hold=history.hold_of(location),
        blamers={},
        last_good=None,
    )


def _others(found: Deploy, about: Around) -> list[dict[str, Any]]:
    """Answer the newest deploys that are known to work, but for the one that was tried."""
    rows = known_good(found.code_location)
    if found.restores is not None and found.restores.release_id is not None:
        rows = rows.exclude(release_id=found.restores.release_id)
    return [{"deploy": each, "when": ago(each.finished_at, about.now)} for each in rows[:MOST_OTHERS]]


def _told(found: Deploy, about: Around) -> list[Told]:
    """Answer each channel that was told of it, with what became of the last word."""
    rows = Notification.objects.filter(deploy=found).select_related("channel")
    newest = rows.defer("body", "channel__address").order_by("-pk")[:MOST_TOLD]
    last = {row.channel_id: row for row in reversed(list(newest))}
    return [
        Told(
            row.channel.name,
            row.channel.get_kind_display(),
            *TOLD[NotificationStatus(row.status)],
            ago(row.sent_at, about.now),
        )
        for row in last.values()
    ]
