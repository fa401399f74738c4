"""A code location whose image something else runs: a receiver of orders, a registry, and a Dagster that shows images."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from deployments import execution
from deployments.models import CodeLocation, Deploy
from deployments.platforms.base import LocationReport
from tests.factories import ask_rollback, carry_out, fresh
from tests.operations.asking import look_again, push_parts
from tests.operations.scripted_platform import ScriptedPlatform, Served
from tests.registry_server import RegistryServer, manifest
from tests.webhook_server import WebhookServer

REPOSITORY = "team/etl"
SECRET = "correct horse battery staple"


@dataclass
class ImagePlatform(ScriptedPlatform):
    """Shows the image that it runs, as Dagster does of code servers that are told theirs."""

    shows: str = ""

    def report(self, location: str) -> LocationReport | None:
        """Answer what is served, with the image."""
        report = super().report(location)
        return report and replace(report, metadata={"image": self.shows} if self.shows else {})

    def runs(self, image: str, server: str, digest: int) -> None:
        """Have another server of this image answer from now on, also after reloads."""
        self.shows, self.serves = image, Served(server, digest)


@dataclass
class Scene:
    """The three, and what is done with them."""

    receiver: WebhookServer
    registry: RegistryServer
    location: CodeLocation
    digests: dict[str, str] = field(default_factory=dict)

    def image(self, tag: str) -> str:
        """Answer the image by its tag."""
        return f"{self.registry.host}/{REPOSITORY}:{tag}"

    def pinned(self, tag: str) -> str:
        """Answer the image by the digest that was last built for the tag."""
        return f"{self.registry.host}/{REPOSITORY}@{self.digests[tag]}"

    def build(self, tag: str, word: str = "") -> str:
        """Put an image into the registry, a different one for each word, and answer its digest."""
        self.digests[tag] = self.registry.push(REPOSITORY, tag, manifest(word or tag))
        return self.digests[tag]

    def forget(self, tag: str) -> None:
        """Remove the tag's image from the registry."""
        self.registry.delete(REPOSITORY, self.digests[tag])

    def push(self, tag: str, **said: Any) -> Deploy:
        """Ask for a deploy of the tag."""
        return push_parts(fresh(self.location), image=self.image(tag), **said)

    def order(self, tag: str, **said: Any) -> Deploy:
        """Deploy the tag until the order is out."""
        return carry_out(self.push(tag, **said))

    def deploy(self, tag: str) -> Deploy:
        """Build the tag if need be, deploy it, and have the receiver say that it is done."""
        if tag not in self.digests:
            self.build(tag)
        return self.done(self.order(tag))

    def ask_rollback(self, to: int | str) -> Deploy:
        """Ask for a rollback."""
        return ask_rollback(fresh(self.location), to)

    def done(self, deploy: Deploy) -> Deploy:
        """Have the receiver say that the order was carried out, and go on."""
        assert self.answer({"outcome": "succeeded"}).status_code == 204
        return look_again(deploy)

    def answer(self, said: Any, *, url: str = "", **more: Any) -> HttpResponse:
        """Answer the newest order, or another one, as its receiver does."""
        return answer(url or self.receiver.orders[-1]["callback_url"], said, **more)


def answer(url: str, said: Any, *, content_type: str = "application/json") -> HttpResponse:
    """Post an answer to the address of a callback, with no credentials at all."""
    path = "/api/v1/callbacks/" + url.partition("/api/v1/callbacks/")[2]
    client = Client(raise_request_exception=False)
    return client.post(path, said, content_type=content_type)


def at(deploy: Deploy, *, later: timedelta) -> Deploy:
    """Answer the deploy as it is after a look so much later."""
    return look_again(deploy, later=later)


def due(deploy: Deploy) -> bool:
    """Say whether the schedule would have a worker look at it now."""
    found = execution.due_deploys(rollbacks=deploy.is_rollback)
    return deploy.pk in [each.pk for each in found]


def now_again(deploy: Deploy) -> Deploy:
    """Carry it out by a call as the broker makes it, and answer it as it is then."""
    execution.carry_out(deploy.pk, clock=timezone.now)
    return Deploy.objects.get(pk=deploy.pk)
