"""What an Airflow, which reads files by itself, …"""

from dataclasses import replace
from datetime import timedelta

import pytest

from deployments import drivers
from deployments.models import CodeLocation, Deploy, Deployment
from deployments.platforms.base import Convergence, RunsInFlight
from deployments.states import DeployStatus
from tests.assets.sets import changes_of
from tests.factories import noon
from tests.observing.airflow import Airflow
from tests.observing.dagster import SYNTAX
from tests.observing.world import World, told
from tests.operations.asking import ONE, TWO, lines
from tests.settings.acting import set_up
from tests.settings.commands import command

pytestmark = [pytest.mark.django_db, pytest.mark.services]

SETTLED = 61  # seconds after which an Airflow has written down what it read


class AirflowWorld(World):
    """A deployment with an Airflow, which has one code location."""

    def location(self, name: str = "default") -> CodeLocation:
        """Answer the location as it is now."""
        return super().location(name)

    def loads(self, name: str = "default") -> list:
        """Answer its loads, oldest first."""
        return super().loads(name)

    def deploys(self, name: str = "default") -> list[Deploy]:
        """Answer its deploys, oldest first."""
        return super().deploys(name)


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    """Answer the Airflow that every deployment here is connected to."""
    scripted = Airflow()
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    monkeypatch.setattr(drivers, "platform_of", lambda deployment: scripted)
    return scripted


@pytest.fixture
def world(airflow: Airflow, db: None) -> AirflowWorld:
    """Answer a deployment that has just been connected to it."""
    return AirflowWorld(airflow, platform="airflow")


def test_has_read_is_verified_and_written_down_before_anybody_knows_what_it_defines(world, airflow):
    made = world.deploy(ONE, loads=1)

    assert (made.status, made.verified, made.verification) == (
        DeployStatus.SUCCEEDED,
        True,
        "Airflow serves this release.",
    )
    (load,) = world.loads()
    assert (load.deploy, load.ok, load.definitions_digest, load.likeness, load.asset_count) == (made, True, "", "", 0)
    assert made.asset_counts is None
    assert airflow.asked.count("report") == 0
    ((expected, seen),) = airflow.questions
    assert (expected.release, set(expected.files), dict(seen)) == (f"1-{made.release.digest[:12]}", {"a.py"}, {})
    assert expected.files["a.py"].text() == ONE["a.py"].decode()
    assert made.activated_at <= made.reloaded_at <= made.verified_at


def test_reads_piece_by_piece_is_not_written_down_meanwhile(world, airflow):
    made = world.deploy(ONE, loads=1)
    for digest in (2, 3):
        airflow.load(digest)
        assert world.poll() == []

    assert told(world.loads()) == [(1, True, False)]
    assert world.deploys() == [made]
    assert world.loads()[0].definitions_digest == ""


def test_has_read_in_the_end_completes_what_was_verified(world, airflow):
    made = world.deploy(ONE, loads=1)
    airflow.load(2)
    world.poll()

    touched = world.poll(after=SETTLED)

    (load,) = world.loads()
    made.refresh_from_db()
    assert touched == [made.pk]
    assert load.definitions_digest == f"{2:064d}"
    assert load.likeness
    assert made.asset_counts == {"added": 1, "removed": 0, "changed": 0}
    assert changes_of(made)
    assert world.polls(3) is None
    assert told(world.loads()) == [(1, True, False)]
    assert world.deploys() == [made]


@pytest.mark.parametrize(("dags", "recorded"), [(0, []), (1, [(1, True, False)])])
def test_has_before_the_first_deploy_is_history_only_if_it_is_something(
    world, airflow, monkeypatch, dags: int, recorded: list
):
    """Nobody loaded a new Airflow, which has no DAG at all."""
    reads = Airflow.report
    monkeypatch.setattr(Airflow, "report", lambda *asked: replace(reads(*asked), asset_count=dags))
    airflow.load(1)

    world.polls(2)

    assert told(world.loads()) == recorded
    assert [made.kind for made in world.deploys()] == ["observed"] * dags


