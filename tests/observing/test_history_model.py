"""Whatever people, CI and webservers do, the history that writes itself …

A tiny model says from what was served what the next look must write; the product says what it wrote.
"""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from deployments import composition, drivers, execution, history
from deployments.last_known_good import last_known_good
from deployments.models import CodeLocation, Deploy, Hold, Incident, Load, LoadRun
from deployments.platforms.base import PlatformRefused
from deployments.states import DeployKind, DeployStatus
from portal.common.problems import Refusal
from tests.factories import make_organization
from tests.observing.dagster import Dagster, error
from tests.observing.world import World
from tests.operations.asking import FOUR, ONE, THREE, TWO, cancel, in_place
from tests.operations.scripted_platform import DIGEST

pytestmark = [pytest.mark.django_db, pytest.mark.services]

CONTENTS = {1: ONE, 2: TWO, 3: THREE, 4: FOUR}
# What is only ever loaded by hand.
EDITED = (7, 8)
EXPECTED = {"blocked", "busy", "no_last_good", "never_placed", "already_placed", "already_finished", "not_kept"}
SAME_LOAD = timedelta(seconds=30)


class Following(Dagster):
    """A Dagster that loads what is in place, unless it is told otherwise. `ends` is how the next reload of ours ends."""

    world: World
    ends = "loads"

    def reload(self, location: str) -> bool:
        """Load what our target holds, fail to, take long, or refuse."""
        if self.ends == "refuses":
            raise PlatformRefused("reload_refused", "Read-only.")
        number = self.in_place()
        why = error(f"release {number} is broken") if self.ends == "fails" else None
        self.will_load(number, error=why, loading=self.ends == "sticks")
        return super().reload(location)

    def in_place(self) -> int:
        """Answer the definitions of the files that our target holds; the first ones while it holds none."""
        held = in_place(self.world.location()).get("dags/a.py", ONE["a.py"])
        return next(number for number, files in CONTENTS.items() if files["a.py"] == held)


def token(served: Any) -> str:
    """Answer what a load is known by: its definitions, or its error."""
    return served.error.chain[-1]["message"] if served.error else DIGEST(served.digest)


def token_of(load: Load) -> str:
    """Answer the same of a load that was written down."""
    return load.definitions_digest if load.ok else load.error["chain"][-1]["message"]


