"""What every test may lean on: a database of its own, folders of its own, a clock."""

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.test import override_settings

from deployments import drivers
from portal.celery import app
from tests.keeping import folders_at
from tests.workers import running_broker

DRIVERS = dict(vars(drivers))
PATIENCE = 20.0  # seconds: a bound for machines under load, not a measure


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> None:
    """Put SQLite's test database into a file: a real worker and a second connection must see it."""
    database = django_settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:
        # Of our own, so that nobody else's test databases are touched; pytest-django adds the worker's id.
        database.setdefault("TEST", {})["NAME"] = f"test_{database['NAME']}_{os.getpid()}"


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords in no time, those of a scene that a whole module shares too: the portal's hash is slow on purpose."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """Wait for the threads that a test began: what they still do would be done to the next one."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + PATIENCE
    while stays := [thread.name for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() < until, f"{stays} outlived the test."
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, settings) -> None:
    """Give each test its own data directory, blobs and targets."""
    for name, value in folders_at(tmp_path).items():
        setattr(settings, name, value)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """Answer the address of a broker: the one of REDIS_URL, under a prefix of this process, or a private Valkey."""
    prefix = f"lastgood-test-{os.getpid()}-"
    if given := os.environ.get("REDIS_URL"):
        os.environ["LASTGOOD_BROKER_PREFIX"] = prefix
        use_broker(given, prefix)
        yield given
        server = redis.Redis.from_url(given)
        for key in server.scan_iter(f"{prefix}*"):
            server.delete(key)
        return
    with running_broker(tmp_path_factory.mktemp("b")) as address:
        use_broker(address, "")
        yield address


def use_broker(address: str, prefix: str) -> None:
    """Have this process send its tasks there."""
    app.conf.broker_url = address
    app.conf.broker_transport_options = {**django_settings.CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": prefix}
    app._after_fork()  # forget connections to the broker of the settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """See that each test leaves the drivers as they were, once everything that it replaced should be back.

    Two ways of replacing, put back in the wrong order, once left a scripted platform to all tests that came after.
    """
    yield
    left = [
        name for name in ("platform_for", "platform_of", "target_for") if getattr(drivers, name) is not DRIVERS[name]
    ]
    for name in left:
        setattr(drivers, name, DRIVERS[name])  # the next test has done nothing wrong
    assert not left, f"{left} of deployments.drivers stay replaced."


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what was loaded until now: it stays to the end, and is much."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run side by side what must not: pytest and pytest-xdist once disagreed on groups, and nobody said so."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: pytest-xdist loses its group. Which pytest is this?")
