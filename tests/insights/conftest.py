"""A code location whose history a test writes."""

import pytest

from deployments.models import CodeLocation
from tests import factories
from tests.insights.rows import History


@pytest.fixture
def location(db: None) -> CodeLocation:
    """Answer acme/production/shop."""
    return factories.make_location()


@pytest.fixture
def shop(location: CodeLocation) -> History:
    """Answer its history."""
    return History(location)