class History(RuleBasedStateMachine):
    """One code location, pushed to by CI, loaded by hand, and looked at now and then."""

    @initialize()
    def begin(self) -> None:
        """Make the place, in a transaction that nobody else sees."""
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.dagster = Following()
        self.world = World(self.dagster, organization=make_organization(f"o-{uuid.uuid4().hex[:12]}"))
        self.dagster.world = self.world
        self.really = drivers.platform_for, drivers.platform_of
        drivers.platform_for = drivers.platform_of = lambda place: self.dagster
        self.a_look()

    def teardown(self) -> None:
        """Look once more, and leave no row behind."""
        if hasattr(self, "outer"):
            try:
                self.what_is_stuck_ends("times out")
                self.a_look()
            finally:
                drivers.platform_for, drivers.platform_of = self.really
                transaction.set_rollback(True)
                self.outer.__exit__(None, None, None)

    def running(self) -> Deploy | None:
        """Answer the deploy that is under way."""
        return self.world.location().deploys.running().first()

    def deploys_made(self) -> int:
        """Answer how many deploys there are."""
        return Deploy.objects.filter(code_location__deployment=self.world.deployment).count()

    def work(self, ends: str) -> None:
        """Carry out what waits, a worker's way; its reload ends so."""
        self.dagster.ends = ends
        for rollbacks in (True, False):
            for due in execution.due_deploys(rollbacks=rollbacks):
                if due.code_location_id == self.world.location().pk and due != self.running():
                    self.world.carry_out(due)
        self.dagster.ends = "loads"

    def ask(self, act: Any) -> Any:
        """Do it; None when it is refused for a reason that we know."""
        try:
            return act()
        except Refusal as refused:
            if refused.code not in EXPECTED:
                raise
            return None

    @rule(
        number=st.sampled_from([1, 2, 3, 4]), ends=st.sampled_from(["loads", "loads", "fails", "sticks", "refuses", ""])
    )
    def somebody_pushes(self, number: int, ends: str) -> None:
        """Push, and perhaps carry out."""
        self.ask(lambda: self.world.push(CONTENTS[number]))
        if ends:
            self.work(ends)

    @rule(
        to=st.one_of(st.just("last-good"), st.integers(1, 8)),
        ends=st.sampled_from(["loads", "loads", "fails", "sticks"]),
    )
    def somebody_rolls_back(self, to: int | str, ends: str) -> None:
        """Roll back, and carry it out."""
        if to == "last-good" or self.world.location().deploys.filter(number=to).exists():
            self.dagster.ends = ends
            self.ask(lambda: self.world.roll_back(to))
            self.dagster.ends = "loads"

    @rule()
    def somebody_resumes(self) -> None:
        """Let what is held go."""
        if Hold.objects.filter(code_location=self.world.location(), released_at=None).exists():
            self.world.resume()

    @rule(number=st.integers(1, 8))
    def somebody_cancels(self, number: int) -> None:
        """Cancel, if it is there."""
        for deploy in self.world.location().deploys.filter(number=number):
            self.ask(lambda deploy=deploy: cancel(deploy))

    @rule(how=st.sampled_from(["loads", "times out"]))
    def what_is_stuck_ends(self, how: str) -> None:
        """Have Dagster come to an end with what it loads, or a deploy's patience."""
        stuck = self.running()
        if stuck is None:
            return
        if how == "loads":
            self.dagster.load(self.dagster.in_place())
        else:
            self.world.passes(seconds=django_settings.LASTGOOD_RELOAD_PATIENCE.total_seconds() + 1)
        ended = self.world.carry_out(stuck)
        if ended.status == DeployStatus.RUNNING:
            self.world.passes(seconds=django_settings.LASTGOOD_RELOAD_PATIENCE.total_seconds() + 1)
            self.world.carry_out(stuck)

    @rule(what=st.sampled_from(["the same", "in place", "broken", *EDITED]), seen=st.booleans())
    def somebody_loads_by_hand(self, what: int | str, seen: bool) -> None:
        """Press "Reload", having edited what is there, or not; perhaps the next load comes before a look."""
        served = self.dagster.serves
        if what == "the same":
            self.dagster.load(served.digest, error=served.error)
        elif what == "broken":
            self.dagster.load(served.digest, error=error("invalid syntax"))
        else:
            self.dagster.load(self.dagster.in_place() if what == "in place" else int(what))
        if seen:
            self.a_look()

    @rule()
    def it_breaks_and_is_mended(self) -> None:
        """Load an error, and then what was there before it, each seen."""
        before = self.dagster.serves
        self.somebody_loads_by_hand("broken", seen=True)
        self.dagster.load(before.digest, error=before.error)
        self.a_look()

    @rule()
    def the_webserver_restarts(self) -> None:
        """Load all anew."""
        self.dagster.restart()

    @rule(seconds=st.sampled_from([1, 20, 45, 3600]))
    def time_passes(self, seconds: int) -> None:
        """Wait."""
        self.world.passes(seconds=seconds)

    @rule()
    def a_look(self) -> None:
        """Look, and compare what was written with what must be."""
        place = self.world.location()
        before, last = Load.objects.count(), place.last_load
        deploys, busy, served = self.deploys_made(), self.running(), self.dagster.serves
        live, placed = place.live_deploy, place.placed_deploy
        known = {token_of(load) for load in live.loads.filter(ok=True).defer("raw")} if live else set()
        unheard = placed is not None and not placed.loads.exists()
        self.world.poll()
        written, made = Load.objects.count() - before, self.deploys_made() - deploys

        moved = not served.loading and (last is None or last.version_key != served.version_key)
        if busy or not moved:
            assert (written, made) == (0, 0)
            return
        after = self.world.location()
        now = after.last_load
        assert (now.version_key, token_of(now), now.ok) == (served.version_key, token(served), not served.error)
        same = last is not None and token_of(last) == token(served)
        assert written == (0 if same and self.world.now - last.reported_at <= SAME_LOAD else 1)
        if same or (now.ok and token(served) in known):
            assert made == 0
        else:
            assert made == (0 if unheard and now.deploy == placed else 1)
        if written:
            assert now.again == (same or (made == 0 and now.ok))
        self.what_is_served_is_live(now, after.live_deploy)

    def what_is_served_is_live(self, now: Load, live: Deploy | None) -> None:
        """Say that the live deploy is one of which this very code was seen, and that failures left it alone."""
        if now.ok and (now.deploy.status == DeployStatus.SUCCEEDED):
            assert now.deploy == live
        if not now.ok:
            assert now.deploy.status in {DeployStatus.FAILED, DeployStatus.ERRORED}

    @invariant()
    def all_is_well(self) -> None:
        """Look at everything once, after each step."""
        place, deploys, loads = self.world.location(), self.world.deploys(), self.world.loads()
        self.numbers_have_no_gaps(place, deploys)
        self.runs_hold_every_row_once(place, deploys, loads)
        self.the_last_good_is_told_alike(place)
        self.pushes_are_laid_over_files_that_we_know(place)
        self.an_incident_lasts_while_the_last_load_failed(place)
        self.observed_deploys_are_nobodys(deploys, loads)

    def numbers_have_no_gaps(self, place: CodeLocation, deploys: list[Deploy]) -> None:
        """Number deploys, and what went live, one after another; the newest live one is live."""
        assert [deploy.number for deploy in deploys] == list(range(1, place.next_number))
        went_live = sorted(filter(None, (deploy.live_seq for deploy in deploys)))
        assert went_live == list(range(1, place.next_live_seq))
        newest = max((deploy for deploy in deploys if deploy.live_seq), key=lambda row: row.live_seq, default=None)
        assert (place.live_deploy, place.live_deploy and place.live_deploy.status) == (newest, newest and "SUCCEEDED")

    def runs_hold_every_row_once(self, place: CodeLocation, deploys: list[Deploy], loads: list[Load]) -> None:
        """Count in runs what there is, of loads and of deploys."""
        assert len({load.version_key for load in loads}) == len(loads)
        runs = LoadRun.objects.filter(code_location=place)
        assert sum(run.count for run in runs) == len(loads)
        assert sum(entry.count for entry in self.world.history()) == len(loads)
        newest = {load.run_id: load.pk for load in loads}  # oldest first: the last one stays
        assert {run.pk: run.newest_id for run in runs} == newest
        ends = history.ends_of_runs(history.deploys_of(place))
        assert sum(end.number - end.run_began + 1 for end in ends) == len(deploys)

    def the_last_good_is_told_alike(self, place: CodeLocation) -> None:
        """Answer one last known good, by whichever question; it can be put in place, and is not what is there."""
        good = last_known_good(place)
        assert history.last_good_numbers([place]) == ({place.pk: good.number} if good else {})
        if good is not None:
            assert good.status == DeployStatus.SUCCEEDED
            assert not good.release.provisional
            assert place.served_deploy is None or good.release_id != place.served_deploy.release_id or self.running()

    def pushes_are_laid_over_files_that_we_know(self, place: CodeLocation) -> None:
        """Never compose on top of what nobody sent."""
        base = composition.base_of(place)
        assert base is None or not base.release.provisional

    def an_incident_lasts_while_the_last_load_failed(self, place: CodeLocation) -> None:
        """Tell once that it fails, and once that it is well again."""
        last = place.last_load
        opened = Incident.objects.filter(code_location=place, closed_at=None).count()
        assert opened == (0 if last is None or last.ok else 1)

    def observed_deploys_are_nobodys(self, deploys: list[Deploy], loads: list[Load]) -> None:
        """Give each observed deploy at least one load, and no person."""
        loaded = {load.deploy_id for load in loads}
        for deploy in deploys:
            if deploy.kind == DeployKind.OBSERVED:
                assert (deploy.actor_id, deploy.pk in loaded, deploy.is_finished) == (None, True, True)


def test_is_what_was_served():
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=14,
            stateful_step_count=14,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # fourteen steps are few enough to read
            suppress_health_check=list(HealthCheck),
        ),
    )
