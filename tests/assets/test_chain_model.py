"""Whatever is recorded, in whatever order it arrives, the chain …

A small model keeps the definitions that were said of each deploy; the product says what it made of them.
"""

import uuid
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assets.bodies import opened
from assets.definitions.differ import diff
from assets.definitions.normal import Definition
from assets.definitions.sights import common
from assets.models import Asset, AssetChange, AssetDependency, AssetSet, AssetVersion, Validity
from assets.recording import AlreadyRecorded
from assets.recording.sets import record_known
from assets.states import ChangeKind, Sight, Source
from deployments.models import Deploy
from tests.assets.sets import asset, changes_of, define, everything, record, row_of_history, rows_of
from tests.factories import make_deployment, make_location, make_organization, noon

pytestmark = [pytest.mark.django_db, pytest.mark.services]

KEYS = ("a", "b", "c/d", "e")
DAILY = {"type": "time_window", "cron_schedule": "0 0 * * *", "start": 1704067200.0, "timezone": "UTC"}
# Of the first two, a platform tells the same.
EXACT = {
    "daily": DAILY,
    "daily, ending": DAILY | {"end": 1735689600.0},
    "hourly": DAILY | {"cron_schedule": "0 * * * *"},
}
TOLD = {name: {"type": "time_window", "description": name.partition(",")[0]} for name in EXACT}

Said = dict[str, Definition]


class Variant(NamedTuple):
    """One of the few definitions that an asset may have."""

    code_version: str
    partitions: str | None
    upstream: str | None
    group: str | None
    tier: str | None

    def entry(self, key: str, *, exact: bool) -> dict[str, Any]:
        """Answer it as an entry of a snapshot: as CI has it, or as a platform tells it."""
        return asset(
            key,
            code_version=self.code_version,
            partitions_def=(EXACT if exact else TOLD)[self.partitions] if self.partitions else None,
            deps=[{"key": [self.upstream]}] if self.upstream else [],
            group=self.group,
            kinds=["dbt"] if self.tier == "gold" else [],
            tags={"tier": self.tier} if self.tier else {},
        )


class Recorded(NamedTuple):
    """What the model knows of a recorded deploy. `exact`: as CI has it."""

    source: Source
    exact: bool
    entries: dict[str, Variant]

    @property
    def said(self) -> Said:
        """Answer the definitions of all entries."""
        return define(*(variant.entry(key, exact=self.exact) for key, variant in self.entries.items()))


variants = st.builds(
    Variant,
    st.sampled_from("12"),
    st.sampled_from([None, *EXACT]),
    st.sampled_from([None, "x"]),
    st.sampled_from([None, "core"]),
    st.sampled_from([None, "gold"]),
)
# Most assets stay as they are: the first variant is what most of them have.
code = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.just(Variant("1", "daily", None, None, None)), variants))
anywhere = st.floats(0, 1, exclude_max=True)


