"""A deploy's steps as a line of stations: done, now, to come, failed, or left out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.safestring import SafeString

from deployments.models import Deploy
from deployments.states import DeployKind, DeployStatus, DeployStep
from deployments.views.moments import clock, lasted

# A worker takes a queued deploy up at once; after this long something is in its way, and the page says what.
PATIENCE = timedelta(seconds=10)
# What the pipeline does until the target holds the release.
PLACING = frozenset({DeployStep.PIN, DeployStep.ACTIVATE, DeployStep.AWAIT})
BROKEN = (DeployStatus.FAILED, DeployStatus.ERRORED)
WORDS = {"done": "done", "now": "now…", "held": "held", "todo": "to come", "failed": "failed", "skipped": "not reached"}


@dataclass(frozen=True)
class Station:
    """One step. `state`: done, now, held, todo, failed or skipped. `took` is how long it took to come here from the one before.

    `share` of the whole time, in percent.
    """

    name: str
    state: str
    at: datetime | None = None
    note: str = ""
    took: str = ""
    share: int = 0

    @property
    def time(self) -> SafeString | str:
        """Answer when it was reached."""
        return clock(self.at)

    @property
    def word(self) -> str:
        """Say how it stands, where its time does not say so."""
        return self.note or ("" if self.at else WORDS[self.state])


def stations(deploy: Deploy, *, command_at: datetime | None = None) -> list[Station]:
    """Answer the steps of the pipeline and how far this deploy came; none of an act that was not ours.

    `command_at`: when the operator's command ended well.
    """
    if deploy.kind == DeployKind.OBSERVED:
        return []
    line = [Station(name, _state(deploy, steps, at), at) for name, steps, at in _reached(deploy, command_at)]
    if not _asks(deploy):
        line.append(Station("Not verified", "skipped", note="no platform connected"))
    elif deploy.status == DeployStatus.SUCCEEDED and deploy.verified is None:
        line[-1] = Station(f"Not {line[-1].name[0].lower()}{line[-1].name[1:]}", "skipped", note="nobody could say")
    line = _with_failure(deploy, [_noted(deploy, station) for station in line])
    return _timed(deploy, [*line, _end(deploy)])


def _asks(deploy: Deploy) -> bool:
    return deploy.platform_asked or (not deploy.is_finished and deploy.code_location.deployment.has_platform)


def _reached(
    deploy: Deploy, command_at: datetime | None
) -> Iterator[tuple[str, frozenset[DeployStep], datetime | None]]:
    """Yield the steps by name, what the pipeline does to come there, and when it came."""
    deployment = deploy.code_location.deployment
    yield "Stored", frozenset(), deploy.created_at
    yield "Claimed", frozenset(), deploy.started_at
    yield "Activated", PLACING, deploy.activated_at
    if command_at or _runs_command(deploy):
        yield "Command run", frozenset({DeployStep.COMMAND}), command_at
    if _asks(deploy):
        named = deployment.get_platform_display()
        read, seen = ("Asked to read", f"Observed by {named}") if deployment.reads_files else ("Reloaded", "Verified")
        yield read, frozenset({DeployStep.RELOAD}), deploy.reloaded_at
        yield seen, frozenset({DeployStep.VERIFY}), deploy.verified_at


def _noted(deploy: Deploy, station: Station) -> Station:
    """Say what a step waits for, where that is known."""
    if station.state != "now":
        return station
    if deploy.status == DeployStatus.QUEUED:
        return replace(station, note="waits for a worker")
    return replace(station, note="waits for the receiver") if deploy.step == DeployStep.AWAIT else station


def _with_failure(deploy: Deploy, line: list[Station]) -> list[Station]:
    """Mark the step at which it broke: where none is named, the first that was not reached."""
    if deploy.status not in BROKEN or any(station.state == "failed" for station in line):
        return line
    broke = next((at for at, station in enumerate(line) if not station.at and not station.note), None)
    return [replace(station, state="failed") if at == broke else station for at, station in enumerate(line)]


def _timed(deploy: Deploy, line: list[Station]) -> list[Station]:
    """Answer the steps with how long each took, and its share of the whole."""
    whole = (deploy.finished_at - deploy.created_at).total_seconds() if deploy.finished_at else 0.0
    before: datetime | None = None
    timed: list[Station] = []
    for station in line:
        at = station.at
        if station.state == "failed" and at is None:
            # It ended here: the end that follows has the time, and took none itself.
            at = deploy.finished_at
        span = (at - before).total_seconds() if at and before else None
        share = round(100 * span / whole) if span and whole > 0 else 0
        timed.append(
            replace(station, took=lasted(before, at) if span is not None else "", share=min(100, max(0, share)))
        )
        before = at or before
    if timed[-1].state == "failed":
        timed[-1] = replace(timed[-1], took="", share=0)
    return timed


def waiting_words(deploy: Deploy, unfinished: list[Deploy], now: datetime) -> str:
    """Say what a queued deploy waits for, once it has waited longer than it should."""
    if deploy.status != DeployStatus.QUEUED or now - deploy.created_at < PATIENCE:
        return ""
    ahead = [other for other in unfinished if other.pk != deploy.pk and _goes_first(other, deploy)]
    if ahead:
        return f"It waits for #{ahead[-1].number}, which comes first."
    return (
        "It waits for a worker. Nothing is lost: it starts by itself as soon as one is free. "
        "If this goes on, ask your operator whether the workers and the broker run."
    )


def _goes_first(other: Deploy, deploy: Deploy) -> bool:
    if deploy.is_rollback:
        return False
    if other.status == DeployStatus.RUNNING or (other.status == DeployStatus.QUEUED and other.is_rollback):
        return True
    return other.status == DeployStatus.QUEUED and other.number < deploy.number


def _runs_command(deploy: Deploy) -> bool:
    """Say whether the operator's command is a step of it: one that ended before the command was set never ran it."""
    if deploy.is_finished:
        return (deploy.error or {}).get("step") == DeployStep.COMMAND
    return deploy.code_location.deployment.runs_command


def _state(deploy: Deploy, steps: frozenset[DeployStep], at: datetime | None) -> str:
    if at is not None:
        return "done"
    if deploy.is_finished:
        return "failed" if (deploy.error or {}).get("step") in steps and deploy.status in BROKEN else "skipped"
    if deploy.status == DeployStatus.RUNNING:
        return "now" if deploy.step in steps else "todo"
    if steps:
        return "todo"
    return "held" if deploy.status == DeployStatus.HELD else "now"


def _end(deploy: Deploy) -> Station:
    if deploy.status == DeployStatus.SUCCEEDED:
        return Station("Live", "done", deploy.finished_at)
    if deploy.is_finished:
        state = "failed" if deploy.status in BROKEN else "skipped"
        return Station(deploy.get_status_display(), state, deploy.finished_at)
    return Station("Live", "todo")
