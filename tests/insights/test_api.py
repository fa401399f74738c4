"""Insights by API …"""

from typing import Any

import pytest
from django.test import Client

from deployments.access import Role
from deployments.models import CodeLocation
from tests import factories
from tests.insights.rows import DAY, HOUR, MINUTE, NOON, History
from tests.matrix.scene import bearer

pytestmark = pytest.mark.django_db
ORGANIZATION = "/api/v1/organizations/acme/"
DAYS = {"from": "2026-11-12", "to": "2026-11-18"}


def ask(person: Any, path: str, said: dict[str, str] | None = None) -> Any:
    return Client().get(f"{ORGANIZATION}{path}insights/", said or DAYS, headers=bearer(person))


def test_tell_the_four_figures(shop: History):
    first = shop.push(NOON - DAY, committed=HOUR)
    shop.push(NOON, "FAILED", placed=MINUTE)
    shop.roll_back(NOON + 5 * MINUTE, to=first)
    shop.push(NOON + HOUR, "FAILED")

    answer = ask(factories.superuser(), "deployments/production/code-locations/shop/").json()

    assert (answer["first"], answer["last"], len(answer["steps"])) == ("2026-11-12", "2026-11-18", 7)
    assert answer["figures"] == {
        "deploy_frequency": {"count": 1, "per_week": 1.0, "observed": 0},
        "lead_time": {"median": 3600.0, "p90": 3600.0, "count": 1, "left_out": 0},
        "change_failure_rate": {"rate": 2 / 3, "failed": 2, "rolled_back": 0, "changes": 3},
        "time_to_restore": {"median": 360.0, "p90": 360.0, "count": 1, "open": 1},
    }
    assert answer["before"]["change_failure_rate"] == {"rate": None, "failed": 0, "rolled_back": 0, "changes": 0}
    assert answer["code_locations"] == [{"place": "acme/production/shop", **answer["figures"]}]
    assert [step["deploy_frequency"]["count"] for step in answer["steps"]] == [0, 0, 0, 0, 0, 1, 0]
    assert answer["failures"][1] == {
        "place": "acme/production/shop",
        "number": 2,
        "rolled_back": False,
        "began_at": "2026-11-18T11:59:00Z",
        "restored_by": 3,
        "seconds": 360.0,
    }
    assert answer["failures"][0]["restored_by"] is None


def test_count_no_row_that_the_person_may_not_see(shop: History, location: CodeLocation):
    staging = factories.make_deployment(location.deployment.organization, "staging")
    globex = factories.make_deployment(factories.make_organization("globex"))
    for place in (staging, globex):
        History(factories.make_location(place)).push(NOON, "FAILED", committed=HOUR)
    shop.push(NOON)
    viewer = factories.make_member(Role.VIEWER, location.deployment)
    colleague = factories.make_member(Role.VIEWER, location.deployment.organization, "colleague")

    def seen(person: Any) -> tuple[list[str], int, int]:
        answer = ask(person, "").json()
        rate = answer["figures"]["change_failure_rate"]
        return [each["place"] for each in answer["code_locations"]], rate["failed"], rate["changes"]

    assert seen(viewer) == (["acme/production/shop"], 0, 1)
    assert seen(colleague) == (["acme/production/shop", "acme/staging/shop"], 1, 2)
    assert ask(viewer, "deployments/staging/").status_code == 404


@pytest.mark.parametrize(
    "said", [{"days": "0"}, {"days": "367"}, {"from": "x"}, {"from": "2026-01-02", "to": "2026-01-01"}]
)
def test_refuse_a_period_that_is_none(shop: History, said: dict[str, str]):
    answer = ask(factories.superuser(), "", said)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_period")