def test_is_given_by_hand_afterwards_is_an_observed_deploy(world, airflow):
    made = world.deploy(ONE, loads=1)
    world.poll(after=SETTLED)

    by_hand = world.after_hand_load(7, name="default")

    assert (by_hand.number, by_hand.kind, by_hand.previous) == (2, "observed", made)
    assert world.location().live_deploy == by_hand
    assert world.location().placed_deploy == made
    assert told(world.loads()) == [(1, True, False), (2, True, False)]


def test_cannot_import_by_hand_is_a_failed_load_and_what_comes_back_is_the_same_again(world, airflow):
    made = world.deploy(ONE, loads=1)
    world.poll(after=SETTLED)

    broken = world.after_hand_load(error=SYNTAX, name="default")
    world.passes(minutes=1)
    airflow.load(1)
    world.poll()

    assert (broken.kind, broken.status) == ("observed", DeployStatus.FAILED)
    assert told(world.loads()) == [(1, True, False), (2, False, False), (1, True, True)]
    assert world.location().live_deploy == made


def test_cannot_import_of_a_release_fails_it(world, airflow):
    world.deploy(ONE, loads=1)
    airflow.answers = [Convergence(False, "1 file of this release could not be imported: NameError.", SYNTAX)]

    failed = world.deploy(TWO, loads=2)

    assert (failed.status, failed.error["code"], failed.verified) == (DeployStatus.FAILED, "load_failed", False)
    assert failed.error["chain"] == SYNTAX.chain
    assert told(world.loads()) == [(1, True, False), (2, False, False)]
    assert world.location().live_deploy.number == 1
    back = world.roll_back(1, loads=1)
    assert (back.status, back.verified) == (DeployStatus.SUCCEEDED, True)


def test_has_not_read_yet_is_waited_for_and_remembers_what_was_seen(world, airflow):
    airflow.answers = [
        Convergence(None, "Airflow has not read all yet.", seen={"a": 1}),
        Convergence(None, "Airflow has not read all yet.", seen={"a": 2}),
    ]

    waiting = world.deploy(ONE, loads=1)
    assert (waiting.status, waiting.lease_owner) == (DeployStatus.RUNNING, "")
    assert waiting.next_check_at is not None
    world.carry_out(waiting)
    ended = world.carry_out(waiting)

    assert ended.status == DeployStatus.SUCCEEDED
    assert [dict(seen) for _, seen in airflow.questions] == [{}, {"a": 1}, {"a": 2}]
    assert lines(ended).count("Airflow has not read all yet.") == 1
    assert airflow.asked.count("ask_to_read") == 1


def test_never_reads_fails_in_the_end(world, airflow, settings):
    settings.LASTGOOD_READING_PATIENCE = timedelta(minutes=2)
    airflow.answers = [Convergence(None, "a to come.")] * 9
    waiting = world.deploy(ONE, loads=1)
    world.passes(minutes=1)
    assert world.carry_out(waiting).status == DeployStatus.RUNNING

    world.passes(minutes=1)
    ended = world.carry_out(waiting)

    assert (ended.status, ended.error["code"], ended.verified) == (DeployStatus.FAILED, "not_read", False)
    assert "a to come." in ended.error["detail"]
    assert world.location().placed_deploy == ended
    assert world.location().live_deploy is None


def test_is_brought_back_to_is_a_load_of_the_rollback(world, airflow):
    world.deploy(ONE, loads=1)
    world.poll(after=SETTLED)
    world.deploy(TWO, loads=2)
    world.poll(after=SETTLED)

    back = world.roll_back(1, loads=1)
    world.poll(after=SETTLED)

    assert back.verified
    assert told(world.loads()) == [(1, True, False), (2, True, False), (3, True, False)]
    assert {load.definitions_digest for load in world.loads()} == {f"{1:064d}", f"{2:064d}"}