class Chain(RuleBasedStateMachine):
    """One code location whose deploys go live in order, and all that is said of them in any order."""

    @initialize()
    def begin(self) -> None:
        """Make the place, in a transaction that nobody else sees."""
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.location = make_location(make_deployment(make_organization(f"o-{uuid.uuid4().hex[:12]}")))
        self.live: dict[int, Deploy] = {}
        self.recorded: dict[int, Recorded] = {}
        for _ in range(3):
            self.a_deploy_goes_live()

    def teardown(self) -> None:
        """Leave no row behind."""
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    @rule()
    def a_deploy_goes_live(self) -> None:
        """Have one more deploy at the end."""
        deploy = row_of_history(self.location)
        self.live[int(deploy.live_seq or 0)] = deploy

    @rule(where=anywhere, entries=code)
    def ci_sends(self, where: float, entries: dict[str, Variant]) -> None:
        """Send a snapshot: it takes the place of whatever is not another snapshot."""
        seq = self.place(where)
        here, before = self.recorded.get(seq), everything()
        if here is not None and here.source == Source.PLATFORM:
            # Both look at the same code: they may know different assets, and do not contradict each other.
            entries = {key: here.entries.get(key, variant) for key, variant in entries.items()}
        sent = Recorded(Source.SNAPSHOT, True, entries)
        if here is None or here.source != Source.SNAPSHOT:
            record(self.live[seq], sent.said)
            self.recorded[seq] = sent
        elif here.entries == entries:
            record(self.live[seq], sent.said)
            assert everything() == before
        else:
            with pytest.raises(AlreadyRecorded) as refused:
                record(self.live[seq], sent.said)
            assert (refused.value.code, everything()) == ("already_recorded", before)

    @precondition(lambda self: self.recorded)
    @rule(where=anywhere)
    def the_same_is_recorded_again(self, where: float) -> None:
        """Record what was recorded: nothing changes."""
        seq = self.recorded_place(where)
        here, before = self.recorded[seq], everything()
        if here.source != Source.KNOWN:
            record(self.live[seq], here.said, source=here.source)
        assert everything() == before

    @rule(where=anywhere, entries=code)
    def the_platform_tells(self, where: float, entries: dict[str, Variant]) -> None:
        """Read a platform: it says more than what was only known, and less than CI."""
        seq, told = self.place(where), Recorded(Source.PLATFORM, False, entries)
        here, before = self.recorded.get(seq), everything()
        record(self.live[seq], told.said, source=Source.PLATFORM)
        if here is None or here.source == Source.KNOWN:
            self.recorded[seq] = told
        else:
            assert everything() == before

    @precondition(lambda self: self.recorded)
    @rule(where=anywhere, there=anywhere)
    def a_rollback_is_known(self, where: float, there: float) -> None:
        """Record that a deploy defines what another one did."""
        seq, restored = self.place(where), self.recorded_place(there)
        if seq == restored:
            return
        known = AssetSet.objects.get(deploy=self.live[restored])
        record_known(self.live[seq], known, now=noon())
        if seq not in self.recorded:
            self.recorded[seq] = self.recorded[restored]._replace(source=Source.KNOWN)

    def place(self, where: float) -> int:
        """Choose a deploy."""
        return sorted(self.live)[int(where * len(self.live))]

    def recorded_place(self, where: float) -> int:
        """Choose a deploy that something was recorded of."""
        return sorted(self.recorded)[int(where * len(self.recorded))]

    @precondition(lambda self: self.recorded)
    @rule(where=anywhere, there=anywhere)
    def a_rollback_is_told(self, where: float, there: float) -> None:
        """Read a platform after a rollback: what it cannot show comes back too, where the rest looks the same."""
        seq, restored = self.place(where), self.recorded_place(there)
        told = Recorded(Source.PLATFORM, False, self.recorded[restored].entries)
        if seq == restored or (seq in self.recorded and self.recorded[seq].source != Source.KNOWN):
            return
        brought_back = {
            key: version.pk
            for key, version in versions_at(self.location, restored).items()
            if not version.read or opened(version.read) == told.said[key]
        }
        record(
            self.live[seq], told.said, source=Source.PLATFORM, restored=AssetSet.objects.get(deploy=self.live[restored])
        )
        self.recorded[seq] = told
        assert (
            brought_back.items()
            <= {key: version.pk for key, version in versions_at(self.location, seq).items()}.items()
        )

    @invariant()
    def holds_at_every_recorded_deploy_what_was_said_of_it(self) -> None:
        """Compare the versions in force with the model."""
        for seq, here in self.recorded.items():
            in_force = {key: definition(version, here) for key, version in versions_at(self.location, seq).items()}
            assert in_force == here.said, seq

    @invariant()
    def goes_on_from_one_recorded_deploy_to_the_next(self) -> None:
        """Compare what is in force between them."""
        last: dict[str, Any] = {}
        for seq in sorted(self.live):
            found = {key: version.pk for key, version in versions_at(self.location, seq).items()}
            assert seq in self.recorded or found == last, seq
            last = found

    @invariant()
    def has_one_version_of_an_asset_at_a_time(self) -> None:
        """Look for validities that overlap, or begin or end where nothing was recorded."""
        by_asset: dict[int, list[tuple[int, int | None]]] = {}
        for validity in rows_of(self.location, Validity).order_by("since"):
            by_asset.setdefault(validity.asset_id, []).append((validity.since, validity.until))
        for spans in by_asset.values():
            assert {end for span in spans for end in span} <= {*self.recorded, None}
            for (_, until), (since, _) in pairwise(spans):
                assert until is not None
                assert until <= since

    @invariant()
    def says_of_each_deploy_what_differs_from_the_one_recorded_before(self) -> None:
        """Compare the changes with the differ's."""
        before = Recorded(Source.SNAPSHOT, True, {})
        for seq in sorted(self.recorded):
            here = self.recorded[seq]
            told = changes_of(self.live[seq])
            if before.source == here.source == Source.SNAPSHOT:
                assert told == words_of(before.said, here.said), seq
            else:
                shared = words_of(*(shown_to_all(each.said) for each in (before, here)))
                assert but_partitions(told) == but_partitions(shared), seq
            if before.source == here.source == Source.PLATFORM:
                seen = words_of(before.said, here.said)
                read = AssetChange.objects.filter(deploy=self.live[seq], sight=Sight.READ, kind=ChangeKind.CHANGED)
                for key in read.values_list("asset__key", flat=True):
                    assert told[key] == seen[key], seq
            before = here

    @invariant()
    def counts_what_it_says(self) -> None:
        """Compare the counts."""
        previous = None
        for seq in sorted(self.live):
            found = AssetSet.objects.filter(deploy=self.live[seq]).first()
            counts = Deploy.objects.get(pk=self.live[seq].pk).asset_counts
            if seq not in self.recorded:
                assert (found, counts) == (None, None)
                continue
            assert found is not None
            kinds = [words.partition(" ")[0].lower() for words in changes_of(self.live[seq]).values()]
            assert counts == {word: kinds.count(word) for word in ("added", "removed", "changed")}
            assert counts == {"added": found.added, "removed": found.removed, "changed": found.changed}
            assert (found.source, found.asset_count) == (self.recorded[seq].source, len(self.recorded[seq].said))
            assert found.follows_id == previous
            previous = found.pk

    @invariant()
    def shows_the_newest_set_as_what_there_is(self) -> None:
        """Compare the rows for lists with what is in force at the newest recorded deploy."""
        if not self.recorded:
            return
        newest = max(self.recorded)
        said = self.recorded[newest].said
        in_force = {key: version.pk for key, version in versions_at(self.location, newest).items()}
        steps = dict(
            AssetChange.objects.filter(asset__code_location=self.location)
            .order_by("live_seq")
            .values_list("asset__key", "live_seq")
        )
        for row in Asset.objects.filter(code_location=self.location):
            assert row.current_id == in_force.get(row.key), row.key
            assert row.changed_seq == steps.get(row.key, 0), row.key
            if row.key in said:
                assert (row.group, row.kinds.split()) == (said[row.key]["group"] or "", said[row.key]["kinds"])
        edges = AssetDependency.objects.filter(code_location=self.location).values_list("asset__key", "upstream_key")
        assert set(edges) == {(key, "/".join(dep["key"])) for key, each in said.items() for dep in each["deps"]}


