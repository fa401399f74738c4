"""The rollback plan as the dialog shows it: the shared plan beside the row that it restores."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments import configuration, plan_words
from deployments.access import Right
from deployments.barriers import Barrier
from deployments.models import CodeLocation, Deploy
from deployments.planning import Plan, plan_rollback, runs_counted_at
from deployments.states import RollbackScope
from deployments.views.moments import ago
from deployments.views.rows import Around, Row, told
from deployments.views.settings import Setting, changed_settings

SCOPES = {
    RollbackScope.ALL: ("Everything", "code, image, runtime and settings"),
    RollbackScope.CODE: ("Code only", "settings stay, but the code's own"),
    RollbackScope.SETTINGS: ("Settings only", "code, image and runtime stay"),
}
# An advice may end with what is to be typed.
COMMAND = "airflow db "
# What these barriers stand for is lost, whatever else stays.
LOSING = {"runtime_downgrade", "airflow_3_to_2"}


@dataclass(frozen=True)
class Shown:
    """A plan, the row of the deploy that it restores, and what the templates ask of both."""

    plan: Plan
    row: Row
    now: datetime

    @property
    def place_name(self) -> str:
        """Name the place: the one location that an Airflow has says nothing."""
        location = self.plan.location
        return location.deployment.slug if location.name == "default" else location.name

    @property
    def again(self) -> bool:
        """Say whether this very release is what is served now."""
        return self.plan.changes_nothing

    @property
    def served_words(self) -> str:
        """Say what is served now."""
        return told(self.plan.served)

    @property
    def target_words(self) -> str:
        """Say what it goes back to."""
        return told(self.row.deploy)

    @property
    def scopes(self) -> list[dict[str, Any]]:
        """Answer what can be restored: value, name, what that is, and whether it is what this plan is for."""
        return [
            {"value": str(scope), "name": name, "words": words, "chosen": scope == self.plan.scope}
            for scope, (name, words) in SCOPES.items()
        ]

    @property
    def has_settings(self) -> bool:
        """Say whether there are settings on either side: else there is nothing to choose."""
        sides = (self.plan.served, self.plan.target)
        return any(side is not None and side.release is not None and side.release.settings_digest for side in sides)

    @property
    def suggestion(self) -> str:
        """Say what a good reason would tell."""
        served = self.plan.served
        if self.again or served is None:
            return f"For example: #{self.row.deploy.number} was changed by hand"
        return f"For example: revenue is wrong since #{served.number}"

    @cached_property
    def settings(self) -> list[Setting]:
        """Answer the settings that change."""
        return changed_settings(self.plan)

    @property
    def in_short(self) -> list[str]:
        """Say in a few words each what changes; nothing when nothing does, or nobody knows."""
        return [*self.files, *self._versions(), *self._knobs()]

    @cached_property
    def files(self) -> list[str]:
        """Say for each mount that changes how much of it does."""
        return [*self._files()]

    @property
    def settings_words(self) -> str:
        """Say how many settings change."""
        return "".join(self._knobs())

    @property
    def barriers(self) -> list[tuple[Barrier, str]]:
        """Answer what stands in the way, without the command that its advice ends with, and that command."""
        return [_with_command(barrier) for barrier in self.plan.barriers]

    @property
    def data(self) -> str:
        """Say what becomes of data."""
        words = _after_colon(plan_words.DATA)
        # A runtime version that is only recorded takes nothing away.
        put = "runtime_version" in self.plan.puts
        if put and any(barrier.name in LOSING for barrier in self.plan.barriers):
            return f"{words} In the metadata database, what only the newer version knows is lost."
        return words

    @property
    def runs(self) -> str:
        """Say what becomes of runs in flight."""
        return _after_colon(plan_words.runs_in_flight(self.plan))

    @property
    def runs_gist(self) -> str:
        """Say in a few words what becomes of runs in flight."""
        return plan_words.runs_in_short(self.plan)

    @property
    def stays(self) -> list[str]:
        """Say what else is not rolled back."""
        told_above = {plan_words.DATA, plan_words.runs_in_flight(self.plan)}
        return [words for words in self.plan.stays if words not in told_above]

    @property
    def agents_wait(self) -> bool:
        """Say whether a remote agent is not at the restored version."""
        return not all(ready for _, ready in self.plan.agents)

    @property
    def runs_at(self) -> SafeString | str:
        """Say when the runs in flight were counted."""
        at = runs_counted_at(self.plan)
        return ago(at, self.now) if at else ""

    @property
    def runs_by_release(self) -> list[tuple[str, int]]:
        """Answer how many runs each release has, as Airflow names it; "" for those that are pinned to none."""
        found = (self.plan.runs or {}).get("by_release") or {}
        return sorted(found.items(), key=lambda each: (not each[0], each[0]))

    @property
    def artifacts(self) -> SafeString | str:
        """Say that what would be put in place is still there, and since when that is known."""
        composed, release = self.plan.composed, self.plan.target.release
        if self.plan.location.deployment.puts_images:
            asked = ago(release.image_checked_at, self.now) if release else ""
            return format_html("The registry had the image, {}.", asked) if asked else "The registry was not asked yet."
        files = sum(bundle.file_count for bundle in composed.bundles.values())
        what = f"All {files} file{'s' * (files != 1)}"
        return f"{what} and the settings are here." if composed.settings else f"{what} are here."

    @property
    def agents_version(self) -> str:
        """Answer what remote agents have to be at."""
        composed = self.plan.composed
        return composed.runtime_version or str(configuration.runtime_of(composed.settings, "airflow_version") or "")

    def _files(self) -> Iterator[str]:
        for change in self.plan.bundles:
            if change.after is None:
                yield f"{change.mount} goes away"
            elif not change.same:
                count = change.added + change.removed + change.changed
                yield f"{count} file{'s' * (count != 1)} of {change.mount}"

    def _versions(self) -> Iterator[str]:
        if self.plan.image is not None:
            yield "the image"
        if self.plan.runtime_version is not None:
            yield "the runtime version"

    def _knobs(self) -> Iterator[str]:
        secrets = sum("secret" in {setting.now.kind, setting.before.kind} for setting in self.settings)
        if self.settings:
            count = len(self.settings)
            yield f"{count} setting{'s' * (count != 1)}" + (f", {secrets} of them secret" if secrets else "")


def shown_plan(place: CodeLocation, target: Deploy, scope: str, now: datetime) -> Shown:
    """Answer the plan of a rollback to this deploy, as things stand now. `place` and `target` with their places loaded."""
    plan = plan_rollback(place, target, scope)
    about = Around(
        location=place,
        rights=frozenset({Right.ROLL_BACK}),
        now=now,
        puts=plan.puts,
        hold=plan.hold,
        blamers={},
        last_good=None,
    )
    return Shown(plan, Row(target, about), now)


def _with_command(barrier: Barrier) -> tuple[Barrier, str]:
    words, _, command = barrier.advice.partition(COMMAND)
    return (replace(barrier, advice=words.rstrip()), f"{COMMAND}{command}") if command else (barrier, "")


def _after_colon(words: str) -> str:
    """Answer a sentence without the subject that stands before its colon."""
    subject, colon, rest = words.partition(": ")
    return f"{rest[:1].upper()}{rest[1:]}" if colon and subject in {"Data", "Runs in flight"} else words
