"""Any two deploys, and what was live at a time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from assets.comparing import Difference, Prints, change_of, differences, fullest
from assets.definitions.differ import Change
from assets.definitions.normal import Definition
from assets.models import AssetChain, AssetSet, AssetVersion, Validity
from assets.states import ChangeKind
from deployments.models import CodeLocation, Deploy


@dataclass(frozen=True)
class Step:
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
    unchanged = 0
    for chain in AssetChain.objects.filter(code_location=location).order_by("world"):
        before, after = _recorded(chain, old), _recorded(chain, new)
        compared.old.extend([before] if before else [])
        compared.new.extend([after] if after else [])
        # Before the first recorded set there is nothing that anybody knows of.
        steps = _steps(chain, before.live_seq if before else 0, after.live_seq if after else 0)
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
    return Deploy.objects.filter(code_location=location, finished_at__lte=time).went_live().with_places().first()


def _recorded(chain: AssetChain, deploy: Deploy) -> AssetSet | None:
    """Answer the set of this deploy, or the newest one before it."""
    sets = AssetSet.objects.filter(chain=chain).select_related("deploy", "chain")
    if deploy.live_seq is None:
        return None
    return sets.filter(live_seq__lte=deploy.live_seq).order_by("-live_seq").first()


def _steps(chain: AssetChain, old: int, new: int) -> list[Step]:
    first, last = min(old, new), max(old, new)
    # What was in force all the time between is the same on both sides, and is not even read.
    began = _versions(Validity.objects.at(chain, first).filter(until__lte=last))
    ended = _versions(Validity.objects.at(chain, last).filter(since__gt=first))
    before, after = (began, ended) if old <= new else (ended, began)
    moved = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    pairs = {key: (before[key], after[key]) for key in moved if key in before and key in after}
    prints = {version.pk: version.prints for pair in pairs.values() for version in pair}
    found = differences([(old.pk, new.pk) for old, new in pairs.values()], prints, chain.ignored)
    differing = {key: found[pair[0].pk, pair[1].pk] for key, pair in pairs.items()}
    return list(_each(moved, before, after, differing, tuple(chain.ignored)))


class InForce(NamedTuple):
    """A version and how it looks."""

    pk: int
    prints: Prints


def _versions(rows: QuerySet[Validity]) -> dict[str, InForce]:
    said = rows.values_list("asset__key", "version_id", "version__sent_prints", "version__read_prints")
    return {key: InForce(pk, Prints(sent, read)) for key, pk, sent, read in said}


def _each(
    moved: list[str],
    before: dict[str, InForce],
    after: dict[str, InForce],
    found: dict[str, Difference],
    ignored: tuple[str, ...],
) -> Iterator[Step]:
    for key in moved:
        left, right = before.get(key), after.get(key)
        if left is None or right is None:
            kind = ChangeKind.REMOVED if right is None else ChangeKind.ADDED
            yield Step(key, kind, left.pk if left else None, right.pk if right else None, None, ignored)
        elif found[key].change_types:
            yield Step(key, ChangeKind.CHANGED, left.pk, right.pk, found[key], ignored)
