"""A receiver of orders: checks the signature, keeps the fence of each place, takes the order or refuses it."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deployments.targets.webhook import verify
from tests.platforms.http_server import HttpServer, Reply, Request, reply


class WebhookServer:
    """The running receiver. `orders` are those that it took; `instead`, if set, answers in its place."""

    def __init__(self, secret: str, *, tls: ssl.SSLContext | None = None) -> None:
        self.secret = secret
        self.orders: list[dict[str, Any]] = []
        self.fences: dict[str, int] = {}
        self.instead: Callable[[Request], Reply] | None = None
        self._server = HttpServer(self._answer)
        self._scheme = "https" if tls else "http"
        if tls:
            listening = self._server._server
            listening.socket = tls.wrap_socket(listening.socket, server_side=True)

    @property
    def url(self) -> str:
        """Where orders are sent to."""
        return f"{self._scheme}://{self.host}/lastgood"

    @property
    def host(self) -> str:
        """Host and port."""
        return self._server.url.removeprefix("http://")

    @property
    def requests(self) -> list[Request]:
        """Every request that came, whatever its answer was."""
        return self._server.requests

    @contextmanager
    def running(self) -> Iterator["WebhookServer"]:
        """Receive until the end of the block."""
        with self._server.running():
            yield self

    def wait(self, seconds: float) -> bool:
        """Wait, but not longer than the server runs: for answers that come late. Answers whether it is stopping."""
        return self._server.stopping.wait(seconds)

    def _answer(self, request: Request) -> Reply:
        if self.instead is not None:
            return self.instead(request)
        header = request.headers.get("Lastgood-Signature", "")
        if not verify(self.secret, header, request.body, now=time.time()):
            return _problem(401, "The signature does not fit.")
        order = json.loads(request.body)
        if order["fence"] < self.fences.get(order["place"], 0):
            return _problem(409, f"Fence {self.fences[order['place']]} was seen already.")
        self.fences[order["place"]] = order["fence"]
        self.orders.append(order)
        return reply("", 202)


def _problem(status: int, detail: str) -> Reply:
    return reply(json.dumps({"detail": detail}), status, content_type="application/problem+json")
