"""What a rollback would do, as plain data, before anybody asks for it: the same for page, API and command line.

Nothing is written and nobody is asked: what runs in flight is what the observer counted last. The same state has the
same `etag`, and a rollback that names it runs only if nothing moved since.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from deployments import barriers, blaming, composition, configuration, drivers, plan_words
from deployments.barriers import Agent, Barrier, Engine
from deployments.changes import MountChange, changes_between
from deployments.last_known_good import Obstacle, obstacle_to_restoring
from deployments.models import Blame, CodeLocation, Deploy, Hold, PlatformWatch, Release, RemoteAgent
from deployments.states import UNFINISHED, PlatformKind, RollbackScope
from portal.common.canonical import digest_of
from portal.common.secret_field import Unreadable

MOST_STEPS = 20
# An agent that said nothing for so long may be no more.
SILENT_AFTER = timedelta(days=1)
COMING = "If the push that is being deployed gets there first:"
RECORDED = "This target records runtimes and does not change them. If somebody does it by hand:"
MOST_AGENTS = 500


@dataclass(frozen=True)
class Plan:
    """A rollback as it would happen now. `composed` is what would be put in place; `obstacle` says why it cannot be."""

    location: CodeLocation
    target: Deploy
    scope: RollbackScope
    served: Deploy | None
    base: Deploy | None
    composed: composition.Composition
    obstacle: Obstacle | None
    image: tuple[str, str] | None
    runtime_version: tuple[str, str] | None
    settings: list[dict[str, Any]]
    files_unknown: bool
    steps_over: list[Deploy]
    more_steps: bool
    barriers: list[Barrier]
    agents: list[tuple[Agent, bool]]
    runs: dict[str, Any] | None
    unfinished: list[Deploy]
    hold: Hold | None
    blamed_by: int | None
    puts: frozenset[str]

    @cached_property
    def bundles(self) -> list[MountChange]:
        """Answer what happens to each mount; nothing where files stay, or where nobody knows those of now."""
        served = self.served.release if self.served else None
        if self.files_unknown or self.location.deployment.puts_images or self.code_stays:
            return []
        restored = self.base.release if self.scope == RollbackScope.SETTINGS and self.base else self.target.release
        return changes_between(served, restored)

    @property
    def code_stays(self) -> bool:
        """Say whether settings alone are restored, beside the code that is in place: it is what is live, too."""
        served = self.served.release if self.served else None
        same = served is None or served.provisional or served.code_digest == self.composed.code_digest
        return self.scope == RollbackScope.SETTINGS and same

    @property
    def is_composed(self) -> bool:
        """Say whether what would be put in place is made of two releases."""
        assert self.target.release is not None
        return self.scope != RollbackScope.ALL and self.composed.digest != self.target.release.digest

    @property
    def changes_nothing(self) -> bool:
        """Say whether what would be put in place is what is there already."""
        served = self.served.release if self.served else None
        if served is None or self.scope == RollbackScope.ALL:
            return served is not None and served.pk == self.target.release_id
        return not served.provisional and served.digest == self.composed.digest

    @property
    def is_refused(self) -> bool:
        """Say whether it would be refused whatever anybody acknowledges."""
        return self.obstacle is not None or any(barrier.is_hard for barrier in self.barriers)

    @property
    def to_acknowledge(self) -> list[str]:
        """Answer the names of the barriers that have to be acknowledged."""
        return [barrier.name for barrier in self.barriers if not barrier.is_hard]

    @property
    def etag(self) -> str:
        """Answer what this plan is known by: it changes when what would happen does."""
        served = self.served
        state = {
            "place": str(self.location),
            "to": self.target.number,
            "scope": str(self.scope),
            "from": [served.number, served.release.digest if served.release else ""] if served else None,
            "composed": self.composed.digest,
            "obstacle": self.obstacle.code if self.obstacle else "",
            "barriers": [[each.name, each.level, each.detail] for each in self.barriers],
            "agents": [[agent.name, agent.version] for agent, _ in self.agents],
            "unfinished": [[each.number, str(each.status)] for each in self.unfinished],
            "held": self.hold is not None,
            "blamed": self.blamed_by,
            "puts": sorted(self.puts),
        }
        return digest_of(state)[:32]

    @property
    def happens(self) -> list[str]:
        """Say what happens, in order."""
        return plan_words.happens(self)

    @property
    def stays(self) -> list[str]:
        """Say what is not rolled back."""
        return plan_words.stays(self)

    @property
    def warnings(self) -> list[str]:
        """Say what to beware of."""
        return plan_words.warnings(self)


def plan_rollback(location: CodeLocation, target: Deploy, scope: str) -> Plan:
    """Answer what a rollback to this deploy would do now. `location` and `target` with their places loaded."""
    scope = RollbackScope(scope)
    base, served = composition.base_of(location), location.served_deploy
    before = served.release if served else None
    unfinished = list(location.deploys.filter(status__in=UNFINISHED).select_related("release").order_by("number"))
    coming = next((each for each in unfinished if blaming.is_coming(each)), None)
    sides = [each.release for each in (target, base, served, coming) if each is not None]
    composition.load_mounts(*sides)
    composed = composition.restore(target, base, scope)
    known = served is None or location.deployment.puts_images or (before is not None and not before.provisional)
    now_serving = composition.composition_of(before) if known else None
    agents = _agents(location)
    found = _barriers(location, composed, scope, agents, coming)
    told = any(barrier.name == barriers.AGENTS for barrier in found)
    waiting = {agent.name for agent in barriers.not_at(_engine(composed), agents)} if told else set()
    steps, more = _steps_over(location, target)
    blamed_by = _blamed_by(location, composed.code_digest)
    watch = _watch(location)
    return Plan(
        location=location,
        target=target,
        scope=scope,
        served=served,
        base=base,
        composed=composed,
        obstacle=_obstacle(target, base, scope, composed, blamed_by),
        image=_differ(_image(now_serving), _image(composed)),
        runtime_version=_differ(now_serving.runtime_version if now_serving else "", composed.runtime_version),
        settings=[*_settings(now_serving, composed, drivers.puts_of(location))] if now_serving else [],
        files_unknown=not known,
        steps_over=steps,
        more_steps=more,
        barriers=found,
        agents=[(agent, agent.name not in waiting) for agent in agents],
        runs=watch.runs if watch else None,
        unfinished=unfinished,
        hold=Hold.objects.filter(code_location=location, released_at=None).first(),
        blamed_by=blamed_by,
        puts=drivers.puts_of(location),
    )


def barriers_to(location: CodeLocation, composed: composition.Composition, scope: str) -> list[Barrier]:
    """Answer what stands in the way of putting this in place now, where something else is served."""
    return _barriers(location, composed, scope, _agents(location), blaming.on_its_way(location))


def _barriers(
    location: CodeLocation, composed: composition.Composition, scope: str, agents: list[Agent], coming: Deploy | None
) -> list[Barrier]:
    if scope == RollbackScope.SETTINGS:
        # The code stays, and with it what the agents run: none has to go back first.
        agents = []
    after = _engine(composed)
    if location.deployment.platform == PlatformKind.DAGSTER:
        # No Airflow whose database could be too new, whatever its runtime is numbered like.
        return barriers.barriers_between(after, after, agents)
    served = location.served_deploy
    before = engine_now(location, served.release if served else None)
    found = barriers.barriers_between(before, after, [] if before == after else agents)
    # What overtakes a push may find it in place: what that would mean is read now, not when it is too late.
    if coming is not None:
        known = {each.name for each in found}
        more = barriers.barriers_between(engine_now(location, coming.release), after)
        found += [barriers.softened(each, COMING) for each in more if each.name not in known]
    if "runtime_version" not in drivers.puts_of(location):
        # The runtime is recorded, and stays what it is: nothing is erased, and nothing fails, by this.
        found = [each if each.name == barriers.AGENTS else barriers.softened(each, RECORDED) for each in found]
    return found


def engine_now(location: CodeLocation, release: Release | None) -> Engine:
    """Answer what runs now: what the release says, else what the platform says of itself."""
    engine = _engine(composition.composition_of(release))
    if engine.airflow or location.deployment.platform != PlatformKind.AIRFLOW:
        return engine
    watch = _watch(location)
    return Engine(engine.runtime, watch.version if watch else "")


def _engine(composed: composition.Composition) -> Engine:
    airflow = configuration.runtime_of(composed.settings, "airflow_version")
    return Engine(composed.runtime_version, airflow if isinstance(airflow, str) else "")


def _obstacle(
    target: Deploy,
    base: Deploy | None,
    scope: RollbackScope,
    composed: composition.Composition,
    blamed_by: int | None,
) -> Obstacle | None:
    if obstacle := obstacle_to_restoring(target):
        return obstacle
    if scope != RollbackScope.ALL and (base is None or base.release is None):
        return Obstacle("nothing_live", "Nothing is live yet that the rest could stay as it is: restore everything.")
    if scope == RollbackScope.SETTINGS and base is not None and base.release is not None and base.release.purged_at:
        return Obstacle("artifact_gone", f"The files of #{base.number} were purged: restore everything.")
    if scope == RollbackScope.SETTINGS and blamed_by is not None:
        return Obstacle(
            "blocked",
            f"The code that is live, and would stay, is what rollback #{blamed_by} left: restore everything, or the code.",
        )
    for mount, bundle in composed.bundles.items():
        if bundle.purged_at or bundle.damaged_at:
            return Obstacle(
                "artifact_damaged", f"Stored files of {mount} are gone or damaged: upload {bundle.version} again."
            )
    try:
        configuration.opened(composed.settings)
    except Unreadable:
        return Obstacle(
            "settings_unreadable",
            f"Secrets of #{target.number} were encrypted under a key that the portal does not have any more: put the key back "
            "into LASTGOOD_ENCRYPTION_KEYS, or restore the code only.",
        )
    return None


def _image(composed: composition.Composition | None) -> str:
    if composed is None:
        return ""
    digest = composed.image_digest
    return f"{composed.image}@{digest}" if digest and "@" not in composed.image else composed.image


def _differ(old: str, new: str) -> tuple[str, str] | None:
    return (old, new) if old != new else None


def _settings(
    before: composition.Composition, after: composition.Composition, puts: frozenset[str]
) -> Iterator[dict[str, Any]]:
    for change in configuration.changes(before.settings, after.settings):
        yield {**change, "applied": "settings" in puts}


def _agents(location: CodeLocation) -> list[Agent]:
    agents = RemoteAgent.objects.filter(deployment=location.deployment_id).order_by("name")
    since = timezone.now() - SILENT_AFTER
    rows = agents.values_list("name", "version", "reported_at")[:MOST_AGENTS]
    return [Agent(name, version, silent=reported_at < since) for name, version, reported_at in rows]


def _steps_over(location: CodeLocation, target: Deploy) -> tuple[list[Deploy], bool]:
    """Answer the deploys that went live after the restored one, newest first, and whether there are more."""
    if target.live_seq is None:
        return [], False
    later: QuerySet[Deploy] = location.deploys.went_live().filter(live_seq__gt=target.live_seq)
    found = list(later.select_related("release")[: MOST_STEPS + 1])
    return found[:MOST_STEPS], len(found) > MOST_STEPS


def _watch(location: CodeLocation) -> PlatformWatch | None:
    """Answer what is known from asking the platform: of a deployment that was loaded with it, without a query."""
    found: PlatformWatch | None = getattr(location.deployment, "watch", None)
    return found


def _blamed_by(location: CodeLocation, code_digest: str) -> int | None:
    blames = Blame.objects.filter(code_location=location, code_digest=code_digest, lifted_at=None)
    return blames.values_list("blamed_by__number", flat=True).first()


def runs_counted_at(plan: Plan) -> datetime | None:
    """Answer when the runs in flight were counted."""
    return datetime.fromisoformat(plan.runs["at"]) if plan.runs else None
