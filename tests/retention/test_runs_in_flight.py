"""What runs of an Airflow still need is kept …"""

from dataclasses import dataclass, field

import pytest

from deployments import drivers
from deployments.drivers import target_path
from deployments.models import CodeLocation
from deployments.platforms.base import PlatformRefused, PlatformUnreachable, RunsInFlight
from tests.factories import make_deployment, make_location
from tests.retention.days import DAYS, deploy_on, kept, purge_on, release_of, roll_back_on, rules

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@dataclass
class Airflow:
    """An Airflow that says what runs, or why it does not say."""

    runs: dict[str, int] = field(default_factory=dict)
    more: bool = False
    silent: Exception | None = None
    asked: int = 0

    def runs_in_flight(self) -> RunsInFlight:
        """Answer what runs."""
        self.asked += 1
        if self.silent:
            raise self.silent
        return RunsInFlight(sum(self.runs.values()), self.runs, self.more)


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    """Answer the Airflow that is asked about every code location."""
    scripted = Airflow()
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    return scripted


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer a code location with #1 to #4, each of another content; an Airflow is connected since."""
    deployment = make_deployment(retention_days=DAYS)
    made = make_location(deployment, "default")
    for number in (1, 2, 3, 4):
        deploy_on(made, number, str(number))
    deployment.platform, deployment.platform_url = "airflow", "http://localhost:9"
    deployment.save()
    return made


def folder_of(location: CodeLocation, number: int) -> str:
    """Answer the name of a release's folder."""
    return f"{number}-{release_of(location, number).digest[:12]}"


def folders(location: CodeLocation) -> set[str]:
    """Answer the names of the releases' folders."""
    return {path.name for path in (target_path(location) / "releases").iterdir()}


def test_whatever_its_age(location, airflow):
    needed, gone = folder_of(location, 1), folder_of(location, 2)
    airflow.runs = {needed: 2, "": 5}

    report = purge_on(40)

    assert rules(report)[1] == "needed by 2 runs in flight (#1)"
    assert kept(location) == {1, 3, 4}
    assert needed in folders(location)
    assert gone not in folders(location)


def test_until_they_have_ended(location, airflow):
    airflow.runs = {folder_of(location, 1): 1}
    purge_on(40)
    airflow.runs = {}

    purge_on(41)

    assert kept(location) == {3, 4}


def test_by_the_folder_that_they_run_in_and_not_the_newest_of_its_content(location, airflow):
    roll_back_on(location, 5, 1)
    roll_back_on(location, 6, 4)
    roll_back_on(location, 7, 3)
    airflow.runs = {folder_of(location, 1): 1}

    report = purge_on(60)

    assert "needed by 1 run in" in rules(report)[1]
    assert folder_of(location, 1) in folders(location)


@pytest.mark.parametrize(
    "silent", [PlatformUnreachable("silent", "Nobody answers."), PlatformRefused("no", "The token is refused.")]
)
def test_with_all_else_that_was_in_place_while_nobody_can_say(location, airflow, silent):
    airflow.silent = silent

    report = purge_on(40)

    assert kept(location) == {1, 2, 3, 4}
    assert rules(report)[1] == "nobody could say which releases runs still need"
    assert str(silent) in " ".join(report.problems)
    assert len(folders(location)) == 4


def test_with_all_else_that_was_in_place_when_not_all_were_counted(location, airflow):
    airflow.more, airflow.runs = True, {folder_of(location, 1): 5000}

    purge_on(40)

    assert kept(location) == {1, 2, 3, 4}


def test_with_all_else_that_was_in_place_when_only_those_of_others_were_counted(location, airflow):
    airflow.more = True

    purge_on(40)

    assert kept(location) == {1, 2, 3, 4}


def test_and_nothing_else_where_the_newest_of_many_are_pinned_to_none(location, airflow):
    airflow.more, airflow.runs = True, {"": 1000}

    report = purge_on(40)

    assert (kept(location), report.problems) == ({3, 4}, [])


def test_and_what_they_do_not_need_goes(location, airflow):
    airflow.runs = {"": 3, "something-else": 1, "99-0123456789ab": 1, "²-0": 1}

    purge_on(40)

    assert kept(location) == {3, 4}


def test_and_nobody_is_asked_where_no_airflow_is(location, airflow):
    location.deployment.platform = "dagster"
    location.deployment.save()

    purge_on(40)

    assert (airflow.asked, kept(location)) == (0, {3, 4})


def test_and_a_dry_run_says_so_too(location, airflow):
    airflow.runs = {folder_of(location, 2): 1}

    assert "needed by 1 run in" in rules(purge_on(40, dry_run=True))[2]
    assert kept(location) == {1, 2, 3, 4}
