"""The strip of the last deploys: a tick for each, that tells by colour and by shape how it went."""

from dataclasses import dataclass
from datetime import datetime

from deployments import history
from deployments.models import CodeLocation
from deployments.states import DeployKind, DeployStatus
from deployments.views.moments import ago_words

MOST = 30
# Ticks of a whole page: where many code locations are listed, each strip is shorter.
MOST_OF_A_PAGE = 600
LONGEST = 60


@dataclass(frozen=True)
class Tick:
    """One deploy in a strip. `look` names its colour and its shape; a plain success has neither."""

    number: int
    look: str
    words: str


def strips_of(locations: list[CodeLocation], now: datetime) -> dict[int, list[Tick]]:
    """Answer the strips of those code locations, oldest tick first, by code location: one query for all of them."""
    strips: dict[int, list[Tick]] = {location.pk: [] for location in locations}
    live = {location.live_deploy_id for location in locations}
    count = max(1, min(MOST, MOST_OF_A_PAGE // max(1, len(locations))))
    for deploy in history.newest_of_each(locations, count, longest=LONGEST + 1):
        tick = Tick(deploy["number"], _look(deploy, deploy["pk"] in live), _words(deploy, deploy["pk"] in live, now))
        strips[deploy["code_location_id"]].append(tick)
    return strips


def _look(deploy: history.Glance, is_live: bool) -> str:
    words = [] if deploy["status"] == DeployStatus.SUCCEEDED else [deploy["status"].lower()]
    words += ["back"] * (deploy["kind"] == DeployKind.ROLLBACK) + ["live"] * is_live
    return " ".join(words)


def _words(deploy: history.Glance, is_live: bool, now: datetime) -> str:
    said = deploy["gist"] if len(deploy["gist"]) <= LONGEST else f"{deploy['gist'][:LONGEST]}…"
    facts = [f"#{deploy['number']} {DeployStatus(deploy['status']).label}"]
    facts += ["rollback"] * (deploy["kind"] == DeployKind.ROLLBACK) + ["live"] * is_live
    facts += [ago_words(deploy["created_at"], now)]
    return f"{', '.join(facts)}{': ' if said else ''}{' '.join(said.split())}"
