"""A chain: its lock, the neighbours of a place in it, and which versions were in force there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import NamedTuple

from assets.models import AssetChain, AssetSet, Validity
from assets.states import Sight, World
from deployments.models import CodeLocation

# SQLite takes no more parameters in one statement than 32,766, and plans a few hundred fastest.
BATCH = 800


class InForce(NamedTuple):
    """A version that is in force, the digest by which one sight knows it, and that of the other (empty: never seen so)."""

    asset_id: int
    version_id: int
    digest: str
    beside: str


@dataclass(frozen=True)
class Neighbours:
    """The recorded sets before, at and after a place in the chain."""

    previous: AssetSet | None
    here: AssetSet | None
    following: AssetSet | None


def lock_chain(location: CodeLocation, world: World) -> AssetChain:
    """Answer the chain, made when this is its first set. All of the location's are locked until the transaction ends."""
    AssetChain.objects.get_or_create(code_location=location, world=world)
    locked = AssetChain.objects.select_for_update(no_key=True).filter(code_location=location).order_by("pk")
    return next(chain for chain in locked if chain.world == world)


def neighbours(chain: AssetChain, seq: int) -> Neighbours:
    """Answer what is recorded around a place."""
    sets = AssetSet.objects.filter(chain=chain)
    return Neighbours(
        previous=sets.filter(live_seq__lt=seq).order_by("-live_seq").first(),
        here=sets.filter(live_seq=seq).first(),
        following=sets.filter(live_seq__gt=seq).order_by("live_seq").first(),
    )


def in_force(chain: AssetChain, seq: int, sight: Sight) -> dict[str, InForce]:
    """Answer the versions in force by key."""
    other = Sight.READ if sight == Sight.SENT else Sight.SENT
    digests = (f"version__{each.lower()}_digest" for each in (sight, other))
    rows = Validity.objects.at(chain, seq).values_list("asset__key", "asset_id", "version_id", *digests)
    return {key: InForce(*facts) for key, *facts in rows}


def versions_in_force(chain: AssetChain, seq: int) -> dict[int, int]:
    """Answer the versions in force by asset."""
    return dict(Validity.objects.at(chain, seq).values_list("asset_id", "version_id"))


def some_in_force(chain: AssetChain, seq: int, assets: Collection[int]) -> dict[int, int]:
    """Answer the versions in force of these assets."""
    found: dict[int, int] = {}
    for chunk in chunks(assets):
        found.update(Validity.objects.at(chain, seq).filter(asset_id__in=chunk).values_list("asset_id", "version_id"))
    return found


def chunks[T](items: Collection[T]) -> Iterator[Sequence[T]]:
    """Answer the items in pieces that fit into one statement."""
    return batched(items, BATCH)
