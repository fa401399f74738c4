"""A broker inside the process: what is sent has no worker, and reaches nobody else's portal."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from portal.celery import app


@pytest.fixture(autouse=True)
def silent_broker() -> Iterator[None]:
    """Take messages, and give them to nobody."""
    before = app.conf.broker_url, app.conf.broker_transport_options
    point_to("memory://")
    yield
    app.conf.broker_url, app.conf.broker_transport_options = before
    app._after_fork()


def point_to(address: str) -> None:
    """Have this process send its tasks there."""
    options = {} if address.startswith("memory:") else dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    app.conf.broker_url, app.conf.broker_transport_options = address, options
    app._after_fork()  # forget connections to the broker before


@pytest.fixture(scope="session", autouse=True)
def flushable(request: pytest.FixtureRequest) -> None:
    """Take away the table of the model that ours replaces: PostgreSQL truncates no table that a foreign one refers to.

    Knox's migrations make it though `KNOX_TOKEN_MODEL` names another; Django's flush between tests does not know it.
    """
    if "postgresql" in settings.DATABASES["default"]["ENGINE"]:
        request.getfixturevalue("django_db_setup")
        with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS knox_authtoken")
