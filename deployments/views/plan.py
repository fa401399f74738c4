"""What a rollback will do, said before it is done."""

from dataclasses import dataclass

from deployments.changes import MountChange, changes_between
from deployments.models import Deploy
from deployments.states import DeployStatus
from deployments.views.rows import Around, Row


@dataclass(frozen=True)
class Plan:
    """From what to what, which files change, what happens then, what stays as it is, and what to beware of."""

    row: Row
    placed: Deploy | None
    again: bool
    changes: list[MountChange]
    happens: list[str]
    stays: list[str]
    warnings: list[str]


def plan_of(target: Deploy, about: Around, unfinished: list[Deploy]) -> Plan:
    """Answer the plan of a rollback to this deploy, as things stand now."""
    row, placed = Row(target, about), about.location.placed_deploy
    return Plan(
        row=row,
        placed=placed,
        again=row.is_in_place,
        changes=changes_between(placed.release if placed else None, target.release),
        happens=_happens(row, placed, unfinished),
        stays=_stays(row),
        warnings=_warnings(row),
    )


def _happens(row: Row, placed: Deploy | None, unfinished: list[Deploy]) -> list[str]:
    location, deployment = row.around.location, row.around.location.deployment
    number = row.deploy.number
    running = next((other for other in unfinished if other.status == DeployStatus.RUNNING), None)
    words = [f"The files of #{number} are put in place in one step: nobody reads half of the old and half of the new."]
    if running is not None:
        words.insert(0, f"#{running.number}, which is being deployed now, is overtaken and ends as superseded.")
    if deployment.has_platform:
        name = deployment.get_platform_display()
        words.append(f"{name} loads {location.name} again, and is asked what it then serves.")
    else:
        words.append("It is not verified: no platform is connected that could say what it serves.")
    if row.around.hold is None:
        words.append("Later pushes are stored and held, until somebody resumes.")
    else:
        words.append("Pushes stay held, as they are now, until somebody resumes.")
    return words + _blame(row, placed)


def _blame(row: Row, placed: Deploy | None) -> list[str]:
    words = []
    left, wanted = placed.release if placed else None, row.deploy.release
    if placed and left and wanted and left.code_digest != wanted.code_digest:
        words.append(
            f"The code of #{placed.number} is blamed: it is refused, whatever tag or commit it comes back with, "
            "until somebody rolls back to it on purpose."
        )
    if row.blamed_by is not None:
        words.append(f"The code of #{row.deploy.number} is not blamed any more.")
    return words


def _stays(row: Row) -> list[str]:
    words = [
        "Data: tables, files and whatever runs have written stay as they are.",
        "Backfills, schedule ticks and runs that happened are not undone.",
        "Runs in flight are not stopped. Processes that started go on with the code they loaded; steps that start later "
        "read the restored files, so such a run may mix old and new code.",
    ]
    for part in row.parts:
        if not part.applied:
            words.append(f"The {part.name} {part.value} is recorded, not applied: this target puts bundles in place.")
    return words


def _warnings(row: Row) -> list[str]:
    target, words = row.deploy, []
    number = target.number
    if target.status in {DeployStatus.FAILED, DeployStatus.ERRORED}:
        words.append(f"#{number} {target.get_status_display().lower()} when it was deployed. {row.gist}")
    elif target.status != DeployStatus.SUCCEEDED:
        words.append(f"#{number} was never live: it ended as {target.get_status_display().lower()}.")
    elif not target.verified:
        words.append(f"#{number} was live, but not verified. {target.verification}")
    if row.blamed_by is not None:
        words.append(f"Rollback #{row.blamed_by} left this code, and blocks it.")
    return words
