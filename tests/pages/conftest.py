"""What the tests of pages share: a place with a little history, its addresses, and people signed in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.access import Role
from deployments.models import CodeLocation
from tests import factories
from tests.keeping import Kept, kept
from tests.pages import scenes


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Send no task: what is asked for stays queued, until a test carries it out."""
    if "broker" not in request.fixturenames:
        monkeypatch.setattr("deployments.tasks.enqueue", lambda deploy: None)
        monkeypatch.setattr("deployments.tasks.enqueue_settling", lambda location_id: None)


Keep = Callable[[str, Callable[[], CodeLocation]], AbstractContextManager[Kept[CodeLocation] | None]]


@pytest.fixture(scope="module")
def keep(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Keep:
    """Answer what makes a place once a module; None where tests commit, or one of them needs it not to be there."""
    here = [each for each in request.session.items if each.path == request.path]
    marks = [mark for each in here for mark in each.iter_markers("django_db")]
    commit = any(mark.kwargs.get("transaction") for mark in marks)

    def keeping(fixture: str, make: Callable[[], CodeLocation]) -> AbstractContextManager[Kept[CodeLocation] | None]:
        if commit or not all(fixture in getattr(each, "fixturenames", ()) for each in here):
            return nullcontext()
        return kept(tmp_path_factory.mktemp("kept"), django_db_blocker, make)

    return keeping


@pytest.fixture(scope="module")
def kept_location(keep: Keep) -> Iterator[Kept[CodeLocation] | None]:
    """Keep the place with a little history."""
    with keep("location", make_location) as found:
        yield found


@pytest.fixture(scope="module")
def kept_shop(keep: Keep) -> Iterator[Kept[CodeLocation] | None]:
    """Keep the place with assets."""
    with keep("shop", make_shop) as found:
        yield found


@pytest.fixture
def location(
    kept_location: Kept[CodeLocation] | None, db: None, own_folders: None, no_broker: None, tmp_path: Path
) -> CodeLocation:
    """Answer a code location of acme/production on which #1 was live and #2 is."""
    return kept_location.anew(tmp_path) if kept_location else make_location()


@pytest.fixture
def shop(kept_shop: Kept[CodeLocation] | None, db: None, own_folders: None, no_broker: None, tmp_path: Path) -> str:
    """Answer the address of a location in which assets came, changed and went."""
    made = kept_shop.anew(tmp_path) if kept_shop else make_shop()
    return made.get_absolute_url()


def make_shop() -> CodeLocation:
    """Make a location in which assets came, changed and went."""
    return scenes.with_assets(scenes.long_history(factories.make_organization()))


def make_location() -> CodeLocation:
    """Make a code location of acme/production on which #1 was live and #2 is."""
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
def root(db: None) -> Client:
    """Answer the browser of a superuser."""
    return signed_in(factories.superuser())
