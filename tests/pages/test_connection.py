"""The page of a deployment's connection …"""

from collections.abc import Iterator
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from deployments import drivers, operations
from deployments.access import Role
from deployments.models import CodeLocation, Deployment
from deployments.platforms.base import PlatformUnreachable
from deployments.states import PlatformKind
from tests import factories
from tests.observing.world import World
from tests.pages import loaded, shipping
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


def test_says_why_a_test_failed(admin: Client):
    def silent(deployment: Deployment) -> None:
        raise PlatformUnreachable("platform_unreachable", "Dagster answered with a page of a proxy.")

    # Within what `watched` replaces, and put back before it.
    with mock.patch.object(drivers, "platform_of", silent):
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


class TestAirflow:
    """Of an Airflow …"""

    @pytest.fixture
    def location(self, db: None) -> CodeLocation:
        """Answer the location of an Airflow that is connected by user and password."""
        made = shipping.make_airflow(platform_user="lastgood", platform_password="hunter2", dag_bundle="pinned")
        shipping.connect_airflow(made.deployment, version="3.1.5", answered_at=timezone.now())
        return factories.fresh(made)

    @pytest.fixture
    def page(self, location: CodeLocation) -> str:
        """Answer the page's address."""
        return "/deployments/acme/warehouse/-/connection/"

    @pytest.fixture
    def admin(self, location: CodeLocation) -> Client:
        """Answer the browser of somebody who configures the deployment."""
        return signed_in(factories.make_member(Role.ADMIN, location.deployment))

    def change(self, browser: Client, page: str, **sent: object) -> int:
        """Send the form as it opens, with these changes, and answer the status."""
        form = {"platform": "airflow", "platform_url": "http://localhost:8080", "platform_user": "lastgood"}
        form |= {"platform_password": "", "dag_bundle": "pinned", "headers": "", "poll_seconds": 15}
        return browser.post(f"{page}change/", form | sent).status_code

    def stored(self) -> Deployment:
        return Deployment.objects.get()

    def test_shows_who_asks_and_never_the_password(self, admin: Client, page: str):
        content = words(admin, page)

        assert "<code>lastgood</code>" in content
        assert "password set" in content
        assert "<code>pinned</code>" in content
        assert "hunter2" not in content
        assert "Airflow 3.1.5" in content

    def test_has_no_words_that_only_fit_a_dagster(self, admin: Client, page: str):
        content = words(admin, page)
        text = content[content.index("Connection of") :]
        text = text[: text.index('id="change-title"')] + text[text.index('id="locations-title"') :]

        for word in ("Dagster", "Reload", "code server", "workspace"):
            assert word not in text, word
        assert "asked to read its files again" in text
        assert "each run finishes on the release that it began with" in text

    def test_keeps_the_password_unless_another_is_typed_or_the_user_goes(self, admin: Client, page: str):
        kept = (self.change(admin, page, poll_seconds=30), self.stored().platform_password)
        new = (self.change(admin, page, platform_password=" hunter3 "), self.stored().platform_password)
        gone = (self.change(admin, page, platform_user=""), self.stored().platform_password)

        assert kept == (302, "hunter2")
        assert new == (302, " hunter3 ")
        assert gone == (302, "")

    def test_forgets_the_password_when_another_server_is_meant(self, admin: Client, page: str):
        assert self.change(admin, page, platform_url="http://127.0.0.1:8080") == 302

        assert self.stored().platform_password == ""

    def test_takes_the_bundles_usual_name_for_none(self, admin: Client, page: str):
        assert self.change(admin, page, dag_bundle="") == 302

        assert self.stored().dag_bundle == "dags-folder"

    def test_becomes_a_dagster_and_back(self, admin: Client, page: str):
        assert self.change(admin, page, platform="dagster") == 302
        assert self.stored().platform == PlatformKind.DAGSTER
        assert self.change(admin, page) == 302
        assert self.stored().platform == PlatformKind.AIRFLOW
        # A form that does not say it, leaves it.
        without = {"platform_url": "http://localhost:8080", "platform_user": "lastgood", "poll_seconds": 15}
        assert admin.post(f"{page}change/", without).status_code == 302
        assert self.stored().platform == PlatformKind.AIRFLOW

    @pytest.mark.parametrize("sent", [{"platform": "cron"}, {"poll_seconds": 1}, {"platform_url": "http://8.8.8.8/"}])
    def test_refuses_what_cannot_be_meant_and_repeats_no_password(
        self, sent: dict[str, object], admin: Client, page: str
    ):
        form = {"platform": "airflow", "platform_url": "http://localhost:8080", "platform_user": "me"}
        answer = admin.post(f"{page}change/", form | {"platform_password": "hunter3", "poll_seconds": 15} | sent)

        assert answer.status_code == 400
        assert "hunter3" not in answer.content.decode()
        assert 'value="me"' in answer.content.decode()
        assert self.stored().platform_password == "hunter2"

    def test_shows_the_operators_command_and_takes_none(self, admin: Client, page: str):
        before = words(admin, page)
        Deployment.objects.update(activation_command="/opt/apply --now", command_patience=90)
        self.change(admin, page, activation_command="/bin/evil")

        content = words(admin, page)
        assert "images and runtime versions are recorded, not applied" in before
        assert '<code class="wrap">/opt/apply --now</code>' in content
        assert "has 90 s for it" in content
        assert 'name="activation_command"' not in content

    def test_lists_remote_agents_and_forgets_one(self, location: CodeLocation, admin: Client, page: str):
        who = factories.make_user("agent-of-oslo", is_superuser=True)
        for name in ("oslo", "frankfurt:1"):
            reported = {"name": name, "version": "3.1-4", "actor": who, "now": timezone.now()}
            operations.report_agent(deployment=location.deployment, **reported)

        content = words(admin, page)
        forgotten = admin.post(f"{page}agents/frankfurt:1/forget/")

        assert "oslo</th> <td> <code>3.1-4</code>" in content
        assert "by agent-of-oslo" in content
        assert forgotten.status_code == 302
        assert "frankfurt:1</th>" not in words(admin, page)
        assert admin.post(f"{page}agents/frankfurt:1/forget/").status_code == 404

    def test_says_how_agents_report_themselves(self, admin: Client, page: str):
        assert "PUT /api/v1/organizations/acme/deployments/warehouse/agents/NAME/" in words(admin, page)

    def test_is_built_as_every_page_is(self, admin: Client, page: str):
        reader = Reader()
        reader.feed(admin.get(page).content.decode())
        reader.close()

        assert (reader.inline, reader.unlabelled) == ([], [])
        assert len(reader.ids) == len(set(reader.ids))
