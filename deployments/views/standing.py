"""How a code location stands, in a few marked words: for lists, and for the top of its history."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse
from django.utils import timezone

from deployments.models import CodeLocation, Deploy, Hold, Incident
from deployments.states import DeployKind, DeployStatus
from deployments.views.failures import failure_of
from deployments.views.rows import address_of

# Of the ends that are not good, those that say something about the code or the portal.
_BAD = (DeployStatus.FAILED, DeployStatus.ERRORED)


@dataclass(frozen=True)
class Chip:
    """A word with a tone: ok, busy, bad, held, warn or none. The page gives each tone its sign; `url` leads to more."""

    tone: str
    word: str
    detail: str = ""
    url: str = ""


def standing(
    location: CodeLocation, *, hold: Hold | None, newest: Deploy | None, fails_since: datetime | None = None
) -> list[Chip]:
    """Answer what is to be said of the location, the most urgent first."""
    found = [*_busy(location, newest), *_failing(location, fails_since), *_odd(location), *_away(location)]
    live = location.live_deploy
    # What somebody else loaded, and failed, is told by the last load, for as long as it is true.
    ours = newest is not None and newest.kind != DeployKind.OBSERVED
    if newest is not None and ours and newest.status in _BAD and newest.pk != location.placed_deploy_id:
        found.append(Chip("bad", f"#{newest.number} {newest.get_status_display().lower()}"))
    if hold is not None:
        found.append(Chip("held", "Held", hold.reason))
    if location.drift:
        found.append(Chip("warn", "Drift", location.drift))
    if live is not None and _is_served(location, live) and not _fails(location):
        found.append(Chip("ok", "Live" if live.verified else "Live, not verified", live.verification))
    return found or [Chip("none", "Nothing deployed")]


def place_words(location: CodeLocation) -> str:
    """Say "#3 is in place and failed to load; #2 was the last live", when what is placed is not what is live."""
    placed, live = location.placed_deploy, location.live_deploy
    if placed is None or placed.pk == location.live_deploy_id or _came_late(location):
        return ""
    served = location.served_deploy
    if is_loaded_elsewhere(location):
        held = "the receiver was last told to run" if location.deployment.puts_images else "the folder holds"
        fate = "is live" if served.pk == location.live_deploy_id else "fails to load"
        return f"#{served.number} was loaded by somebody else and {fate}; {held} #{placed.number} as placed."
    last = f"#{live.number} was the last live." if live else "nothing was live before."
    return f"#{placed.number} is in place and {_fate(placed)}; {last}"


def is_loaded_elsewhere(location: CodeLocation) -> bool:
    """Say whether somebody else loaded what the platform has now, and not what we put in place."""
    served = location.served_deploy
    return served is not None and served.kind == DeployKind.OBSERVED and not _came_late(location)


def fails_since(locations: Collection[CodeLocation]) -> dict[int, datetime]:
    """Answer since when those code locations fail to load that do; no query when none does."""
    failing = {each.pk: each.last_load.reported_at for each in locations if each.last_load and not each.last_load.ok}
    if failing:
        begun = Incident.objects.filter(code_location__in=failing, closed_at=None)
        failing |= dict(begun.values_list("code_location_id", "opened_at"))
    return failing


def load_url(location: CodeLocation) -> str:
    """Answer the page of the location's last load."""
    return reverse("deployments:load", args=[*address_of(location), location.last_load_id])


def at_words(at: datetime) -> str:
    """Say when, for a line of plain text: today's times without the date."""
    exact, today = at.astimezone(UTC), timezone.now().astimezone(UTC).date()
    return exact.strftime("%H:%M (UTC)" if exact.date() == today else "%Y-%m-%d %H:%M (UTC)")


def _fate(placed: Deploy) -> str:
    if placed.status == DeployStatus.RUNNING:
        return "is being checked"
    if placed.status == DeployStatus.SUPERSEDED:
        return "was overtaken before it was checked"
    if (placed.error or {}).get("code") == "load_failed":
        return "failed to load"
    return "failed" if placed.status == DeployStatus.FAILED else f"ended as {placed.get_status_display().lower()}"


def _busy(location: CodeLocation, newest: Deploy | None) -> list[Chip]:
    wanted = location.wanted_deploy
    if wanted is not None and wanted.status == DeployStatus.RUNNING:
        return [Chip("busy", f"Deploying #{wanted.number}")]
    if newest is not None and newest.status == DeployStatus.QUEUED:
        return [Chip("busy", f"#{newest.number} queued")]
    return []


def _odd(location: CodeLocation) -> list[Chip]:
    placed = location.placed_deploy
    # Where nothing is ever put in place by us, everything is loaded by somebody else, and nobody needs to be told.
    if is_loaded_elsewhere(location) and placed is not None:
        return [Chip("warn", "Loaded by somebody else", place_words(location))]
    if placed is None or placed.pk == location.live_deploy_id or placed.status == DeployStatus.RUNNING:
        return []
    if _came_late(location):
        return []
    url = load_url(location) if _fails_with(location, placed) else ""
    return [Chip("bad", f"#{placed.number} in place, {_fate(placed)}", place_words(location), url)]


def _failing(location: CodeLocation, since: datetime | None) -> list[Chip]:
    load, placed = location.last_load, location.placed_deploy
    if load is None or load.ok:
        return []
    if placed is not None and placed.status != DeployStatus.SUCCEEDED and _fails_with(location, placed):
        return []  # the chip of what is in place says so
    failure = failure_of(load.error)
    word = f"Fails to load since {at_words(since or load.reported_at)}"
    return [Chip("bad", word, failure.gist[:200] if failure else "", load_url(location))]


def _away(location: CodeLocation) -> list[Chip]:
    found = []
    if location.muted:
        found.append(Chip("none", "Planned offline", "Its failures are recorded, and alert nobody."))
    if location.absent_since is not None:
        platform = location.deployment.get_platform_display()
        where = f"Not in {platform}" if location.deployment.reads_files else f"Not in {platform}'s workspace"
        found.append(Chip("warn", f"{where} since {at_words(location.absent_since)}"))
    return found


def _fails(location: CodeLocation) -> bool:
    return location.last_load is not None and not location.last_load.ok


def _fails_with(location: CodeLocation, deploy: Deploy) -> bool:
    return location.last_load is not None and not location.last_load.ok and location.last_load.deploy_id == deploy.pk


def _came_late(location: CodeLocation) -> bool:
    """Say whether what is live is what we placed and gave up on, before the platform loaded it after all."""
    placed, served = location.placed_deploy, location.served_deploy
    if placed is None or served is None or served.pk == placed.pk or served.pk != location.live_deploy_id:
        return False
    return placed.release_id is not None and placed.release_id == served.release_id


def _is_served(location: CodeLocation, live: Deploy) -> bool:
    served = location.served_deploy
    return served is not None and served.pk == live.pk
