"""The page of a deployment's connection …"""

from collections.abc import Iterator

import pytest
from django.test import Client

from deployments import drivers
from deployments.access import Role
from deployments.models import CodeLocation, Deployment
from deployments.platforms.base import PlatformUnreachable
from deployments.states import PlatformKind
from tests import factories
from tests.observing.world import World
from tests.pages import loaded
from tests.pages.conftest import signed_in
from tests.pages.test_history import words
from tests.pages.test_markup import Reader

# Not on the services too: nothing here depends on which database answers.
pytestmark = [pytest.mark.django_db]
PAGE = "/deployments/acme/production/-/connection/"


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Answer a deployment whose Dagster was asked once."""
    with loaded.watched(platform_headers='{"Authorization": "Bearer hunter2"}') as found:
        found.poll()
        yield found


@pytest.fixture
def admin(world: World) -> Client:
    """Answer the browser of somebody who configures the deployment."""
    return signed_in(factories.make_member(Role.ADMIN, world.deployment))


def change(browser: Client, **sent: object) -> int:
    """Send the form, and answer the status."""
    form = {"platform_url": "http://127.0.0.1:3000", "headers": "", "poll_seconds": 15, "commit_link": ""} | sent
    return browser.post(f"{PAGE}change/", form).status_code


def now(world: World) -> Deployment:
    """Answer the deployment as it is now."""
    return Deployment.objects.get(pk=world.deployment.pk)


def test_shows_the_names_of_headers_and_never_their_values(admin: Client):
    page = words(admin, PAGE)

    assert "Authorization" in page
    assert "hunter2" not in page
    assert "http://127.0.0.1:3000" in page
    assert "every 15 s" in page
    assert "It mixes" in page
    assert "Runs in flight stay on the release that they began with." in page
    assert "signed POST" in page


def test_is_linked_where_a_deployment_is_looked_at(world: World, admin: Client):
    viewer = signed_in(factories.make_member(Role.VIEWER, world.deployment))
    address = world.location().get_absolute_url()

    assert f'href="{PAGE}"' in words(admin, address)
    assert f'href="{PAGE}"' not in words(viewer, address)
    assert viewer.get(PAGE).status_code == 403


def test_is_built_as_every_page_is(admin: Client):
    reader = Reader()
    reader.feed(admin.get(PAGE).content.decode())
    reader.close()

    assert reader.inline == []
    assert reader.unlabelled == []
    assert len(reader.ids) == len(set(reader.ids))


def test_tests_the_connection_and_shows_what_it_says(admin: Client):
    page = admin.post(f"{PAGE}test/").content.decode()

    assert "Dagster 1.12.0 answers." in page
    assert "Reloads are allowed." in page
    assert "<code>shop</code>" in page


def test_says_why_a_test_failed(admin: Client, monkeypatch: pytest.MonkeyPatch):
    def silent(deployment: Deployment) -> None:
        raise PlatformUnreachable("platform_unreachable", "Dagster answered with a page of a proxy.")

    monkeypatch.setattr(drivers, "platform_of", silent)

    answer = admin.post(f"{PAGE}test/")

    assert answer.status_code == 409
    assert "Dagster answered with a page of a proxy." in answer.content.decode()


def test_keeps_headers_unless_they_are_written_anew_or_removed(world: World, admin: Client):
    kept = (change(admin, poll_seconds=30), drivers.headers_of(now(world)), now(world).poll_seconds)
    new = (change(admin, headers="X-Team: data\r\nAuthorization: Basic eDp5\r\n"), drivers.headers_of(now(world)))
    gone = (change(admin, remove_headers="on"), drivers.headers_of(now(world)))

    assert kept == (302, {"Authorization": "Bearer hunter2"}, 30)
    assert new == (302, {"X-Team": "data", "Authorization": "Basic eDp5"})
    assert gone == (302, {})


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": "no colon here: hunter3\nhunter3"},
        {"headers": "X: hunter3", "remove_headers": "on"},
        {"headers": "Host: hunter3"},
        {"poll_seconds": 1},
        {"poll_seconds": "often"},
        {"commit_link": "javascript:{commit}"},
        {"platform_url": "http://169.254.169.254/"},
        {"platform_url": "nonsense"},
    ],
)
def test_refuses_what_cannot_be_meant_and_repeats_no_secret(sent: dict[str, object], world: World, admin: Client):
    form = {"platform_url": "http://127.0.0.1:3000", "headers": "", "poll_seconds": 15, "commit_link": ""} | sent
    before = Deployment.objects.values().get(pk=world.deployment.pk)

    answer = admin.post(f"{PAGE}change/", form)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "hunter3" not in answer.content.decode()
    assert Deployment.objects.values().get(pk=world.deployment.pk) == before


def test_connects_and_disconnects_by_the_address(world: World, admin: Client):
    assert change(admin, platform_url="") == 302
    assert not now(world).has_platform
    assert "No platform is connected" in words(admin, PAGE)

    assert change(admin, platform_url="http://127.0.0.1:3100/prefix") == 302
    assert now(world).platform == PlatformKind.DAGSTER
    assert now(world).platform_url == "http://127.0.0.1:3100/prefix"


def test_forgets_headers_when_another_server_is_meant(world: World, admin: Client):
    assert change(admin, platform_url="http://127.0.0.1:4000") == 302

    assert drivers.headers_of(now(world)) == {}


def test_marks_a_code_location_as_planned_offline_and_back(admin: Client):
    muted = admin.post(f"{PAGE}locations/shop/", {"muted": "on"})
    page = words(admin, PAGE)
    odd = admin.post(f"{PAGE}locations/shop/", {"muted": "perhaps"})
    still = CodeLocation.objects.get(name="shop").muted
    back = admin.post(f"{PAGE}locations/shop/", {"muted": "off"})

    assert (muted.status_code, odd.status_code, back.status_code) == (302, 400, 302)
    assert "Planned offline" in page
    assert still
    assert not CodeLocation.objects.get(name="shop").muted
    assert admin.post(f"{PAGE}locations/absent/", {"muted": "on"}).status_code == 404
