"""One set at its place in the chain, whenever it arrives."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from assets.comparing import sights_of
from assets.models import AssetChain, AssetSet
from assets.recording import chains, current, matching, writing
from assets.recording.chains import InForce, Neighbours
from assets.recording.ignoring import obey
from assets.recording.matching import KeyClash, Matched
from assets.recording.observation import Observation, whole_digest
from assets.states import Sight, Source, World
from deployments import events
from deployments.models import Deploy
from deployments.states import EventLevel
from portal.common.problems import Refusal

__all__ = ["AlreadyRecorded", "KeyClash", "record", "record_known"]


@dataclass(frozen=True)
class Said:
    """Who said what a set holds."""

    source: Source
    digest: str
    platform_digest: str
    note: str = ""
    known_from_id: int | None = None


class AlreadyRecorded(Refusal):
    """Another snapshot was recorded for this deploy."""

    code = "already_recorded"


def record(
    deploy: Deploy,
    seen: Observation,
    *,
    now: datetime,
    restored: AssetSet | None = None,
    beside: Observation | None = None,
) -> AssetSet:
    """Record what a live deploy defines. Recording the same again changes nothing. Raises AlreadyRecorded, KeyClash.

    What a platform was read to serve gives way to what CI sends. `restored` is the set that a rollback brings back;
    `beside` is how the platform shows the same deploy: what it tells apart is not the same version.
    """
    seq = _seq(deploy)
    with transaction.atomic():
        chain = chains.lock_chain(deploy.code_location, seen.world)
        obey(chain, seen.ignored)
        around = chains.neighbours(chain, seq)
        if around.here is not None and not _gives_way(chain, around.here, seen, deploy):
            return around.here
        # What a rollback brings back may differ where the platform does not look.
        if restored in (None, around.previous) and _says_the_same(around, seen):
            # The platform's own digest, or that of every definition: nothing moved, and nothing is looked up.
            return _write_unchanged(chain, deploy, _said(seen), around, len(seen.digests), now)
        before = chains.in_force(chain, around.previous.live_seq, seen.sight) if around.previous else {}
        back = chains.in_force(chain, restored.live_seq, seen.sight) if restored else {}
        here = chains.in_force(chain, seq, seen.sight) if around.here else {}
        shown = beside.digests if beside else _shown_beside(around.here, here)
        matched = matching.match(
            chain, seen, deploy=deploy, before=before, here=here, restored=back, beside=shown, shown=beside
        )
        old = {known.asset_id: known.version_id for known in before.values()}
        return _write(chain, deploy, _said(seen), around, old, matched, now)


def record_known(deploy: Deploy, known: AssetSet, *, now: datetime) -> AssetSet:
    """Record that a live deploy defines what an earlier one of the same code did: nobody said anything newer."""
    seq = _seq(deploy)
    with transaction.atomic():
        chain = chains.lock_chain(deploy.code_location, World(known.chain.world))
        around = chains.neighbours(chain, seq)
        if around.here is not None:
            return around.here
        previous = around.previous
        old = chains.versions_in_force(chain, previous.live_seq) if previous else {}
        matched = Matched(versions=chains.versions_in_force(chain, known.live_seq))
        said = Said(Source.KNOWN, known.digest, known.platform_digest, known_from_id=known.deploy_id)
        return _write(chain, deploy, said, around, old, matched, now)


def record_unmoved(deploy: Deploy, platform_digest: str, ignored: list[str], *, now: datetime) -> AssetSet | None:
    """Record that the platform serves what it served after the deploy before, by its digest; None: it does not."""
    seq = _seq(deploy)
    with transaction.atomic():
        chain = chains.lock_chain(deploy.code_location, World.ASSETS)
        around = chains.neighbours(chain, seq)
        previous = around.previous
        if previous is None or previous.platform_digest != platform_digest or chain.ignored != sorted(ignored):
            return None
        if around.here is not None or around.following is not None:
            return None
        said = Said(Source.PLATFORM, previous.digest, platform_digest)
        return _write_unchanged(chain, deploy, said, around, previous.asset_count, now)


def learn(recorded: AssetSet, seen: Observation) -> None:
    """Remember how versions of a set that was sent look to the platform, and note where the two name other assets.

    Only versions that no platform had shown yet: what was seen once stays as it was seen, for it is history.
    """
    with transaction.atomic():
        chain = chains.lock_chain(recorded.chain.code_location, World(recorded.chain.world))
        if AssetSet.objects.filter(pk=recorded.pk, platform_digest=seen.platform_digest).exists():
            return
        there = chains.in_force(chain, recorded.live_seq, seen.sight)
        unseen = {key: known.version_id for key, known in there.items() if key in seen.digests and not known.digest}
        matching.teach(unseen, seen)
        note = _disagreement(there, seen)
        AssetSet.objects.filter(pk=recorded.pk).update(platform_digest=seen.platform_digest, note=note[:500])


def _disagreement(there: Mapping[str, InForce], seen: Observation) -> str:
    only_sent, only_read = sorted(there.keys() - seen.digests.keys()), sorted(seen.digests.keys() - there.keys())
    said = []
    if only_sent:
        said.append(f"the platform does not show {_some(only_sent)}")
    if only_read:
        said.append(f"the snapshot does not have {_some(only_read)}")
    return f"The snapshot and the platform disagree: {'; '.join(said)}." if said else ""


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"{', '.join(keys[:3])}{more}"


def _seq(deploy: Deploy) -> int:
    if deploy.live_seq is None:
        raise Refusal(f"#{deploy.number} did not go live: it is in no chain.", code="not_live")
    return deploy.live_seq


def _shown_beside(here: AssetSet | None, versions: Mapping[str, InForce]) -> dict[str, str]:
    """Answer how a set that was seen looks in the other sight; of one that is only known, nobody looked at this deploy."""
    if here is None or here.source == Source.KNOWN:
        return {}
    return {key: known.beside for key, known in versions.items() if known.beside}


def _gives_way(chain: AssetChain, here: AssetSet, seen: Observation, deploy: Deploy) -> bool:
    """Say whether what is recorded is to be replaced. Raises AlreadyRecorded when two snapshots differ."""
    if here.source == seen.source and _digest_of(chain, here, seen.sight) == seen.digest:
        return False
    if seen.source == Source.PLATFORM:
        return here.source == Source.KNOWN
    if here.source in {Source.SNAPSHOT, Source.DBT}:
        raise AlreadyRecorded(f"Another snapshot was recorded for #{deploy.number}: history is not written twice.")
    return True


def _digest_of(chain: AssetChain, here: AssetSet, sight: Sight) -> str:
    """Answer a set's digest: made anew when it was forgotten, because other labels are ignored since."""
    if here.digest:
        return here.digest
    return whole_digest({key: known.digest for key, known in chains.in_force(chain, here.live_seq, sight).items()})


