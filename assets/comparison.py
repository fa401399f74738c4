"""Any two deploys, and what was live at a time."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from assets.comparing import Difference, by_definitions, by_prints, change_of, fullest, sights_of
from assets.definitions.differ import Change
from assets.definitions.normal import Definition
from assets.models import AssetChain, AssetSet, AssetVersion, Validity
from assets.states import ChangeKind
from deployments.models import CodeLocation, Deploy


class Step(NamedTuple):
    """One asset that two deploys define differently; None: it is not there."""

    key: str
    kind: ChangeKind
    before: int | None
    after: int | None
    difference: Difference | None
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """All steps in the order of their keys. `old` and `new` are the recorded sets that were compared, by world."""

    steps: list[Step] = field(default_factory=list)
    unchanged: int = 0
    old: list[AssetSet] = field(default_factory=list)
    new: list[AssetSet] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Answer how many were added, removed and changed."""
        found = Counter(step.kind.lower() for step in self.steps)
        return {word: found[word] for word in ("added", "removed", "changed")}

    @property
    def by_type(self) -> dict[str, int]:
        """Answer how many changed in each aspect."""
        return dict(Counter(word for step in self.steps if step.difference for word in step.difference.change_types))


@dataclass(frozen=True)
class Detailed:
    """A step with what it is from and to: the change, or the definition of what came or went."""

    step: Step
    change: Change | None
    definition: Definition | None


def compare(location: CodeLocation, old: Deploy, new: Deploy) -> Comparison:
    """Compare what two deploys define, as it was recorded at them or last before them: in one query for each side."""
    compared = Comparison()
    if old.live_seq is None or new.live_seq is None:
        # What never went live is in no chain. That is not the same as to define nothing.
        return compared
    unchanged = 0
    for chain in AssetChain.objects.filter(code_location=location).order_by("world"):
        before, after = _recorded(chain, old), _recorded(chain, new)
        compared.old.extend([before] if before else [])
        compared.new.extend([after] if after else [])
        # Before the first recorded set there is nothing that anybody knows of.
        steps = _steps(chain, before, after)
        compared.steps.extend(steps)
        there = after.asset_count if after else 0
        unchanged += there - sum(step.kind != ChangeKind.REMOVED for step in steps)
    steps = sorted(compared.steps, key=lambda step: step.key)
    return Comparison(steps, unchanged, compared.old, compared.new)


def in_detail(steps: list[Step]) -> list[Detailed]:
    """Answer these steps with all that they are from and to."""
    wanted = {pk for step in steps for pk in (step.before, step.after) if pk is not None}
    versions = AssetVersion.objects.in_bulk(wanted)
    detailed = []
    for step in steps:
        before, after = versions.get(step.before or 0), versions.get(step.after or 0)
        if before is not None and after is not None and step.difference is not None:
            change = change_of(before, after, step.difference.sight, step.ignored)
            detailed.append(Detailed(step, change, None))
        else:
            there = after or before
            detailed.append(Detailed(step, None, fullest(there) if there else None))
    return detailed


def live_at(location: CodeLocation, time: datetime) -> Deploy | None:
    """Answer the deploy that was live then."""
    # By when it ended, which an index finds; what ended at one moment, by the order of going live.
    live = Deploy.objects.filter(code_location=location, finished_at__lte=time, live_seq__isnull=False)
    return live.order_by("-finished_at", "-live_seq").with_places().first()


def _recorded(chain: AssetChain, deploy: Deploy) -> AssetSet | None:
    """Answer the set of this deploy, or the newest one before it."""
    sets = AssetSet.objects.filter(chain=chain).select_related("deploy", "chain")
    if deploy.live_seq is None:
        return None
    return sets.filter(live_seq__lte=deploy.live_seq).order_by("-live_seq").first()


class InForce(NamedTuple):
    """A version that is in force on one side, and how it looks to either sight."""

    key: str
    pk: int
    sent: str
    read: str


def _steps(chain: AssetChain, before_set: AssetSet | None, after_set: AssetSet | None) -> list[Step]:
    old, new = before_set.live_seq if before_set else 0, after_set.live_seq if after_set else 0
    sights = sights_of(*(each.source for each in (before_set, after_set) if each is not None))
    first, last = min(old, new), max(old, new)
    # What was in force all the time between is the same on both sides, and is not even read.
    began = _versions(Validity.objects.at(chain, first).filter(until__lte=last))
    ended = _versions(Validity.objects.at(chain, last).filter(since__gt=first))
    before, after = (began, ended) if old <= new else (ended, began)
    ignored = tuple(chain.ignored)
    steps = [
        Step(key, ChangeKind.ADDED, None, version.pk, None, ignored)
        for key, version in after.items()
        if key not in before
    ]
    unlike: dict[str, tuple[int, int]] = {}
    for key, left in before.items():
        right = after.get(key)
        if right is None:
            steps.append(Step(key, ChangeKind.REMOVED, left.pk, None, None, ignored))
        elif left.pk != right.pk:
            difference = by_prints(left, right, sights)
            if difference is None:
                unlike[key] = (left.pk, right.pk)
            elif difference.change_types:
                steps.append(Step(key, ChangeKind.CHANGED, left.pk, right.pk, difference, ignored))
    found = by_definitions(list(unlike.values()), ignored)
    steps += [
        Step(key, ChangeKind.CHANGED, *pair, found[pair], ignored)
        for key, pair in unlike.items()
        if found[pair].change_types
    ]
    return steps


def _versions(rows: QuerySet[Validity]) -> dict[str, InForce]:
    said = rows.values_list("asset__key", "version_id", "version__sent_prints", "version__read_prints")
    return {row[0]: InForce._make(row) for row in said}
