"""Whatever happens before it, a purge …

A small model says from the plain rows of history what must be kept; the product says what it kept.
"""

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from deployments import drivers, execution, operations, retention
from deployments.bundles.store import BlobOpener
from deployments.execution.claiming import claim
from deployments.last_known_good import last_known_good
from deployments.models import Blame, CodeLocation, Deploy, Hold, Release
from portal.common.problems import Refusal
from tests.factories import make_deployment, make_location, make_organization, superuser
from tests.operations.asking import in_place, push_parts
from tests.operations.scripted_platform import FAILED, ScriptedPlatform, Served
from tests.retention.days import day, files

pytestmark = [pytest.mark.django_db, pytest.mark.services]

DAYS = 10
CONTENTS = "abcd"
OFTEN = st.sampled_from([True, True, True, False])
# What a verb may say no with: the model does not foresee refusals, it looks at what was done.
EXPECTED = {
    "blocked",
    "busy",
    "no_last_good",
    "never_placed",
    "artifact_gone",
    "already_placed",
    "already_finished",
    "held",
    "not_held",
    "pinned",
    "not_pinned",
}


class Following(ScriptedPlatform):
    """A Dagster that serves what was put in place last, unless it is told to fail."""

    failing = False
    loads = 0

    def reload(self, location: str) -> bool:
        """Load, or fail to."""
        self.loads += 1
        self.reloads = [FAILED if self.failing else Served(f"server-{self.loads}", self.loads)]
        return super().reload(location)


