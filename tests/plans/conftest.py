"""Nothing that is sent here reaches a worker but by hand."""

import pytest

from deployments.access import Role
from deployments.models import CodeLocation
from tests.api.asking import Api
from tests.factories import make_location, make_member
from tests.operations.brokers import flushable, silent_broker

__all__ = ["flushable", "silent_broker"]


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer acme/production/shop."""
    return make_location()


@pytest.fixture
def editor(location: CodeLocation) -> Api:
    """Answer the client of somebody who may deploy and roll back there."""
    return Api(make_member(Role.EDITOR, location.deployment))