def versions_at(location: Any, seq: int) -> dict[str, AssetVersion]:
    """Answer the versions in force there."""
    rows = rows_of(location, Validity).filter(since__lte=seq).exclude(until__lte=seq)
    found = [(row.asset.key, row.version) for row in rows.select_related("asset", "version")]
    assert len(dict(found)) == len(found)
    return dict(found)


def definition(version: AssetVersion, here: Recorded) -> Definition:
    """Answer the definition in the eyes of who said it."""
    return opened(version.sent if here.exact else version.read)


def shown_to_all(said: Said) -> Said:
    """Answer what every source can see."""
    return {key: common(each) for key, each in said.items()}


def but_partitions(told: dict[str, str]) -> dict[str, str]:
    """Leave partitions out: whoever told them may be one who cannot see all of them, and CI may have told the rest."""
    bare = {key: words.replace(" PARTITIONS_DEFINITION", "").replace(" OTHER", "") for key, words in told.items()}
    return {key: words for key, words in bare.items() if words != "CHANGED"}


def words_of(old: Said, new: Said) -> dict[str, str]:
    """Answer what the differ finds, as `changes_of` tells it."""
    found = diff(old, new)
    return {
        **dict.fromkeys(found.added, "ADDED"),
        **dict.fromkeys(found.removed, "REMOVED"),
        **{key: f"CHANGED {' '.join(change.change_types)}" for key, change in found.changed.items()},
    }


def test_is_what_was_said():
    run_state_machine_as_test(
        Chain,
        settings=settings(
            max_examples=20,
            stateful_step_count=16,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # so many steps are few enough to read
            suppress_health_check=list(HealthCheck),
        ),
    )
