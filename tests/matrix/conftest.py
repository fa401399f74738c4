"""The scene is built once a module, and every test of it is undone: there are many of them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from tests.matrix.scene import Scene, make_scene, with_visitors
from tests.operations.brokers import silent_broker

__all__ = ["silent_broker"]


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    """Forget who signed in how often."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Name a folder for the scene's bytes."""
    return {
        "BACKEND": "deployments.bundles.local.DurableFileStorage",
        "OPTIONS": {"location": str(tmp_path_factory.mktemp("blobs"))},
    }


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any, blobs: dict[str, Any]) -> Iterator[Scene]:
    """Build the scene in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(STORAGES={**django_settings.STORAGES, "blobs": blobs}):
            made = with_visitors(make_scene())
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def scene(built: Scene, db: None, settings: Any, blobs: dict[str, Any]) -> Scene:
    """Answer the scene; what the test does to it is undone."""
    settings.STORAGES = {**settings.STORAGES, "blobs": blobs}
    return built
