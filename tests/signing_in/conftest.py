"""Nobody is slowed down by who signed in in another test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def unthrottled(db: None) -> Iterator[None]:
    """Forget who signed in how often."""
    cache.clear()
    yield
    cache.clear()