def test_reads_of_the_same_pushed_again_is_one_row_of_history(world, airflow):
    for _ in range(3):
        world.deploy(ONE, loads=1)
        world.poll(after=SETTLED)

    (entry,) = world.history()

    assert (entry.count, entry.load.deploy.number) == (3, 3)
    assert len(world.history(collapse=False)) == 3
    world.deploy(TWO, loads=2)
    world.poll(after=SETTLED)
    assert [each.count for each in world.history()] == [1, 3]


def test_reads_of_the_same_pushed_again_at_once_is_one_row_of_history(world, airflow):
    """The second came before anybody knew what the first defined."""
    world.deploy(ONE, loads=1)
    world.deploy(ONE, loads=1)
    world.poll(after=SETTLED)

    (entry,) = world.history()

    assert (entry.count, entry.load.definitions_digest) == (2, f"{1:064d}")


def test_runs_now_is_counted_for_plans(world, airflow):
    airflow.runs = RunsInFlight(3, {"1-0123456789ab": 2, "": 1})
    world.poll()

    runs = world.watch().runs
    assert (runs["total"], runs["by_release"], runs["more"]) == (3, {"1-0123456789ab": 2, "": 1}, False)
    assert runs["at"] == world.now.isoformat()

    airflow.runs = None
    world.poll()
    assert world.watch().runs == runs
    assert any("could not be counted" in note for note in world.watch().notes)


def test_imports_without_errors_is_all_that_is_asked_where_the_dags_are_in_the_image(world, airflow, tmp_path):
    """No file of ours is there that it could be compared with."""
    command(world.location(), tmp_path, ":")

    waiting = world.deploy(bundles={}, image="registry.example/airflow:2")
    assert waiting.status == DeployStatus.RUNNING
    world.passes(seconds=SETTLED)
    made = world.carry_out(waiting)

    assert (made.status, made.verified) == (DeployStatus.SUCCEEDED, True)
    assert "not ours to compare with" in made.verification
    assert airflow.questions == []
    assert told(world.loads()) == [(1, True, False)]


def test_cannot_import_of_an_image_fails_it(world, airflow, tmp_path):
    command(world.location(), tmp_path, ":")
    waiting = world.deploy(bundles={}, image="registry.example/airflow:2")
    airflow.load(error=SYNTAX)

    world.passes(seconds=SETTLED)
    failed = world.carry_out(waiting)

    assert (failed.status, failed.error["code"], failed.verified) == (DeployStatus.FAILED, "load_failed", False)
    assert told(world.loads()) == [(1, False, False)]


def test_serves_is_compared_again_when_the_dags_are_taken_away(world, airflow):
    world.deploy(ONE, loads=1)

    made = world.deploy(bundles={"dags": None, "dbt/shop": ONE})

    assert made.verified
    assert airflow.questions[-1][0].files == {}


def test_serves_is_verified_after_settings_changed_alone(world, airflow):
    world.deploy(ONE, loads=1)

    made = set_up(world.location(), env={"A": "1"})

    assert (made.status, made.verified) == (DeployStatus.SUCCEEDED, True)
    assert set(airflow.questions[-1][0].files) == {"a.py"}


def test_serves_out_of_an_image_that_a_receiver_runs_is_asked_for_errors(world, airflow):
    Deployment.objects.filter(pk=world.deployment.pk).update(target="webhook")
    made = world.push(None, bundles={}, image="registry.example/airflow:2")
    world.carry_out(made)
    # Nobody receives orders here: written down as if somebody had, and had answered.
    Deployment.objects.filter(pk=world.deployment.pk).update(
        webhook_url="http://127.0.0.1:9/orders", webhook_secret="s3cret"
    )
    Deploy.objects.filter(pk=made.pk).update(
        status="RUNNING",
        finished_at=None,
        step="AWAIT",
        error=None,
        ordered_at=noon(),
        called_back={"outcome": "succeeded", "message": ""},
    )

    world.carry_out(made)
    world.passes(seconds=SETTLED)
    ended = world.carry_out(made)

    assert (ended.status, ended.verified) == (DeployStatus.SUCCEEDED, True), ended.error
    assert airflow.questions == []
