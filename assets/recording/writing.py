"""Writing a place in the chain anew: validities, and the changes there and at the next recorded set."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db.models import Max

from assets.comparing import Difference, Prints, differences, prints_of_versions
from assets.models import Asset, AssetChain, AssetChange, AssetSet, Validity
from assets.recording.chains import chunks
from assets.states import ChangeKind, Sight
from deployments.models import Deploy

Versions = Mapping[int, int]  # asset → version


def write_validities(chain: AssetChain, seq: int, end: int | None, old: Versions, new: Versions) -> None:
    """Have `new` in force in `[seq, end)` where `old` was; both hold only what differs between them."""
    whole, rest = [], []
    for chunk in chunks(list(old)):
        for row in Validity.objects.at(chain, seq).filter(asset_id__in=chunk):
            # What it replaces may go on after the next recorded set.
            goes_on_from = end if end is not None and (row.until is None or row.until > end) else None
            if row.since < seq:
                whole.append(row.pk)
                if goes_on_from is not None:
                    rest.append(_from(row, goes_on_from))
            elif goes_on_from is not None:
                Validity.objects.filter(pk=row.pk).update(since=goes_on_from)
            else:
                row.delete()
    for piece in chunks(whole):
        Validity.objects.filter(pk__in=piece).update(until=seq)
    rest += [
        Validity(chain=chain, asset_id=asset_id, version_id=version_id, since=seq, until=end)
        for asset_id, version_id in new.items()
    ]
    Validity.objects.bulk_create(rest, batch_size=2000)


def _from(row: Validity, since: int) -> Validity:
    return Validity(
        chain_id=row.chain_id, asset_id=row.asset_id, version_id=row.version_id, since=since, until=row.until
    )


class Step(NamedTuple):
    """From one recorded set to the next, and in whose eyes. `old` and `new` hold only what differs."""

    deploy: Deploy
    seq: int
    old: Versions
    new: Versions
    sights: Collection[Sight]


def write_changes(step: Step, ignored: Collection[str]) -> dict[int, Difference]:
    """Write what changed in this step; answer how what is on both sides did."""
    deploy, seq, old, new, sights = step
    both = {asset_id: (old[asset_id], new[asset_id]) for asset_id in old.keys() & new.keys()}
    prints: dict[int, Prints] = prints_of_versions({pk for pair in both.values() for pk in pair})
    found = differences(both.values(), prints, ignored, sights)
    steps = []
    for asset_id in sorted(old.keys() | new.keys()):
        before, after = old.get(asset_id), new.get(asset_id)
        if before is not None and after is not None:
            difference = found[before, after]
            kind = ChangeKind.CHANGED
            # Two versions that cannot be told apart in any eyes that saw both: no change that anybody could name.
            if not difference.change_types:
                continue
        else:
            difference = Difference([], Sight.COMMON)
            kind = ChangeKind.REMOVED if after is None else ChangeKind.ADDED
        steps.append(
            AssetChange(
                deploy=deploy,
                asset_id=asset_id,
                live_seq=seq,
                kind=kind,
                change_types=_spaced(difference.change_types),
                sight=difference.sight,
                before_id=before,
                after_id=after,
            )
        )
    AssetChange.objects.bulk_create(steps, batch_size=2000)
    return {asset_id: found[pair] for asset_id, pair in both.items()}


def forget_changes(chain: AssetChain, seq: int, assets: Collection[int]) -> None:
    """Take back what was said to have changed there in these assets."""
    for chunk in chunks(assets):
        AssetChange.objects.filter(asset_id__in=chunk, live_seq=seq).delete()


def forget_all_changes(chain: AssetChain, deploy: Deploy) -> None:
    """Take back all that the deploy was said to have changed."""
    AssetChange.objects.filter(deploy=deploy, asset__chain=chain).delete()


def count(written: AssetSet) -> None:
    """Count the set's changes anew, and tell its deploy."""
    # Sets of two worlds are added up: whoever comes second must see the first. Rows that name the deploy, as those of
    # rollbacks do, need not wait for it.
    Deploy.objects.select_for_update(no_key=True).filter(pk=written.deploy_id).values_list("pk").get()
    kinds = AssetChange.objects.filter(deploy_id=written.deploy_id, asset__chain_id=written.chain_id)
    found = [kinds.filter(kind=kind).count() for kind in (ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED)]
    written.added, written.removed, written.changed = found
    written.save(update_fields=["added", "removed", "changed"])
    sets = AssetSet.objects.filter(deploy_id=written.deploy_id)
    names = ("added", "removed", "changed")
    totals = {name: sum(each) for name, each in zip(names, zip(*sets.values_list(*names), strict=True), strict=True)}
    Deploy.objects.filter(pk=written.deploy_id).update(asset_counts=totals)


def mark_changed(assets: Collection[int]) -> None:
    """Write down when each of these assets changed last."""
    for chunk in chunks(assets):
        rows = AssetChange.objects.filter(asset_id__in=chunk).values_list("asset_id").annotate(last=Max("live_seq"))
        last_of = dict.fromkeys(chunk, 0) | dict(rows)
        by_seq: dict[int, list[int]] = {}
        for asset_id, last in last_of.items():
            by_seq.setdefault(last, []).append(asset_id)
        for last, ids in by_seq.items():
            Asset.objects.filter(pk__in=ids).update(changed_seq=last)


def _spaced(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else ""
