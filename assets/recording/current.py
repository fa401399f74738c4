"""What the newest recorded set says of each asset: for lists, and for who is upstream of whom."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery

from assets.bodies import opened
from assets.comparing import Difference
from assets.definitions import keys
from assets.definitions.normal import Definition
from assets.definitions.prints import DEPENDENCIES
from assets.models import Asset, AssetChain, AssetDependency, AssetVersion, Validity
from assets.recording.chains import chunks
from assets.recording.matching import Matched


class Shown(NamedTuple):
    """What lists show of a definition."""

    group: str
    kinds: str


def refresh(
    chain: AssetChain,
    old: Mapping[int, int],
    new: Mapping[int, int],
    matched: Matched,
    found: Mapping[int, Difference],
    seq: int,
) -> None:
    """Have the assets that another version is in force of say so. `old` and `new` hold only what differs."""
    for chunk in chunks(list(old.keys() | new.keys())):
        rows = Asset.objects.filter(pk__in=chunk)
        in_force = Validity.objects.filter(asset_id=OuterRef("pk"), until=None)
        rows.update(current=Subquery(in_force.values("version_id")[:1]))
        rows.filter(pk__in=[pk for pk in chunk if _is_change(pk, found)]).update(changed_seq=seq)
        definitions = _definitions({asset_id: new[asset_id] for asset_id in chunk if asset_id in new}, matched)
        _show(rows, definitions)
        rewire(chain, [asset_id for asset_id in chunk if _is_rewired(asset_id, found)], definitions)


def _show(rows: QuerySet[Asset], definitions: Mapping[int, Definition]) -> None:
    """Write what lists show, where it moved: assets of one group and of the same kinds in one statement."""
    moved: dict[Shown, list[int]] = defaultdict(list)
    for pk, group, kinds in rows.values_list("pk", "group", "kinds"):
        if pk in definitions and (shown := shown_of(definitions[pk])) != (group, kinds):
            moved[shown].append(pk)
    for shown, assets in moved.items():
        Asset.objects.filter(pk__in=assets).update(**shown._asdict())


def shown_of(definition: Definition) -> Shown:
    """Answer what lists show of a definition, as long as its columns are wide."""
    kinds = f" {' '.join(definition['kinds'])} " if definition["kinds"] else ""
    return Shown((definition["group"] or "").replace("\0", " ")[:200], kinds.replace("\0", " ")[:400])


def rewire(chain: AssetChain, assets: Collection[int], definitions: Mapping[int, Definition]) -> None:
    """Write the edges of these assets anew."""
    AssetDependency.objects.filter(asset_id__in=assets).delete()
    edges = [
        AssetDependency(code_location_id=chain.code_location_id, asset_id=asset_id, upstream_key=upstream)
        for asset_id in assets
        if asset_id in definitions
        for upstream in sorted({keys.shown(dep["key"]) for dep in definitions[asset_id]["deps"]})
        if len(upstream) <= keys.LONGEST
    ]
    AssetDependency.objects.bulk_create(edges, batch_size=2000)


def _is_change(asset_id: int, found: Mapping[int, Difference]) -> bool:
    return asset_id not in found or bool(found[asset_id].change_types)


def _is_rewired(asset_id: int, found: Mapping[int, Difference]) -> bool:
    return asset_id not in found or DEPENDENCIES in found[asset_id].change_types


def _definitions(versions: Mapping[int, int], matched: Matched) -> dict[int, Definition]:
    found = {}
    unread = dict(versions)
    for asset_id in versions:
        if (version := matched.new.get(asset_id)) is not None:
            found[asset_id] = opened(version.sent or version.read)
            del unread[asset_id]
    bodies = AssetVersion.objects.only("sent", "read").in_bulk(list(unread.values()))
    for asset_id, version_id in unread.items():
        found[asset_id] = opened(bodies[version_id].sent or bodies[version_id].read)
    return found
