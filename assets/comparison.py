"""Any two deploys, and what was live at a time."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from assets.comparing import Difference, Prints, change_of, differences, fullest, prints_of_versions
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
        if before is None or after is None:
            continue
        compared.old.append(before)
        compared.new.append(after)
        steps, same = _steps(chain, before.live_seq, after.live_seq)
        compared.steps.extend(steps)
        unchanged += same
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


def _steps(chain: AssetChain, old: int, new: int) -> tuple[list[Step], int]:
    before, after = _in_force(chain, old), _in_force(chain, new)
    moved = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    pairs = {key: (before[key], after[key]) for key in moved if key in before and key in after}
    prints: dict[int, Prints] = prints_of_versions({pk for pair in pairs.values() for pk in pair})
    found = differences(pairs.values(), prints, chain.ignored)
    ignored = tuple(chain.ignored)
    steps = list(_each(moved, before, after, {key: found[pair] for key, pair in pairs.items()}, ignored))
    came = sum(step.kind == ChangeKind.ADDED for step in steps)
    changed = sum(step.kind == ChangeKind.CHANGED for step in steps)
    return steps, len(after) - came - changed


def _in_force(chain: AssetChain, seq: int) -> dict[str, int]:
    return dict(Validity.objects.at(chain, seq).values_list("asset__key", "version_id"))


def _each(
    moved: list[str],
    before: dict[str, int],
    after: dict[str, int],
    found: dict[str, Difference],
    ignored: tuple[str, ...],
) -> Iterator[Step]:
    for key in moved:
        if key not in found:
            kind = ChangeKind.ADDED if key in after else ChangeKind.REMOVED
            yield Step(key, kind, before.get(key), after.get(key), None, ignored)
        elif found[key].change_types:
            yield Step(key, ChangeKind.CHANGED, before[key], after[key], found[key], ignored)
