"""The sentences of a rollback plan: what happens, what stays as it is, what to beware of."""

from typing import TYPE_CHECKING

from deployments.states import DeployKind, DeployStatus, RollbackScope, TargetKind

if TYPE_CHECKING:
    from deployments.planning import Plan

GIST = 160
DATA = "Data: tables, files and whatever runs have written stay as they are."
# What a target puts in place, as people call it.
PUTS = {"bundles": "bundles", "image": "images", "settings": "settings", "runtime_version": "runtime versions"}


def happens(plan: "Plan") -> list[str]:
    """Say what happens, in order."""
    words = [_composed(plan)] if plan.is_composed or _moves_the_code(plan) else []
    words += _puts(plan)
    running = next((other for other in plan.unfinished if other.status == DeployStatus.RUNNING), None)
    if running is not None:
        words.insert(0, f"#{running.number}, which is being deployed now, is overtaken and ends as superseded.")
    words.append(_checks(plan))
    if plan.hold is None:
        words.append("Later pushes are stored and held, until somebody resumes.")
    else:
        words.append("Pushes stay held, as they are now, until somebody resumes.")
    return words + _blame(plan)


def stays(plan: "Plan") -> list[str]:
    """Say what is not rolled back."""
    words = [
        DATA,
        "Backfills, schedule ticks and runs that happened are not undone.",
        runs_in_flight(plan),
    ]
    if plan.scope == RollbackScope.CODE:
        words.append("Settings stay as they are, but for those that go with the code.")
    elif plan.code_stays:
        words.append("The code stays as it is: files, image and runtime version, and the settings that go with it.")
    if plan.served is not None and plan.served.git and plan.scope != RollbackScope.SETTINGS:
        words.append("The repository: revert the commit there, too, or the next push brings it back.")
    if plan.agents:
        words.append("Remote agents: they are not rolled back by Lastgood.")
    return words + _not_applied(plan)


def warnings(plan: "Plan") -> list[str]:
    """Say what to beware of."""
    target, words = plan.target, []
    error = str((target.error or {}).get("detail", ""))[:GIST]
    if target.status in {DeployStatus.FAILED, DeployStatus.ERRORED}:
        words.append(f"#{target.number} {target.get_status_display().lower()} when it was deployed. {error}")
    elif target.status != DeployStatus.SUCCEEDED:
        words.append(f"#{target.number} was never live: it ended as {target.get_status_display().lower()}.")
    elif not target.verified:
        words.append(f"#{target.number} was live, but not verified. {target.verification}")
    if plan.blamed_by is not None and plan.scope != RollbackScope.SETTINGS:
        words.append(f"Rollback #{plan.blamed_by} left this code, and blocks it.")
    served = plan.served
    if served is not None and served.kind == DeployKind.OBSERVED and not plan.changes_nothing:
        words.append(
            f"#{served.number}, which is served now, was loaded by somebody else. Whoever did that may do it again: tell them."
        )
    return words


def _moves_the_code(plan: "Plan") -> bool:
    """Say whether settings alone are restored, and the code goes with them: what is in place was never live."""
    return plan.scope == RollbackScope.SETTINGS and not plan.code_stays and plan.served is not None


def _composed(plan: "Plan") -> str:
    live = plan.location.live_deploy
    now = f"#{live.number}" if live else "what is live"
    if _moves_the_code(plan) and plan.served is not None:
        now += f", which takes the place of #{plan.served.number}'s"
    if plan.scope == RollbackScope.SETTINGS:
        if not plan.is_composed:
            return f"The settings of #{plan.target.number}, the code of {now}: that is the release of #{plan.target.number}."
        return f"A new release is composed: the settings of #{plan.target.number}, the code of {now}."
    return f"A new release is composed: the code of #{plan.target.number}, the settings of {now}."


def _puts(plan: "Plan") -> list[str]:
    deployment, number = plan.location.deployment, plan.target.number
    if deployment.target == TargetKind.WEBHOOK:
        image, digest = plan.composed.image, plan.composed.image_digest
        image = f"{image}@{digest}" if digest and "@" not in image else image or "its image"
        return [
            f"The receiver is ordered to run {image}.",
            f"The receiver says when it is done. If nobody answers within {deployment.webhook_patience} s, the rollback "
            "has failed.",
        ]
    if plan.scope == RollbackScope.SETTINGS:
        words = [f"The settings of #{number} are put beside the code, as files, in one step with it."]
    elif deployment.target == TargetKind.WORKSPACE:
        words = [
            f"The files of #{number} are put into a folder of their own, and the workspace.yaml entry leads there."
        ]
    else:
        words = [
            f"The files of #{number} are put in place in one step: nobody reads half of the old and half of the new."
        ]
    if deployment.runs_command:
        words.append("The operator's command runs, which applies image, runtime version and settings.")
    return words


