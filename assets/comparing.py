"""What differs between two versions of an asset: by their prints where one source saw both, else in what both can see."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from assets.bodies import opened
from assets.definitions.differ import Change, change_between
from assets.definitions.normal import Definition
from assets.definitions.prints import differing
from assets.definitions.sights import common
from assets.models import AssetVersion
from assets.states import Sight, Source

BATCH = 800
# What these say is exact, and of everything.
EXACT = frozenset((Source.SNAPSHOT, Source.DBT))


class Looks(Protocol):
    """Whatever has the prints of a version in each sight."""

    @property
    def sent(self) -> str:
        """Answer the prints as it was sent; empty: never."""

    @property
    def read(self) -> str:
        """Answer the prints as the platform tells it; empty: never."""


class Prints(NamedTuple):
    """How a version looks in each sight; empty: never seen so."""

    sent: str
    read: str


class Difference(NamedTuple):
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


def sights_of(*sources: str) -> Collection[Sight]:
    """Answer in whose eyes sets of these sources are compared: what CI says of both is all that there is to say."""
    return (Sight.SENT,) if EXACT.issuperset(sources) else (Sight.SENT, Sight.READ)


def differences(
    pairs: Iterable[tuple[int, int]],
    prints: dict[int, Prints],
    ignored: Collection[str],
    sights: Collection[Sight],
) -> dict[tuple[int, int], Difference]:
    """Answer how the versions of each pair differ."""
    found: dict[tuple[int, int], Difference] = {}
    unlike: list[tuple[int, int]] = []
    for pair in pairs:
        difference = by_prints(prints[pair[0]], prints[pair[1]], sights)
        if difference is None:
            unlike.append(pair)
        else:
            found[pair] = difference
    for start in range(0, len(unlike), BATCH):
        found |= by_definitions(unlike[start : start + BATCH], ignored)
    return found


def by_prints(old: Looks, new: Looks, sights: Collection[Sight]) -> Difference | None:
    """Answer the difference in the eyes of whoever saw both; None: nobody did."""
    same = None
    if Sight.SENT in sights and old.sent and new.sent:
        if types := differing(old.sent, new.sent):
            return Difference(types, Sight.SENT)
        same = Difference([], Sight.SENT)
    if Sight.READ in sights and old.read and new.read:
        if types := differing(old.read, new.read):
            return Difference(types, Sight.READ)
        same = same or Difference([], Sight.READ)
    return same


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


def by_definitions(pairs: list[tuple[int, int]], ignored: Collection[str]) -> dict[tuple[int, int], Difference]:
    """Answer how the versions of each pair differ in what every source can see, by reading them."""
    versions = AssetVersion.objects.in_bulk({pk for pair in pairs for pk in pair})
    found = {}
    for old, new in pairs:
        change = change_of(versions[old], versions[new], Sight.COMMON, ignored)
        found[old, new] = Difference(change.change_types if change else [], Sight.COMMON)
    return found
