"""What the newest recorded set says of each asset: for lists, and for who is upstream of whom."""

from collections.abc import Collection, Mapping

from assets.bodies import opened
from assets.comparing import Difference
from assets.definitions import keys
from assets.definitions.normal import Definition
from assets.definitions.prints import DEPENDENCIES
from assets.models import Asset, AssetChain, AssetDependency, AssetVersion
from assets.recording.chains import chunks
from assets.recording.matching import Matched

FIELDS = ["current", "group", "kinds", "changed_seq"]


def refresh(
    chain: AssetChain,
    old: Mapping[int, int],
    new: Mapping[int, int],
    matched: Matched,
    found: Mapping[int, Difference],
    seq: int,
) -> None:
    """Have the assets that another version is in force of say so. `old` and `new` hold only what differs."""
    changed = {asset_id for asset_id in old.keys() | new.keys() if _is_change(asset_id, found)}
    for chunk in chunks(list(old.keys() | new.keys())):
        assets = Asset.objects.in_bulk(chunk)
        definitions = _definitions({asset_id: new[asset_id] for asset_id in chunk if asset_id in new}, matched)
        for asset_id, asset in assets.items():
            asset.current_id = new.get(asset_id)
            if asset_id in changed:
                asset.changed_seq = seq
            if asset_id in definitions:
                show(asset, definitions[asset_id])
        _save(list(assets.values()))
        rewired = [asset_id for asset_id in chunk if _is_rewired(asset_id, found)]
        rewire(chain, rewired, definitions)


def show(asset: Asset, definition: Definition) -> None:
    """Write what lists show of a definition into the asset's row, without saving it."""
    asset.group = (definition["group"] or "").replace("\0", " ")[:200]
    asset.kinds = f" {' '.join(definition['kinds'])} ".replace("\0", " ")[:400] if definition["kinds"] else ""


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


def _save(assets: list[Asset]) -> None:
    Asset.objects.bulk_create(
        assets, update_conflicts=True, unique_fields=["id"], update_fields=FIELDS, batch_size=2000
    )
