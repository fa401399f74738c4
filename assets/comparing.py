"""What differs between two versions of an asset: by their prints where one source saw both, else in what both can see."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from assets.bodies import opened
from assets.definitions.differ import Change, change_between
from assets.definitions.normal import Definition
from assets.definitions.prints import differing
from assets.definitions.sights import common
from assets.models import AssetVersion
from assets.states import Sight

BATCH = 800


class Prints(NamedTuple):
    """How a version looks in each sight; empty: never seen so."""

    sent: str
    read: str


@dataclass(frozen=True)
class Difference:
    """Words of the differ, and in whose eyes. No words: the two cannot be told apart."""

    change_types: list[str]
    sight: Sight


def prints_of_versions(versions: Collection[int]) -> dict[int, Prints]:
    """Answer the prints of these versions."""
    found: dict[int, Prints] = {}
    wanted = list(versions)
    for start in range(0, len(wanted), BATCH):
        rows = AssetVersion.objects.filter(pk__in=wanted[start : start + BATCH])
        for pk, sent, read in rows.values_list("pk", "sent_prints", "read_prints"):
            found[pk] = Prints(sent, read)
    return found


def differences(
    pairs: Iterable[tuple[int, int]], prints: dict[int, Prints], ignored: Collection[str]
) -> dict[tuple[int, int], Difference]:
    """Answer how the versions of each pair differ."""
    found: dict[tuple[int, int], Difference] = {}
    unlike: list[tuple[int, int]] = []
    for pair in pairs:
        difference = by_prints(prints[pair[0]], prints[pair[1]])
        if difference is None:
            unlike.append(pair)
        else:
            found[pair] = difference
    for start in range(0, len(unlike), BATCH):
        found |= _by_definitions(unlike[start : start + BATCH], ignored)
    return found


def by_prints(old: Prints, new: Prints) -> Difference | None:
    """Answer the difference in the eyes of whoever saw both; None: nobody did."""
    seen = None
    for sight, before, after in ((Sight.SENT, old.sent, new.sent), (Sight.READ, old.read, new.read)):
        if before and after:
            types = differing(before, after)
            if types:
                return Difference(types, sight)
            seen = seen or Difference([], sight)
    return seen


def change_of(old: AssetVersion, new: AssetVersion, sight: str, ignored: Collection[str]) -> Change | None:
    """Answer the change in full, in the eyes in which it was found."""
    before, after = definition_in(old, sight), definition_in(new, sight)
    return change_between(before, after, ignored=frozenset(ignored))


def definition_in(version: AssetVersion, sight: str) -> Definition:
    """Answer the definition in these eyes: all of it, or what every source can see."""
    if sight == Sight.SENT and version.sent:
        return opened(version.sent)
    if sight == Sight.READ and version.read:
        return opened(version.read)
    return common(opened(version.sent or version.read))


def fullest(version: AssetVersion) -> Definition:
    """Answer the definition of whoever saw most of it."""
    return opened(version.sent or version.read)


def _by_definitions(pairs: list[tuple[int, int]], ignored: Collection[str]) -> dict[tuple[int, int], Difference]:
    versions = AssetVersion.objects.in_bulk({pk for pair in pairs for pk in pair})
    found = {}
    for old, new in pairs:
        change = change_of(versions[old], versions[new], Sight.COMMON, ignored)
        found[old, new] = Difference(change.change_types if change else [], Sight.COMMON)
    return found
