"""What the tests of pages share: a place with a little history, its addresses, and people signed in."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.access import Role
from deployments.models import CodeLocation
from tests import factories
from tests.pages import scenes


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Send no task: what is asked for stays queued, until a test carries it out."""
    if "broker" not in request.fixturenames:
        monkeypatch.setattr("deployments.tasks.enqueue", lambda deploy: None)
        monkeypatch.setattr("deployments.tasks.enqueue_settling", lambda location_id: None)


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer a code location of acme/production on which #1 was live and #2 is."""
    made = factories.make_location()
    factories.deploy(made, scenes.files(1), description="First", git=scenes.GIT)
    factories.deploy(made, scenes.files(2), description="Second")
    return factories.fresh(made)


@pytest.fixture
def here(location: CodeLocation) -> str:
    """Answer the address of its history."""
    return location.get_absolute_url()


def signed_in(user: User) -> Client:
    """Answer a browser in which this person signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor(location: CodeLocation) -> Client:
    """Answer the browser of somebody who may deploy and roll back there."""
    return signed_in(factories.make_member(Role.EDITOR, location.deployment))


@pytest.fixture
def viewer(location: CodeLocation) -> Client:
    """Answer the browser of somebody who may look."""
    return signed_in(factories.make_member(Role.VIEWER, location.deployment))


@pytest.fixture
def shop(db: None) -> str:
    """Answer the address of a location in which assets came, changed and went."""
    return scenes.with_assets(scenes.long_history(factories.make_organization())).get_absolute_url()


@pytest.fixture
def root(db: None) -> Client:
    """Answer the browser of a superuser."""
    return signed_in(factories.superuser())
