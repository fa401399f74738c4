"""The receiver that the README shows takes our orders, refuses others', and calls back."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.targets.base import PlannedRelease, TargetRefused
from deployments.targets.webhook import WebhookTarget
from tests.real.dagster_server import free_port

README = Path(__file__).parents[2] / "README.md"
IMAGE = f"registry.example/shop@sha256:{'a' * 64}"
KUBECTL = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/called"
test ! -e "$(dirname "$0")/broken"
"""


@pytest.fixture
def answers() -> Iterator[tuple[str, list[Any]]]:
    """Stand where the portal takes callbacks; answer the address, and what came."""
    came: list[Any] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/callback/", came
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[str]:
    """Run what stands in the README, with a kubectl that only writes down what it was asked."""
    (found,) = re.findall(r"```python\n(import hashlib.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "receiver.py").write_text(found)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    port = free_port()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LASTGOOD_SECRET": "sesame", "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "receiver.py"], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: process.poll() is None and _listens(port))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 501
    except httpx.TransportError:
        return False


def wait_until(true: Any) -> None:
    ends_at = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def order(url: str, callback: str, *, fence: int, secret: str = "sesame") -> Any:
    release = PlannedRelease(
        number=7,
        digest="b" * 64,
        fence=fence,
        placed_at=datetime.now(UTC),
        files=(),
        open_blob=lambda sha256: pytest.fail(sha256),
        order={
            "place": "acme/production/shop",
            "kind": "image",
            "image": IMAGE,
            "image_digest": IMAGE.partition("@")[2],
            "runtime_version": "",
            "bundles": {},
            "callback_url": callback,
        },
    )
    with httpx.Client() as client:
        return WebhookTarget(url, secret=secret, client=client).activate(release, progress=lambda words: None)


def test_carries_an_order_out_and_calls_back(receiver, answers, tmp_path):
    callback, came = answers

    ordered = order(receiver, callback, fence=3)
    wait_until(lambda: came)

    assert ordered.name == IMAGE
    assert came == [{"outcome": "succeeded"}]
    called = (tmp_path / "called").read_text().splitlines()
    assert called == [f"set image deployment/shop shop={IMAGE}", "rollout status deployment/shop"]


def test_says_when_it_failed(receiver, answers, tmp_path):
    (tmp_path / "broken").touch()
    callback, came = answers

    order(receiver, callback, fence=3)
    wait_until(lambda: came)

    assert came == [{"outcome": "failed"}]


def test_refuses_strangers_and_the_overtaken(receiver, answers, tmp_path):
    callback, came = answers
    with pytest.raises(TargetRefused) as stranger:
        order(receiver, callback, fence=9, secret="guess")
    order(receiver, callback, fence=5)
    with pytest.raises(TargetRefused) as overtaken:
        order(receiver, callback, fence=4)
    wait_until(lambda: came)

    assert (stranger.value.code, overtaken.value.code) == ("target_refused", "stale_fence")
    assert len((tmp_path / "called").read_text().splitlines()) == 2
