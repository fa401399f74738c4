"""How a code location stands, in a few marked words: for lists, and for the top of its history."""

from dataclasses import dataclass

from deployments.models import CodeLocation, Deploy, Hold
from deployments.states import DeployStatus

# Of the ends that are not good, those that say something about the code or the portal.
_BAD = (DeployStatus.FAILED, DeployStatus.ERRORED)


@dataclass(frozen=True)
class Chip:
    """A word with a tone: ok, busy, bad, held, warn or none. The page gives each tone its sign."""

    tone: str
    word: str
    detail: str = ""


def standing(location: CodeLocation, *, hold: Hold | None, newest: Deploy | None) -> list[Chip]:
    """Answer what is to be said of the location, the most urgent first."""
    found = [*_busy(location, newest), *_odd(location)]
    live = location.live_deploy
    if newest is not None and newest.status in _BAD and newest.pk != location.placed_deploy_id:
        found.append(Chip("bad", f"#{newest.number} {newest.get_status_display().lower()}"))
    if hold is not None:
        found.append(Chip("held", "Held", hold.reason))
    if location.drift:
        found.append(Chip("warn", "Drift", location.drift))
    if live is not None and live.pk == location.placed_deploy_id:
        found.append(Chip("ok", "Live" if live.verified else "Live, not verified", live.verification))
    return found or [Chip("none", "Nothing deployed")]


def place_words(location: CodeLocation) -> str:
    """Say "#3 is in place and failed to load; #2 was the last live", when what is placed is not what is live."""
    placed, live = location.placed_deploy, location.live_deploy
    if placed is None or placed.pk == location.live_deploy_id:
        return ""
    last = f"#{live.number} was the last live." if live else "nothing was live before."
    return f"#{placed.number} is in place and {_fate(placed)}; {last}"


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
    if placed is None or placed.pk == location.live_deploy_id or placed.status == DeployStatus.RUNNING:
        return []
    return [Chip("bad", f"#{placed.number} in place, {_fate(placed)}", place_words(location))]
