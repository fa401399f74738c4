"""A deploy's steps as a line of stations: done, now, to come, failed, or left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString

from deployments.models import Deploy
from deployments.states import DeployKind, DeployStatus, DeployStep
from deployments.views.moments import clock

# A worker takes a queued deploy up at once; after this long something is in its way, and the page says what.
PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True)
class Station:
    """One step. `state`: done, now, todo, failed or skipped."""

    name: str
    state: str
    at: datetime | None = None
    note: str = ""

    @property
    def time(self) -> SafeString | str:
        """Answer when it was reached."""
        return clock(self.at)


def stations(deploy: Deploy, *, command_at: datetime | None = None) -> list[Station]:
    """Answer the steps of the pipeline and how far this deploy came; none of an act that was not ours.

    `command_at`: when the operator's command ended well.
    """
    if deploy.kind == DeployKind.OBSERVED:
        return []
    deployment = deploy.code_location.deployment
    asks = deploy.platform_asked or (not deploy.is_finished and deployment.has_platform)
    reached = [
        ("Accepted", None, deploy.created_at),
        ("Claimed by a worker", None, deploy.started_at),
        ("Put in place", DeployStep.ACTIVATE, deploy.activated_at),
    ]
    if command_at or _runs_command(deploy):
        reached.append(("Command run", DeployStep.COMMAND, command_at))
    if asks:
        named = deployment.get_platform_display()
        read, seen = (
            ("Asked to read", f"Observed by {named}") if deployment.reads_files else ("Platform reloaded", "Verified")
        )
        reached.append((read, DeployStep.RELOAD, deploy.reloaded_at))
        reached.append((seen, DeployStep.VERIFY, deploy.verified_at))
    line = [Station(name, _state(deploy, step, at), at) for name, step, at in reached]
    if not asks:
        line.append(Station("Verified", "skipped", note="no platform connected"))
    elif deploy.status == DeployStatus.SUCCEEDED and deploy.verified is None:
        line[-1] = Station(line[-1].name, "skipped", note="nobody could say")
    return [*line, _end(deploy)]


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


def _state(deploy: Deploy, step: DeployStep | None, at: datetime | None) -> str:
    if at is not None:
        return "done"
    if deploy.is_finished:
        return "failed" if step and (deploy.error or {}).get("step") == step else "skipped"
    if step is None:
        return "now" if deploy.status == DeployStatus.QUEUED else "todo"
    return "now" if deploy.status == DeployStatus.RUNNING and deploy.step == step else "todo"


def _end(deploy: Deploy) -> Station:
    if deploy.status == DeployStatus.SUCCEEDED:
        return Station("Live", "done", deploy.finished_at)
    if deploy.is_finished:
        bad = deploy.status in {DeployStatus.FAILED, DeployStatus.ERRORED}
        return Station(deploy.get_status_display(), "failed" if bad else "skipped", deploy.finished_at)
    return Station("Live", "todo")
