"""A remote agent …"""

import pytest
from django.utils import timezone

from deployments import operations
from deployments.access import Role
from deployments.models import RemoteAgent
from tests.api.asking import BASE, PLACE, Api, answered, refused
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db
AGENT = f"{PLACE}/agents/worker-1/"


@pytest.fixture
def deployer(location) -> Api:
    """Answer the client of an agent: it may deploy, and no more."""
    return Api(make_member(Role.DEPLOYER, location.deployment))


def test_a11_reports_itself_and_is_listed(location, deployer):
    first = answered(deployer.ask("PUT", AGENT, {"version": "3.1-2"}), 200)
    again = answered(deployer.ask("PUT", AGENT, {"version": "3.1-3"}), 200)
    answered(deployer.ask("PUT", f"{PLACE}/agents/a.b:c_d-1/", {"version": "x"}), 200)

    listed = answered(deployer.get(f"{PLACE}/agents/"), 200)["results"]

    assert (first["name"], first["version"]) == ("worker-1", "3.1-2")
    assert again["reported_at"] >= first["reported_at"]
    assert [(each["name"], each["version"]) for each in listed] == [("a.b:c_d-1", "x"), ("worker-1", "3.1-3")]
    assert RemoteAgent.objects.get(name="worker-1").reported_by_name == "deployer"


@pytest.mark.parametrize(
    "body", [{}, {"version": ""}, {"version": "x" * 101}, {"version": "a\0b"}, {"version": ["x"]}, []]
)
def test_that_says_no_version_is_not_taken(deployer, body):
    refused(deployer.ask("PUT", AGENT, body), 400, "invalid")

    assert not RemoteAgent.objects.exists()


@pytest.mark.parametrize(
    "name", ["-x", "x-", "a b", "a%00b", "é", "x" * 129, "..%2F..%2Fetc", "%2E%2E", "a%2Fb", "a%5Cb", "%252e%252e"]
)
def test_of_a_name_that_nobody_has_is_not_taken(deployer, name):
    answer = deployer.ask("PUT", f"{PLACE}/agents/{name}/", {"version": "1"})

    assert answer.status_code in {400, 404}
    assert not RemoteAgent.objects.exists()


def test_is_forgotten_by_whoever_configures(location, deployer):
    answered(deployer.ask("PUT", AGENT, {"version": "3.1-2"}), 200)
    admin = Api(make_member(Role.ADMIN, location.deployment))

    assert deployer.ask("DELETE", AGENT).status_code == 403
    assert admin.ask("DELETE", AGENT).status_code == 204
    refused(admin.ask("DELETE", AGENT), 404, "not_found")
    assert not RemoteAgent.objects.exists()


def test_of_a_place_that_one_does_not_see_is_not_there(location, deployer):
    stranger = Api(make_user("stranger"))
    absent = deployer.ask("PUT", f"{BASE}/organizations/acme/deployments/absent/agents/x/", {"version": "1"})
    unseen = stranger.ask("PUT", AGENT, {"version": "1"})

    assert (absent.status_code, unseen.status_code) == (404, 404)
    assert absent.content == unseen.content
    assert not RemoteAgent.objects.exists()


def test_may_not_be_reported_by_a_viewer(location):
    viewer = Api(make_member(Role.VIEWER, location.deployment))

    assert viewer.ask("PUT", AGENT, {"version": "1"}).status_code == 403
    assert viewer.get(f"{PLACE}/agents/").status_code == 200


def test_is_one_of_five_hundred_at_most(location, deployer, monkeypatch):
    monkeypatch.setattr(operations.agents, "MOST", 2)
    for name in ("a", "b"):
        answered(deployer.ask("PUT", f"{PLACE}/agents/{name}/", {"version": "1"}), 200)

    refused(deployer.ask("PUT", f"{PLACE}/agents/c/", {"version": "1"}), 409, "too_many_agents")
    answered(deployer.ask("PUT", f"{PLACE}/agents/a/", {"version": "2"}), 200)


def test_is_the_same_when_it_says_the_same_twice(deployer):
    body = {"version": "3.1-2"}

    first, again = (deployer.ask("PUT", AGENT, body, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert first.content == again.content
    assert RemoteAgent.objects.get().reported_at <= timezone.now()
