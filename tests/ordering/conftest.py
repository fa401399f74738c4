"""Real servers for the receiver and the registry. Nothing that is sent to the broker here reaches a worker."""

from collections.abc import Iterator

import pytest

from deployments import drivers
from deployments.models import Deployment
from tests.factories import make_location
from tests.operations.brokers import flushable, silent_broker
from tests.operations.scripted_platform import Served
from tests.ordering.scene import SECRET, ImagePlatform, Scene
from tests.registry_server import RegistryServer
from tests.webhook_server import WebhookServer

__all__ = ["flushable", "silent_broker"]


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    """Answer a receiver of orders."""
    with WebhookServer(SECRET).running() as server:
        yield server


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """Answer an image registry: a small one of our own."""
    with RegistryServer().running() as server:
        yield server


@pytest.fixture
def scene(db, receiver, registry) -> Scene:
    """Answer a location whose image the receiver runs; no platform is connected."""
    location = make_location()
    Deployment.objects.filter(pk=location.deployment_id).update(
        target="webhook", webhook_url=receiver.url, webhook_secret=SECRET, registry=registry.host
    )
    location.refresh_from_db()
    return Scene(receiver, registry, location)


@pytest.fixture
def platform(scene, monkeypatch) -> ImagePlatform:
    """Answer the Dagster that the location's deployment is connected to from now on."""
    scripted = ImagePlatform(serves=Served("server-0", 0))
    monkeypatch.setattr(drivers, "platform_for", lambda location: scripted)
    Deployment.objects.filter(pk=scene.location.deployment_id).update(
        platform="dagster", platform_url="http://127.0.0.1:3000"
    )
    return scripted
