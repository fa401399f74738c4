"""Which version of each asset an observation shows: the one in force, an older one recognised, or a new one."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from assets.bodies import opened, written
from assets.definitions.differ import change_between
from assets.definitions.prints import prints_of
from assets.definitions.sights import common
from assets.models import Asset, AssetChain, AssetVersion
from assets.recording.chains import InForce, chunks
from assets.recording.observation import Observation
from assets.states import Sight
from deployments.models import Deploy
from portal.common.problems import Refusal


class KeyClash(Refusal):
    """An asset's key belongs to assets of another world."""

    code = "key_of_another_source"


@dataclass
class Matched:
    """The version of each asset that is there; `new` are those that nobody had seen before, by their asset.

    `learned` are the assets whose version was seen in another sight for the first time: it can be told apart better.
    """

    versions: dict[int, int] = field(default_factory=dict)
    new: dict[int, AssetVersion] = field(default_factory=dict)
    learned: set[int] = field(default_factory=set)


def match(
    chain: AssetChain,
    seen: Observation,
    *,
    deploy: Deploy,
    before: Mapping[str, InForce],
    here: Mapping[str, InForce],
    restored: Mapping[str, InForce],
    beside: Mapping[str, str],
    shown: Observation | None = None,
) -> Matched:
    """Answer the version of every asset that was seen; makes assets, versions, and learns sights. Raises KeyClash.

    `before` is in force in the set before, `here` in the one that gives way; `restored` in the one that a rollback
    brings back, which wins whenever it looks like what was seen: what a platform cannot show came back with the rest.
    `beside` are digests of the same deploy in the other sight, as far as anybody has looked, and `shown` what was seen
    there, which new versions are told at once.
    """
    found = Matched()
    left = dict(seen.digests)
    for candidates in (restored, before, here):
        left = _recognise(candidates, left, seen, beside, found)
    if left:
        _find_or_make(chain, seen, left, deploy, before, found, shown)
    return found


def _recognise(
    candidates: Mapping[str, InForce],
    wanted: Mapping[str, str],
    seen: Observation,
    beside: Mapping[str, str],
    found: Matched,
) -> dict[str, str]:
    """Take the candidates that look like what was seen; answer what is left."""
    unlearned: dict[str, InForce] = {}
    left = {}
    taught: dict[str, int] = {}
    for key, digest in wanted.items():
        known = candidates.get(key)
        if known is not None and known.digest == digest:
            found.versions[known.asset_id] = known.version_id
        elif known is None or known.digest:
            left[key] = digest
        elif not known.beside or key not in beside:
            unlearned[key] = known
        elif known.beside == beside[key]:
            # Seen in this sight for the first time; in the other one it is what it was.
            taught[key] = known.version_id
            found.versions[known.asset_id] = known.version_id
            found.learned.add(known.asset_id)
        else:
            left[key] = digest
    teach(taught, seen)
    return left | {key: wanted[key] for key in _learn(unlearned, seen, found)}


def _learn(unlearned: Mapping[str, InForce], seen: Observation, found: Matched) -> list[str]:
    """Teach versions how they look in this sight, where all that both can see is the same; answer the other keys."""
    others = []
    for chunk in chunks(list(unlearned.items())):
        versions = AssetVersion.objects.in_bulk([known.version_id for _, known in chunk])
        taught: dict[str, int] = {}
        for key, known in chunk:
            version = versions[known.version_id]
            old = common(opened(version.sent or version.read))
            if change_between(old, common(seen.definitions[key]), ignored=frozenset(seen.ignored)):
                others.append(key)
            else:
                taught[key] = version.pk
                found.versions[known.asset_id] = version.pk
                found.learned.add(known.asset_id)
        teach(taught, seen)
    return others


def teach(versions: Mapping[str, int], seen: Observation) -> None:
    """Write down how these versions, by key, look in the observation's sight."""
    for chunk in chunks(list(versions.items())):
        rows = AssetVersion.objects.in_bulk([version_id for _, version_id in chunk])
        for key, version_id in chunk:
            show(rows[version_id], seen, key)
        save_sights(list(rows.values()))


def show(version: AssetVersion, seen: Observation, key: str) -> None:
    """Write down how the version looks in the observation's sight, without saving it."""
    definition = seen.definitions[key]
    body, prints = written(definition), prints_of(definition, frozenset(seen.ignored))
    if seen.sight == Sight.SENT:
        version.sent, version.sent_digest, version.sent_prints = body, seen.digests[key], prints
    else:
        version.read, version.read_digest, version.read_prints = body, seen.digests[key], prints


def save_sights(versions: list[AssetVersion]) -> None:
    """Save what `show` wrote down, all in one statement."""
    if versions:
        AssetVersion.objects.bulk_create(
            versions,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["sent", "sent_digest", "sent_prints", "read", "read_digest", "read_prints"],
        )


def _find_or_make(
    chain: AssetChain,
    seen: Observation,
    odd: Mapping[str, str],
    deploy: Deploy,
    before: Mapping[str, InForce],
    found: Matched,
    shown: Observation | None,
) -> None:
    assets = {key: before[key].asset_id for key in odd if key in before}
    assets |= _assets_of(chain, [key for key in odd if key not in before])
    known, newest = _known_versions(list(assets.values()), seen.sight)
    made = _make_assets(chain, [key for key in odd if key not in assets])
    unseen = []
    for key, digest in odd.items():
        asset_id = assets.get(key) or made[key].pk
        if (asset_id, digest) in known:
            found.versions[asset_id] = known[asset_id, digest]
            continue
        version = AssetVersion(asset_id=asset_id, number=newest[asset_id] + 1, deploy=deploy)
        show(version, seen, key)
        if shown is not None and key in shown.digests:
            show(version, shown, key)
        unseen.append(version)
    AssetVersion.objects.bulk_create(unseen, batch_size=2000)
    for version in unseen:
        found.versions[version.asset_id] = version.pk
        found.new[version.asset_id] = version


def _assets_of(chain: AssetChain, keys: list[str]) -> dict[str, int]:
    """Answer the assets that had these keys before. Raises KeyClash."""
    found = {}
    for chunk in chunks(keys):
        rows = Asset.objects.filter(code_location_id=chain.code_location_id, key__in=chunk)
        for key, pk, chain_id in rows.values_list("key", "pk", "chain_id"):
            if chain_id != chain.pk:
                raise KeyClash(
                    f"{key} is an asset of another source in this code location: two sources cannot share a key. "
                    "Send both from the same source, or name one of them otherwise."
                )
            found[key] = pk
    return found


def _make_assets(chain: AssetChain, keys: list[str]) -> dict[str, Asset]:
    assets = [Asset(chain=chain, code_location_id=chain.code_location_id, key=key) for key in keys]
    return {asset.key: asset for asset in Asset.objects.bulk_create(assets, batch_size=2000)}


def _known_versions(assets: list[int], sight: Sight) -> tuple[dict[tuple[int, str], int], dict[int, int]]:
    """Answer versions by asset and digest, the newest of equal ones; and the newest number by asset."""
    known: dict[tuple[int, str], int] = {}
    newest: dict[int, int] = defaultdict(int)
    for chunk in chunks(assets):
        rows = AssetVersion.objects.filter(asset_id__in=chunk).order_by("asset_id", "number")
        for pk, asset_id, number, digest in rows.values_list("pk", "asset_id", "number", f"{sight.lower()}_digest"):
            known[asset_id, digest] = pk
            newest[asset_id] = number
    return known, newest
