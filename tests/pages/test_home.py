"""The deployments page …"""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments import operations
from deployments.access import Role
from deployments.models import CodeLocation, Deploy
from deployments.states import DeployStatus
from deployments.views import home, strips
from tests import factories
from tests.pages import scenes
from tests.pages.conftest import signed_in
from tests.pages.test_budget import many
from tests.pages.test_history import words

pytestmark = pytest.mark.django_db


def listed(browser: Client, address: str) -> list[str]:
    """Answer the code locations that a page lists, in its order."""
    answer = browser.get(address)
    return [
        str(line.location) for _, places in answer.context["organizations"] for place in places for line in place.lines
    ]


def ticks(browser: Client, address: str = "/") -> list[str]:
    """Answer what the ticks of the page's strips say, in their order."""
    return re.findall(r'<li><a[^>]* title="([^"]*)"></a></li>', browser.get(address).content.decode())


def hold(location: CodeLocation) -> None:
    """Hold it."""
    operations.hold(
        location=location, reason="Quarter end", until=None, actor=factories.superuser(), now=timezone.now()
    )


@pytest.mark.parametrize("text", ["a " * 1500, "shop\0"], ids=["words", "nul"])
def test_looks_for_whatever_is_typed(text: str, location: CodeLocation, root: Client):
    assert root.get("/", {"q": text}).status_code == 200


def test_groups_deployments_by_their_organization(location: CodeLocation, root: Client):
    factories.make_location(factories.make_deployment(factories.make_organization("globex"), "staging"), "finance")

    page = words(root, "/")

    headings = [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in re.findall(r"<h([23].*?)</h[23]>", page)]
    assert [each.split("> ")[-1] for each in headings] == ["acme", "production", "globex", "staging"]


def test_leads_those_who_administer_an_organization_to_its_members(location: CodeLocation, root: Client):
    organization = location.deployment.organization
    factories.make_member(Role.ORGANIZATION_ADMIN, organization, "olga")
    factories.make_member(Role.ADMIN, organization, "ada")
    olga, ada = Client(), Client()
    olga.login(username="olga", password="secret")
    ada.login(username="ada", password="secret")
    members = f'href="/organizations/{organization.slug}/members/"'

    assert members in olga.get("/").content.decode()
    assert members not in ada.get("/").content.decode()


def test_tells_the_last_deploys_by_ticks_the_newest_at_the_end(location: CodeLocation, here: str, root: Client):
    waiting = factories.push(location, scenes.files(3), description='  Third,\nwith a "quote" ' + "and more " * 20)
    Deploy.objects.exclude(pk=waiting.pk).update(created_at=timezone.now() - timedelta(hours=3))

    first, second, third = ticks(root)

    assert first == "#1 Succeeded, 3 h ago: First"
    assert second == "#2 Succeeded, live, 3 h ago: Second"
    assert third.startswith("#3 Queued, just now: Third, with a &quot;quote&quot; and more and more")
    assert len(third) < 140
    assert f'href="{here}deploys/3/"' in root.get("/").content.decode()


def test_marks_in_a_strip_what_failed_and_what_rolled_back(location: CodeLocation, root: Client):
    third = factories.push(location, scenes.files(3))
    Deploy.objects.filter(pk=third.pk).update(status=DeployStatus.FAILED, finished_at=timezone.now())
    factories.roll_back(location, 1)

    page = root.get("/").content.decode()

    assert re.search(r'<a class="failed" href="[^"]*/deploys/3/" title="#3 Failed, ', page)
    assert re.search(r'<a class="back live" href="[^"]*/deploys/4/" title="#4 Succeeded, rollback, live, ', page)


def test_shows_thirty_deploys_of_each_location_and_fewer_where_there_are_many(location: CodeLocation, root: Client):
    many(location, 40)
    numbers = [int(tick.split()[0][1:]) for tick in ticks(root)]
    assert numbers == list(range(13, 43))

    for number in range(home.A_PAGE - 1):
        factories.make_location(location.deployment, f"zone-{number:02}")

    assert len(ticks(root)) == strips.MOST_OF_A_PAGE // home.A_PAGE


def test_counts_how_locations_stand_and_shows_those_that_stand_so(location: CodeLocation, root: Client):
    finance = factories.make_location(location.deployment, "finance")
    factories.deploy(finance, scenes.files(1))
    hold(finance)
    factories.make_location(location.deployment, "empty")

    page = words(root, "/")

    for state, count in (("held", "1 held"), ("ok", "2 live"), ("none", "1 idle")):
        assert re.search(rf'<a class="chip {state}" href="\?state={state}" ?>{count}</a>', page), count
    assert "failing" not in page
    assert listed(root, "/?state=held") == ["acme/production/finance"]
    assert listed(root, "/?state=ok&q=shop") == ["acme/production/shop"]
    assert listed(root, "/?state=nonsense") == [f"acme/production/{name}" for name in ("empty", "finance", "shop")]
    assert "No code location stands like that now." in words(root, "/?state=bad")


def test_says_of_each_location_what_was_deployed_last_and_by_whom(location: CodeLocation, here: str, root: Client):
    factories.push(location, scenes.files(3), description="Price orders in euro")

    page = words(root, "/")

    assert f'<a href="{here}deploys/3/">#3</a> by root: Price orders in euro' in page
    assert 'aria-label="View history of shop">View history</a>' in page


def test_turns_pages_and_loses_nobody(location: CodeLocation, root: Client):
    for number in range(home.A_PAGE):
        factories.make_location(location.deployment, f"zone-{number:02}")
    factories.make_deployment(factories.make_organization("globex"), "staging")

    first = root.get("/")
    second = root.get("/" + first.context["older"])
    back = root.get("/" + second.context["newer"])

    assert len(listed(root, "/")) == home.A_PAGE
    assert listed(root, "/" + first.context["older"]) == [f"acme/production/zone-{home.A_PAGE - 1}"]
    assert "lastgood deploy globex/staging/shop --dags ./dags" in second.content.decode()
    assert back.context["newer"] == ""
    assert root.get("/?cursor=rubbish").status_code == 400


def test_counts_only_what_the_person_may_see(location: CodeLocation, viewer: Client):
    other = factories.make_location(factories.make_deployment(factories.make_organization("globex"), "secret"), "vault")
    factories.deploy(other)

    page = words(viewer, "/")

    assert "1 live" in page
    assert "All 1" in page
    assert "vault" not in page
    assert "globex" not in page


def test_tells_whoever_administers_a_new_organization_to_make_its_first_deployment(location: CodeLocation):
    new = factories.make_organization("globex")
    page = signed_in(factories.make_member(Role.ORGANIZATION_ADMIN, new)).get("/").content.decode()

    assert "Nothing that you may see" not in page
    assert "No deployment yet" in page
    assert f"/admin/deployments/deployment/add/?organization={new.pk}" in page
    assert "lastgood deploy globex/production/shop" in page
    assert 'href="/organizations/globex/members/"' in page


def test_says_nothing_of_an_organization_without_deployments_to_its_viewers_or_to_who_searches(
    location: CodeLocation, root: Client
):
    new = factories.make_organization("globex")
    looking = signed_in(factories.make_member(Role.VIEWER, new)).get("/").content.decode()

    assert "No deployment yet" not in looking
    assert "Nothing that you may see" in looking
    assert "No deployment yet" not in root.get("/?q=shop").content.decode()
