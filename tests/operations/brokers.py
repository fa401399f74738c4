"""A broker inside the process: what is sent has no worker, and reaches nobody else's portal."""

from collections.abc import Iterator

import pytest

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
    app.conf.broker_url, app.conf.broker_transport_options = address, {}
    app._after_fork()  # forget connections to the broker before
