"""Definitions are plain data: their tests need no Django."""

import pytest


@pytest.fixture(autouse=True)
def own_folders() -> None:
    """Take the place of the server's fixture of this name."""
