"""What a rollback will do, said before it is done."""

from dataclasses import dataclass

from deployments.changes import MountChange, changes_between
from deployments.models import Deploy, Release
from deployments.states import DeployKind, DeployStatus, TargetKind
from deployments.views.parts import pinned
from deployments.views.rows import Around, Row, are_files_known, told

# What a target puts in place, as people call it.
PUTS = {"bundles": "bundles", "image": "images", "settings": "settings"}
FILES_UNKNOWN = "Loaded by somebody else; its files are not known."


@dataclass(frozen=True)
class Plan:
    """From what to what, which files and image change, what happens then, what stays as it is, and what to beware of."""

    row: Row
    served: Deploy | None
    again: bool
    changes: list[MountChange]
    images: tuple[str, str] | None
    unknown: str
    happens: list[str]
    stays: list[str]
    warnings: list[str]

    @property
    def served_words(self) -> str:
        """Say what is served now."""
        return told(self.served)

    @property
    def target_words(self) -> str:
        """Say what it goes back to."""
        return told(self.row.deploy)

    @property
    def changes_nothing(self) -> bool:
        """Say whether what is put in place is what is there already."""
        return not self.unknown and not self.images and all(change.same for change in self.changes)


def plan_of(target: Deploy, about: Around, unfinished: list[Deploy]) -> Plan:
    """Answer the plan of a rollback to this deploy, as things stand now."""
    row, served = Row(target, about), about.location.served_deploy
    before = served.release if served else None
    images = about.location.deployment.puts_images
    unknown = not images and served is not None and not are_files_known(served)
    return Plan(
        row=row,
        served=served,
        again=row.is_in_place,
        changes=[] if images or unknown else changes_between(before, target.release),
        images=_images(before, target.release) if images else None,
        unknown=FILES_UNKNOWN if unknown else "",
        happens=_happens(row, served, unfinished),
        stays=_stays(row),
        warnings=_warnings(row),
    )


def _images(before: Release | None, after: Release | None) -> tuple[str, str] | None:
    images = pinned(before), pinned(after)
    return images if images[0] != images[1] else None


def _happens(row: Row, served: Deploy | None, unfinished: list[Deploy]) -> list[str]:
    running = next((other for other in unfinished if other.status == DeployStatus.RUNNING), None)
    words = _puts(row)
    if running is not None:
        words.insert(0, f"#{running.number}, which is being deployed now, is overtaken and ends as superseded.")
    words.append(_checks(row))
    if row.around.hold is None:
        words.append("Later pushes are stored and held, until somebody resumes.")
    else:
        words.append("Pushes stay held, as they are now, until somebody resumes.")
    return words + _blame(row, served)


def _puts(row: Row) -> list[str]:
    """Say how this deployment's target puts the deploy in place."""
    deployment, number = row.around.location.deployment, row.deploy.number
    match TargetKind(deployment.target):
        case TargetKind.WEBHOOK:
            return [
                f"The receiver is ordered to run {pinned(row.deploy.release) or 'its image'}.",
                f"The receiver says when it is done. If nobody answers within {deployment.webhook_patience} s, the rollback "
                "has failed.",
            ]
        case TargetKind.WORKSPACE:
            return [
                f"The files of #{number} are put into a folder of their own, and the workspace.yaml entry leads there."
            ]
    return [f"The files of #{number} are put in place in one step: nobody reads half of the old and half of the new."]


def _checks(row: Row) -> str:
    location, deployment = row.around.location, row.around.location.deployment
    if not deployment.has_platform:
        return "It is not verified: no platform is connected that could say what it serves."
    name = deployment.get_platform_display()
    if deployment.target == TargetKind.WORKSPACE:
        return (
            f"{name} reads its workspace anew, which loads its other code locations again, too; then it is asked what "
            f"{location.name} serves."
        )
    return f"{name} loads {location.name} again, and is asked what it then serves."


def _blame(row: Row, served: Deploy | None) -> list[str]:
    words = []
    left, wanted = served.release if served else None, row.deploy.release
    if served and left and wanted and left.code_digest != wanted.code_digest:
        words.append(
            f"The code of #{served.number} is blamed: it is refused, whatever tag or commit it comes back with, "
            "until somebody rolls back to it on purpose."
        )
    if row.blamed_by is not None:
        words.append(f"The code of #{row.deploy.number} is not blamed any more.")
    return words


def _stays(row: Row) -> list[str]:
    words = [
        "Data: tables, files and whatever runs have written stay as they are.",
        "Backfills, schedule ticks and runs that happened are not undone.",
        _runs_in_flight(TargetKind(row.around.location.deployment.target)),
    ]
    puts = " and ".join(PUTS[name] for name in sorted(row.around.puts))
    for part in row.parts:
        if not part.applied:
            words.append(f"The {part.name} {part.value} is recorded, not applied: this target puts {puts} in place.")
    return words


def _runs_in_flight(target: TargetKind) -> str:
    match target:
        case TargetKind.WEBHOOK:
            return (
                "Runs in flight are not stopped by Lastgood. Those in containers of their own go on with the image that "
                "they began with; what becomes of the others is the receiver's doing."
            )
        case TargetKind.WORKSPACE:
            return "Runs in flight stay on their release: the workspace.yaml entry is pointed at a new folder."
    return (
        "Runs in flight are not stopped. Processes that started go on with the code they loaded; steps that start later "
        "read the restored files, so such a run may mix old and new code."
    )


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
    served = row.around.location.served_deploy
    if served is not None and served.kind == DeployKind.OBSERVED and not row.is_in_place:
        words.append(
            f"#{served.number}, which is served now, was loaded by somebody else. Whoever did that may do it again: tell them."
        )
    return words