def _checks(plan: "Plan") -> str:
    location, deployment = plan.location, plan.location.deployment
    if not deployment.has_platform:
        return "It is not verified: no platform is connected that could say what it serves."
    name = deployment.get_platform_display()
    if deployment.reads_files:
        return f"{name} is asked to read its files again, and then whether it serves what is in place, without errors."
    if deployment.target == TargetKind.WORKSPACE:
        return (
            f"{name} reads its workspace anew, which loads its other code locations again, too; then it is asked what "
            f"{location.name} serves."
        )
    return f"{name} loads {location.name} again, and is asked what it then serves."


def _blame(plan: "Plan") -> list[str]:
    words = []
    left = plan.served.release if plan.served else None
    if plan.served and left and left.code_digest != plan.composed.code_digest:
        words.append(
            f"The code of #{plan.served.number} is blamed: it is refused, whatever tag or commit it comes back with, "
            "until somebody rolls back to it on purpose."
        )
    if plan.blamed_by is not None and plan.scope != RollbackScope.SETTINGS:
        words.append(f"The code of #{plan.target.number} is not blamed any more.")
    return words


def _not_applied(plan: "Plan") -> list[str]:
    puts = " and ".join(PUTS[name] for name in sorted(plan.puts))
    recorded = {
        "image": f"The image {plan.composed.image}" if plan.composed.image else "",
        "runtime_version": f"The runtime version {plan.composed.runtime_version}"
        if plan.composed.runtime_version
        else "",
        "bundles": f"The bundles {', '.join(sorted(plan.composed.bundles))}" if plan.composed.bundles else "",
        "settings": "The settings" if plan.composed.settings else "",
    }
    verbs = {"bundles": "are", "settings": "are"}
    return [
        f"{what} {verbs.get(name, 'is')} recorded, not applied: this target puts {puts} in place."
        for name, what in recorded.items()
        if what and name not in plan.puts
    ]


def runs_in_flight(plan: "Plan") -> str:
    """Say what becomes of the runs that are in flight."""
    if _fails_tasks(plan):
        return "Runs in flight: with the older runtime all running tasks fail at once; their retries run after the rollback."
    deployment = plan.location.deployment
    if deployment.target == TargetKind.WEBHOOK:
        return (
            "Runs in flight are not stopped by Lastgood. Those in containers of their own go on with the image that "
            "they began with; what becomes of the others is the receiver's doing."
        )
    if deployment.target == TargetKind.WORKSPACE:
        return "Runs in flight stay on their release: the workspace.yaml entry is pointed at a new folder."
    if deployment.reads_files:
        return _airflow_runs(plan.runs)
    return (
        "Runs in flight are not stopped. Processes that started go on with the code they loaded; steps that start later "
        "read the restored files, so such a run may mix old and new code."
    )


def runs_in_short(plan: "Plan") -> str:
    """Say in a few words what becomes of the runs that are in flight."""
    deployment, (total, pinned) = plan.location.deployment, _counted(plan.runs)
    if _fails_tasks(plan):
        return "all running tasks fail at once"
    if deployment.target == TargetKind.WEBHOOK:
        return "not stopped by Lastgood"
    if deployment.target == TargetKind.WORKSPACE:
        return "stay on their release"
    if not deployment.reads_files:
        return "not stopped, may mix old and new code"
    if plan.runs and total == pinned:
        return f"{_runs(total)}, pinned to their release" if total else "none when Airflow was asked last"
    return f"{_runs(total)}, may mix old and new code" if total else "not stopped, may mix old and new code"


def _fails_tasks(plan: "Plan") -> bool:
    older = any(barrier.name in {"runtime_downgrade", "airflow_3_to_2"} for barrier in plan.barriers)
    return older and "runtime_version" in plan.puts


def _counted(runs: dict[str, object] | None) -> tuple[int, int]:
    """Answer how many runs are in flight, and how many of them are pinned to a release."""
    by_release = runs.get("by_release") if runs else None
    pinned = sum(count for name, count in by_release.items() if name) if isinstance(by_release, dict) else 0
    return int(str(runs.get("total", 0))) if runs else 0, pinned


def _airflow_runs(runs: dict[str, object] | None) -> str:
    total, pinned = _counted(runs)
    if runs and total == 0:
        return "No run was in flight when Airflow was asked last."
    if total and pinned == total:
        return f"{_runs(total)} in flight: each finishes on the release that it started with, because the bundle pins its runs."
    head = (
        f"{_runs(total)} in flight" + (f", {pinned} of them pinned to their release" if pinned else "") if total else ""
    )
    head = head or "Runs in flight are not stopped"
    return (
        f"{head}. Without a pinning bundle, tasks that run go on with the modules they loaded; tasks that start later take "
        "the restored code, so such a run may mix old and new."
    )


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
