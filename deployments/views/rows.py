"""Rows of history as pages show them: plain words made of rows that are loaded already."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from django.urls import reverse
from django.utils.safestring import SafeString

from deployments.access import Right, right_over
from deployments.commits import commit_url
from deployments.configuration import flat
from deployments.last_known_good import Obstacle, obstacle_to_restoring
from deployments.models import CodeLocation, Deploy, Hold
from deployments.states import DeployKind, DeployStatus, DeployStep, RollbackScope
from deployments.views.moments import ago, lasted
from deployments.views.parts import Part, image_tag, parts_of

GIST = 160
ASSET_SIGNS = {"added": "+", "removed": "−", "changed": "~"}
WHY_NOT = {
    "never_placed": "Never in place",
    "busy": "In progress",
    "not_kept": "Not kept here",
    "image_gone": "Image is gone",
}


@dataclass(frozen=True)
class Around:
    """What is true of the code location when its rows are shown."""

    location: CodeLocation
    rights: frozenset[Right]
    now: datetime
    puts: frozenset[str]
    hold: Hold | None
    blamers: dict[str, int]
    last_good: Deploy | None


@dataclass(frozen=True)
class Row:
    """One deploy as a row of history."""

    deploy: Deploy
    around: Around

    @property
    def when(self) -> SafeString | str:
        """Say when it was asked for."""
        return ago(self.deploy.created_at, self.around.now)

    @property
    def took(self) -> str:
        """Say how long it took, once it ended."""
        return lasted(self.deploy.started_at, self.deploy.finished_at)

    @cached_property
    def url(self) -> str:
        """Answer its page."""
        return reverse("deployments:deploy", args=[*address_of(self.around.location), self.deploy.number])

    @property
    def is_live(self) -> bool:
        """Say whether this is the live deploy."""
        return self.deploy.pk == self.around.location.live_deploy_id

    @property
    def is_placed_only(self) -> bool:
        """Say whether the target holds this deploy although another one was the last live."""
        return self.deploy.pk == self.around.location.placed_deploy_id and not self.is_live

    @property
    def is_last_good(self) -> bool:
        """Say whether a rollback to the last known good would restore this one."""
        return self.around.last_good is not None and self.deploy.pk == self.around.last_good.pk

    @property
    def blamed_by(self) -> int | None:
        """Answer the rollback that left this code and blocks it."""
        release = self.deploy.release
        return self.around.blamers.get(release.code_digest) if release else None

    @property
    def proof(self) -> str:
        """Say whether the platform confirmed it: success and proof are two facts."""
        if self.deploy.status != DeployStatus.SUCCEEDED:
            return ""
        if not self.deploy.verified:
            return "not verified"
        deployment = self.around.location.deployment
        return f"observed by {deployment.get_platform_display()}" if deployment.reads_files else "verified"

    @property
    def placed_at(self) -> str:
        """Say at what time of the day it was put in place, which is ours to say."""
        return _time_of_day(self.deploy.activated_at)

    @property
    def proven_at(self) -> str:
        """Say at what time of the day the platform was seen to serve it, which is the platform's to say."""
        return _time_of_day(self.deploy.verified_at) if self.deploy.verified else ""

    @property
    def proven(self) -> str:
        """Say in a word what the platform did: one that is not told to load is seen to have read."""
        return "observed" if self.around.location.deployment.reads_files else "verified"

    @property
    def gist(self) -> str:
        """Say in one line why it waits, why it did not go well, or that it was somebody else's doing."""
        if self.deploy.status == DeployStatus.HELD:
            return f"Held: {self.around.hold.reason}"[:GIST] if self.around.hold else "Held."
        detail = str((self.deploy.error or {}).get("detail", "")) or observed_words(self.deploy)
        return detail if len(detail) <= GIST else f"{detail[:GIST]}…"

    @property
    def step_words(self) -> str:
        """Say what is being done right now."""
        reads = self.around.location.deployment.reads_files
        if reads and self.deploy.step == DeployStep.RELOAD:
            return "Ask for the files to be read"
        return self.deploy.get_step_display()

    @property
    def scope_words(self) -> str:
        """Say what of the restored deploy a rollback takes, where that is not all; and what it is composed of."""
        deploy = self.deploy
        if deploy.restores is None or deploy.scope not in {RollbackScope.CODE, RollbackScope.SETTINGS}:
            return ""
        words = RollbackScope(deploy.scope).label.lower()
        if deploy.release_id is None or deploy.release_id == deploy.restores.release_id:
            return words
        rest = deploy.previous or (None if deploy.is_finished else self.around.location.live_deploy)
        other = f"#{rest.number}" if rest else "what was live"
        return f"{words}, composed of #{deploy.restores.number} and {other}"

    @property
    def acknowledged(self) -> list[str]:
        """Answer the warnings that were accepted when it was asked for, as words."""
        return [str(name).replace("_", " ") for name in self.deploy.acknowledged]

    @cached_property
    def parts(self) -> list[Part]:
        """Answer what it consists of."""
        return parts_of(self.deploy, puts=self.around.puts)

    @property
    def bundles(self) -> list[Part]:
        """Answer its bundles."""
        return [part for part in self.parts if part.kind == "bundle"]

    @property
    def image(self) -> Part | None:
        """Answer its image."""
        return next((part for part in self.parts if part.kind == "image"), None)

    @property
    def image_digest(self) -> str:
        """Answer the image's digest; where it is not known, the image in full."""
        release = self.deploy.release
        return (release.image_digest or release.image) if release else str(self.deploy.parts.get("image") or "")

    @property
    def runtime(self) -> Part | None:
        """Answer its runtime version."""
        return next((part for part in self.parts if part.kind == "runtime"), None)

    @property
    def pushed_settings(self) -> str:
        """Say how many settings it changed itself."""
        count = len(flat(self.deploy.parts.get("settings")))
        return f"{count} setting{'s' * (count != 1)}" if count else ""

    @cached_property
    def asset_signs(self) -> list[tuple[str, str, int]]:
        """Answer word, sign and number of what it did to the assets; empty: nothing, or nobody said."""
        counts = self.deploy.asset_counts or {}
        return [(word, sign, counts[word]) for word, sign in ASSET_SIGNS.items() if counts.get(word)]

    @property
    def asset_words(self) -> str:
        """Say what it did to the assets: "3 added, 1 removed"."""
        return ", ".join(f"{count} {word}" for word, _, count in self.asset_signs)

    @property
    def commit(self) -> str:
        """Answer the commit's short name."""
        return str(self.deploy.git.get("commit") or "")[:7]

    @property
    def commit_url(self) -> str | None:
        """Answer the commit's page at its forge."""
        return commit_url(self.deploy.git, self.around.location.deployment.commit_link)

    @cached_property
    def obstacle(self) -> Obstacle | None:
        """Say what stands in the way of a rollback to it."""
        return obstacle_to_restoring(self.deploy)

    @property
    def is_in_place(self) -> bool:
        """Say whether this very release is what is served now."""
        served = self.around.location.served_deploy
        return served is not None and served.release_id is not None and served.release_id == self.deploy.release_id

    @property
    def act_words(self) -> str:
        """Name the button that rolls back to it."""
        return "Deploy again" if self.is_in_place else "Deploy"

    @property
    def why_not(self) -> str:
        """Say why it cannot be rolled back to: in a word where that is plain, else in full."""
        if self.obstacle is None:
            return ""
        return WHY_NOT.get(self.obstacle.code, self.obstacle.detail)

    @property
    def run_began(self) -> int | None:
        """Answer the number of the oldest deploy of a run of similar ones that this row stands for."""
        began = getattr(self.deploy, "run_began", None)
        return began if began is not None and began != self.deploy.number else None

    @property
    def run_length(self) -> int:
        """Answer how many deploys this row stands for."""
        return self.deploy.number - (self.run_began or self.deploy.number) + 1

    @property
    def compares(self) -> tuple[int, int] | None:
        """Answer the two numbers, older first, by which it is compared with what is live; None: there is nothing to."""
        live = self.around.location.live_deploy
        if live is None or self.is_live or (self.deploy.live_seq is None and self.deploy.release_id is None):
            return None
        own = self.deploy.number
        return (own, live.number) if self.deploy.live_seq is not None else (live.number, own)

    @property
    def is_observed(self) -> bool:
        """Say whether nobody told us of this act: it was seen."""
        return self.deploy.kind == DeployKind.OBSERVED

    @property
    def may_change(self) -> bool:
        """Say whether this person may cancel, retry and describe it."""
        return right_over(self.deploy) in self.around.rights

    @property
    def may_cancel(self) -> bool:
        """Say whether there is something to cancel, and this person may."""
        return self.may_change and not self.deploy.is_finished and self.deploy.activated_at is None

    @property
    def may_retry(self) -> bool:
        """Say whether trying again makes sense, and this person may."""
        ended_badly = self.deploy.is_finished and self.deploy.status != DeployStatus.SUCCEEDED
        # Blocked code would be refused again.
        blocked = self.blamed_by is not None or (self.deploy.error or {}).get("code") == "blocked"
        return self.may_change and ended_badly and not self.is_observed and (self.deploy.is_rollback or not blocked)


def _time_of_day(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S}" if at else ""


def observed_words(deploy: Deploy) -> str:
    """Say what somebody else loaded, by its commit or its image; nothing of an act that we were told of."""
    if deploy.kind != DeployKind.OBSERVED:
        return ""
    commit = str(deploy.git.get("commit") or "")[:7]
    image = str(deploy.parts.get("image") or "")
    what = " and ".join(filter(None, [commit and f"commit {commit}", image and f"image {image_tag(image)}"]))
    return f"Loaded by somebody else: {what}" if what else "Loaded by somebody else."


def told(deploy: Deploy | None) -> str:
    """Answer what people say of it, or what was seen of it."""
    return (deploy.description or observed_words(deploy)) if deploy else ""


def are_files_known(deploy: Deploy) -> bool:
    """Say whether we know of which files it consists: what somebody else loaded never came by us."""
    if deploy.kind != DeployKind.OBSERVED:
        return True
    return deploy.release is not None and bool(deploy.release.mounts.all())


def address_of(location: CodeLocation) -> list[str]:
    """Answer the three names that make a code location's address."""
    return [location.deployment.organization.slug, location.deployment.slug, location.name]