class History(RuleBasedStateMachine):
    """One code location, its clock, and all that people do to it."""

    @initialize(platform=st.booleans())
    def begin(self, platform: bool) -> None:
        """Make the place, in a transaction that nobody else sees."""
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.now = day(0)
        self.platform = Following() if platform else None
        self.actor = superuser()
        connected = {"platform": "dagster", "platform_url": "http://127.0.0.1:3000"} if platform else {}
        organization = make_organization(f"o-{uuid.uuid4().hex[:12]}")
        self.location = make_location(make_deployment(organization, retention_days=DAYS, **connected))
        self.really = drivers.platform_for
        drivers.platform_for = lambda location: self.platform
        for content in "abc":
            self.somebody_pushes(content, failing=False, at_once=True)
            self.now += timedelta(days=1)

    def teardown(self) -> None:
        """Undo everything."""
        if hasattr(self, "outer"):
            try:
                self.the_schedule_purges(days=400)
            finally:
                self.undo()

    def undo(self) -> None:
        """Leave no row behind."""
        drivers.platform_for = self.really
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    def ask(self, verb: Any, **said: Any) -> Any:
        """Ask for it; None when it is refused for a reason that we know."""
        try:
            return verb(actor=self.actor, now=self.now, **said)
        except Refusal as refused:
            if refused.code not in EXPECTED:
                raise
            return None

    def work(self) -> None:
        """Carry out what waits, a worker's way."""
        for rollbacks in (True, False):
            for due in due_here(self.location, rollbacks=rollbacks):
                execution.carry_out(due.pk, clock=lambda: self.now)

    @rule(content=st.sampled_from(CONTENTS), failing=st.booleans(), at_once=OFTEN)
    def somebody_pushes(self, content: str, failing: bool, at_once: bool) -> None:
        """Push, and perhaps carry out; the platform may fail to load it."""
        self.ask(lambda actor, now: push_parts(self.location, bundles={"dags": files(content)}, actor=actor, now=now))
        if at_once:
            if self.platform:
                self.platform.failing = failing
            self.work()
            if self.platform:
                self.platform.failing = False

    @rule()
    def workers_work(self) -> None:
        """Carry out what waits."""
        self.work()

    @rule()
    def a_worker_begins_and_dies(self) -> None:
        """Claim what waits, and do nothing more."""
        for due in due_here(self.location, rollbacks=False):
            claim(due.pk, now=self.now)
        self.location.deploys.running().update(lease_owner="", lease_expires_at=None)

    @rule(to=st.one_of(st.just("last-good"), st.integers(1, 6)), at_once=OFTEN)
    def somebody_rolls_back(self, to: Any, at_once: bool) -> None:
        """Ask for a rollback, and perhaps carry it out."""
        if to != "last-good" and not self.location.deploys.filter(number=to).exists():
            return
        asked = self.ask(operations.request_rollback, location=self.location, to=to, description="Bad.")
        if asked and at_once:
            self.work()

    @rule(number=st.integers(4, 8))
    def somebody_cancels(self, number: int) -> None:
        """Cancel, if it is there and not ended."""
        for deploy in self.location.deploys.filter(number=number):
            self.ask(operations.cancel, deploy=deploy)

    @rule()
    def somebody_holds_or_resumes(self) -> None:
        """Hold, or let go."""
        if Hold.objects.filter(code_location=self.location, released_at=None).exists():
            self.ask(operations.resume, location=self.location)
        else:
            self.ask(operations.hold, location=self.location, reason="Month end.")

    @rule(number=st.integers(1, 6))
    def somebody_pins_or_unpins(self, number: int) -> None:
        """Pin the release of a deploy, or unpin it."""
        for release in Release.objects.filter(code_location=self.location, deploys__number=number).distinct():
            verb = operations.pinning.unpin if release.pinned_at else operations.pinning.pin
            self.ask(verb, release=release)

    @rule(days=st.sampled_from([0.04, 1, DAYS - 0.01, DAYS, DAYS + 1, 90]))
    def the_schedule_purges(self, days: float) -> None:
        """Purge when so much time has passed, and compare what is left with the model."""
        self.now += timedelta(days=days)
        before = set(self.releases().filter(purged_at=None).values_list("pk", flat=True))
        needed = self.needed() & before

        dry = retention.purge(now=self.now, dry_run=True)
        assert before == set(self.releases().filter(purged_at=None).values_list("pk", flat=True))
        retention.purge(now=self.now)

        kept = set(self.releases().filter(purged_at=None).values_list("pk", flat=True))
        assert kept == needed
        mine = [judged for place, judged in dry.judged if place == str(self.location)]
        assert {judged.release.pk for judged in mine if judged.kept_because} == kept
        self.bytes_are_right(kept)

    def releases(self) -> Any:
        """Answer the location's releases."""
        return Release.objects.filter(code_location=self.location)

    def needed(self) -> set[int]:
        """Say, from plain rows, which releases must be kept."""
        now = CodeLocation.objects.get(pk=self.location.pk)
        rows = list(Deploy.objects.filter(code_location=now).order_by("number").values())
        by_pk = {row["id"]: row for row in rows}
        live = by_pk.get(now.live_deploy_id)
        named = [now.live_deploy_id, now.placed_deploy_id, now.wanted_deploy_id, live and live["previous_id"]]
        needed = {by_pk[pk]["release_id"] for pk in named if pk}
        composed = [row for row in rows if row["release_id"]]
        needed |= {row["release_id"] for row in composed[-1:]}
        needed |= {row["release_id"] for row in composed if row["status"] in {"HELD", "QUEUED", "RUNNING"}}
        needed |= set(self.releases().filter(pinned_at__isnull=False).values_list("pk", flat=True))
        needed |= self.last_good(rows, by_pk.get(now.placed_deploy_id))
        return needed | self.recent(composed)

    def last_good(self, rows: list[dict[str, Any]], placed: dict[str, Any] | None) -> set[int]:
        """Say which release a rollback to the last known good would restore; the product must say the same."""
        blamed = set(
            Blame.objects.filter(code_location=self.location, lifted_at=None).values_list("code_digest", flat=True)
        )
        releases = {release.pk: release for release in self.releases()}
        good = [
            row
            for row in rows
            if row["status"] == "SUCCEEDED"
            and (row["verified"] or (row["verified"] is None and not row["platform_asked"]))
            and releases[row["release_id"]].purged_at is None
            and releases[row["release_id"]].code_digest not in blamed
            and not (placed and placed["release_id"] == row["release_id"])
        ]
        newest = max(good, key=lambda row: row["live_seq"], default=None)
        found = last_known_good(CodeLocation.objects.get(pk=self.location.pk))
        assert (found and found.pk) == (newest and newest["id"])
        return {newest["release_id"]} if newest else set()

    def recent(self, composed: list[dict[str, Any]]) -> set[int]:
        """Say which releases were live, or asked for, less than the days ago."""
        went_live = sorted((row for row in composed if row["live_seq"]), key=lambda row: row["live_seq"])
        uses = defaultdict(list)
        for row in composed:
            uses[row["release_id"]].append(row["created_at"])
        for position, row in enumerate(went_live):
            after = went_live[position + 1 : position + 2]
            uses[row["release_id"]].append(after[0]["finished_at"] if after else self.now)
        return {release for release, times in uses.items() if max(times) > self.now - timedelta(days=DAYS)}

    def bytes_are_right(self, kept: set[int]) -> None:
        """Read every file of what is kept, and what the target holds."""
        wanted = {content: files(content)["a.py"] for content in CONTENTS}
        for release in Release.objects.filter(pk__in=kept):
            [mounted] = release.mounts.all()
            sha256 = mounted.bundle.files.values_list("blob__sha256", flat=True).get()
            with BlobOpener([sha256])(sha256) as stored:
                assert stored.read() in wanted.values()
        if CodeLocation.objects.get(pk=self.location.pk).placed_deploy_id:
            assert in_place(self.location)["dags/a.py"] in wanted.values()


def test_takes_what_no_rule_keeps_and_never_more():
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # fifteen steps are few enough to read
            suppress_health_check=list(HealthCheck),
        ),
    )


def due_here(location: CodeLocation, *, rollbacks: bool) -> list[Deploy]:
    """Answer what is due in this code location."""
    return [due for due in execution.due_deploys(rollbacks=rollbacks) if due.code_location_id == location.pk]