def _says_the_same(around: Neighbours, seen: Observation) -> bool:
    previous = around.previous
    if previous is None or around.following is not None or around.here is not None:
        return False
    return previous.source == seen.source and previous.digest == seen.digest


def _said(seen: Observation) -> Said:
    return Said(seen.source, seen.digest, seen.platform_digest, seen.note[:500])


def _write_unchanged(
    chain: AssetChain, deploy: Deploy, said: Said, around: Neighbours, asset_count: int, now: datetime
) -> AssetSet:
    written = _set(chain, deploy, said, around, asset_count, now)
    writing.count(written)
    return written


def _write(
    chain: AssetChain,
    deploy: Deploy,
    said: Said,
    around: Neighbours,
    old: Mapping[int, int],
    matched: Matched,
    now: datetime,
) -> AssetSet:
    """Put the versions at the deploy's place: its changes, its validities, the next set's changes."""
    seq, end = _seq(deploy), around.following.live_seq if around.following else None
    new = matched.versions
    there = chains.versions_in_force(chain, seq) if around.here else old
    moved = _differing(there, new)
    # What was learned of a version tells more about the step to the next one too.
    anew = moved | matched.learned
    after = chains.some_in_force(chain, end, anew) if end is not None else {}
    if around.here is not None:
        writing.forget_all_changes(chain, deploy)
    writing.write_validities(chain, seq, end, _only(there, moved), _only(new, moved))
    stepped = _differing(old, new)
    sights = sights_of(said.source, around.previous.source if around.previous else said.source)
    step = writing.Step(deploy, seq, _only(old, stepped), _only(new, stepped), sights)
    found = writing.write_changes(step, chain.ignored)
    written = _set(chain, deploy, said, around, len(new), now)
    writing.count(written)
    if around.following is None:
        # What takes another set's place is compared with the set before both: how it differs from that one is unknown.
        told = found if around.here is None else {}
        current.refresh(chain, _only(there, moved), _only(new, moved), matched, told, seq)
    else:
        _compare_again(chain, around.following, written, anew, _only(new, anew), after, now)
    if around.here is not None or around.following is not None:
        writing.mark_changed(anew | stepped)
    return written


def _compare_again(
    chain: AssetChain,
    following: AssetSet,
    written: AssetSet,
    anew: set[int],
    old: Mapping[int, int],
    new: Mapping[int, int],
    now: datetime,
) -> None:
    """Say anew what the next recorded deploy changed, in the assets that something else is known of before it now."""
    writing.forget_changes(chain, following.live_seq, anew)
    stepped = _differing(old, new)
    sights = sights_of(written.source, following.source)
    step = writing.Step(following.deploy, following.live_seq, _only(old, stepped), _only(new, stepped), sights)
    writing.write_changes(step, chain.ignored)
    AssetSet.objects.filter(pk=following.pk).update(follows=written)
    writing.count(following)
    message = f"The assets of #{written.deploy.number} were recorded later: what this deploy changed was compared anew."
    events.record_step(following.deploy, "ASSETS", message, at=now, level=EventLevel.INFO)


def _set(
    chain: AssetChain, deploy: Deploy, said: Said, around: Neighbours, asset_count: int, now: datetime
) -> AssetSet:
    facts = {
        **asdict(said),
        "live_seq": _seq(deploy),
        "follows": around.previous,
        "asset_count": asset_count,
        "recorded_at": now,
    }
    return AssetSet.objects.update_or_create(chain=chain, deploy=deploy, defaults=facts)[0]


def _differing(old: Mapping[int, int], new: Mapping[int, int]) -> set[int]:
    return {asset_id for asset_id in old.keys() | new.keys() if old.get(asset_id) != new.get(asset_id)}


def _only(versions: Mapping[int, int], assets: set[int]) -> dict[int, int]:
    return {asset_id: versions[asset_id] for asset_id in assets & versions.keys()}
