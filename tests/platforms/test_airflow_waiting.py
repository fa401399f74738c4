"""How long a deploy waits for an Airflow that reads files by itself, and what it does when that may not be asked to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from deployments import drivers, execution
from deployments.models import CodeLocation, Deploy
from deployments.platforms.base import Convergence, Expected, PlatformRefused
from deployments.states import DeployStatus, EventLevel
from tests.factories import make_deployment, make_location, push
from tests.operations.brokers import silent_broker

__all__ = ["silent_broker"]

pytestmark = [pytest.mark.django_db, pytest.mark.services]

NOT_YET = "orders to come."


@dataclass
class Airflow:
    """An Airflow that comes nearer when the test says so."""

    refusal: PlatformRefused | None = None
    moved_at: datetime | None = None
    answers: list[Convergence] = field(default_factory=list)

    def ask_to_read(self) -> bool:
        """Refuse, or be asked."""
        if self.refusal:
            raise self.refusal
        return True

    def converge(self, expected: Expected, seen: Mapping[str, Any]) -> Convergence:
        """Answer what is scripted; after that, that it comes."""
        if self.answers:
            return self.answers.pop(0)
        return Convergence(None, NOT_YET, seen={"moved_at": self.moved_at.isoformat() if self.moved_at else None})


class Followed:
    """One deploy that waits for that Airflow, and the portal's time."""

    def __init__(self, location: CodeLocation) -> None:
        self.now = timezone.now()
        self.deploy = push(location, {"orders.py": b"from airflow.sdk import DAG\n"})

    def look(self, after: timedelta = timedelta()) -> Deploy:
        """Carry the deploy on, so much later."""
        self.now += after
        Deploy.objects.filter(pk=self.deploy.pk).update(next_check_at=None)
        execution.carry_out(self.deploy.pk, clock=lambda: self.now)
        self.deploy.refresh_from_db()
        return self.deploy


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    scripted = Airflow()
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    return scripted


@pytest.fixture
def followed(airflow: Airflow, silent_broker: None) -> Followed:
    deployment = make_deployment(platform="airflow", platform_url="http://localhost:9")
    return Followed(make_location(deployment, "default"))


def test_a_deploy_that_nothing_comes_of_fails_when_patience_ends(followed: Followed) -> None:
    patience = settings.LASTGOOD_READING_PATIENCE
    before = [followed.look().status, followed.look(patience - timedelta(seconds=2)).status]
    after = followed.look(timedelta(seconds=3))

    assert before == [DeployStatus.RUNNING, DeployStatus.RUNNING]
    assert (after.status, after.error["code"]) == (DeployStatus.FAILED, "not_read")


def test_patience_begins_anew_with_each_step_nearer_and_has_an_end(airflow: Airflow, followed: Followed) -> None:
    step = settings.LASTGOOD_READING_PATIENCE - timedelta(seconds=5)
    looks = [followed.look().status]
    for _ in range(7):
        airflow.moved_at = followed.now + step
        looks.append(followed.look(step).status)

    assert looks == [DeployStatus.RUNNING] * 7 + [DeployStatus.FAILED]


def test_a_deploy_fails_a_patience_after_the_last_step_nearer(airflow: Airflow, followed: Followed) -> None:
    followed.look()
    airflow.moved_at = followed.now + timedelta(seconds=300)
    looks = [followed.look(timedelta(seconds=after)).status for after in (300, 355, 10)]

    assert looks == [DeployStatus.RUNNING, DeployStatus.RUNNING, DeployStatus.FAILED]


def test_an_airflow_that_may_not_be_asked_is_waited_for_with_a_warning(airflow: Airflow, followed: Followed) -> None:
    airflow.refusal = PlatformRefused("not_allowed", "That needs the role User.")
    airflow.answers = [Convergence(True, "Airflow serves this release.")]
    deploy = followed.look()
    warned = [event.message for event in deploy.events.filter(level=EventLevel.WARNING)]

    assert (deploy.status, deploy.verified) == (DeployStatus.SUCCEEDED, True)
    assert warned == [
        "That needs the role User. Airflow reads what is in place by itself, which may take minutes: going on."
    ]


def test_an_airflow_that_refuses_us_is_an_error(airflow: Airflow, followed: Followed) -> None:
    airflow.refusal = PlatformRefused("platform_auth", "It does not know us.")
    deploy = followed.look()

    assert deploy.is_finished
    assert deploy.error["code"] == "platform_auth"
