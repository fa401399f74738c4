"""The webhook target, against a receiver of our own"""

import base64
import dataclasses
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.platforms import pinned
from deployments.targets.base import Holding, Ordered, PlannedRelease, TargetRefused, TargetUnreachable
from deployments.targets.webhook import WebhookTarget, sign, verify
from tests.certificates import tls_contexts
from tests.platforms.http_server import Reply, Request, reply
from tests.targets.releases import make_release
from tests.webhook_server import WebhookServer

SECRET = "correct horse battery staple"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"registry.example.com/team/etl@{DIGEST}"
CALLBACK = "https://lastgood.example.com/api/callbacks/q8Zr1vXw0tLm4KpN"
ORDER = {
    "place": "shop/production/etl",
    "kind": "image",
    "image": IMAGE,
    "image_digest": DIGEST,
    "runtime_version": "1.12.3",
    "bundles": {"dags": "cd" * 32},
    "callback_url": CALLBACK,
}


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    with WebhookServer(SECRET).running() as server:
        yield server


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with pinned.client() as client:
        yield client


Make = Callable[..., WebhookTarget]


@pytest.fixture
def make(receiver: WebhookServer, client: httpx.Client) -> Make:
    def made(url: str = "", secret: str = SECRET, timeout: float = 10.0) -> WebhookTarget:
        return WebhookTarget(url or receiver.url, secret=secret, client=client, timeout=timeout)

    return made


def planned(number: int = 7, *, fence: int = 3, **order: Any) -> PlannedRelease:
    return dataclasses.replace(make_release(number, fence=fence), order={**ORDER, **order})


def send(target: WebhookTarget, release: PlannedRelease | None = None) -> Ordered:
    return target.activate(release or planned(), progress=lambda text: None)


def refused(target: WebhookTarget, release: PlannedRelease | None = None) -> TargetRefused:
    with pytest.raises(TargetRefused) as caught:
        send(target, release)
    return caught.value


def unreachable(target: WebhookTarget) -> TargetUnreachable:
    with pytest.raises(TargetUnreachable) as caught:
        send(target)
    assert caught.value.code == "target_unreachable"
    return caught.value


# The order


def test_sends_one_signed_order_that_the_receiver_takes(receiver: WebhookServer, make: Make) -> None:
    told: list[str] = []
    release = planned()

    ordered = make().activate(release, progress=told.append)

    assert ordered == Ordered(name=IMAGE)
    assert receiver.orders == [
        {
            "event": "deploy",
            "place": "shop/production/etl",
            "number": 7,
            "kind": "image",
            "fence": 3,
            "release": {
                "digest": release.digest,
                "image": IMAGE,
                "image_digest": DIGEST,
                "runtime_version": "1.12.3",
                "bundles": {"dags": "cd" * 32},
            },
            "callback_url": CALLBACK,
        }
    ]
    [request] = receiver.requests
    canonical = json.dumps(receiver.orders[0], sort_keys=True, separators=(",", ":")).encode()
    assert request.body == canonical
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "lastgood"
    assert request.headers["Lastgood-Delivery"] == "shop/production/etl#7"
    assert told == [
        f"Sending the order to run {IMAGE} to {receiver.host}.",
        f"The receiver at {receiver.host} took the order (HTTP 202).",
    ]


def test_a_place_that_no_header_can_hold_is_quoted(receiver: WebhookServer, make: Make) -> None:
    send(make(), planned(place="läden/\r\nX-Evil: 1"))

    assert receiver.requests[0].headers["Lastgood-Delivery"] == "l%C3%A4den/%0D%0AX-Evil:%201#7"
    assert receiver.orders[0]["place"] == "läden/\r\nX-Evil: 1"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_takes_the_order(receiver: WebhookServer, make: Make, status: int) -> None:
    receiver.instead = lambda request: reply("" if status == 204 else "thanks", status)

    assert send(make()) == Ordered(name=IMAGE)


def test_cannot_be_looked_into_nor_told_a_fence(receiver: WebhookServer, make: Make) -> None:
    target = make()

    assert target.read() == Holding(in_place=None, fence=0, known=False)
    assert target.raise_fence(9) == Holding(in_place=None, fence=0, known=False)
    assert target.prune(keep=lambda number: False, fence=9) == []
    assert target.puts == {"image"}
    assert receiver.requests == []


# What is refused


def test_refuses_a_release_without_an_image_and_sends_nothing(receiver: WebhookServer, make: Make) -> None:
    for release in (planned(image=""), make_release(7)):
        failure = refused(make(), release)
        assert (failure.code, "Release 7" in str(failure)) == ("no_image", True)
    assert receiver.requests == []


def test_refuses_to_be_made_without_a_secret(make: Make) -> None:
    with pytest.raises(TargetRefused) as caught:
        make("https://deployer.example.com", secret="")
    assert caught.value.code == "no_secret"


@pytest.mark.parametrize(
    "url",
    [
        "deployer.example.com/passw0rd",
        "ftp://u:passw0rd@example.com",
        "https://",
        "http://x:passw0rd/",
        "http://x:99999/",
    ],
)
def test_refuses_an_address_that_is_none_and_does_not_repeat_it(make: Make, url: str) -> None:
    with pytest.raises(TargetRefused) as caught:
        make(url)
    assert caught.value.code == "target_bad_url"
    assert "passw0rd" not in str(caught.value)


def test_another_secret_is_refused_by_the_receiver(receiver: WebhookServer, make: Make) -> None:
    failure = refused(make(secret="another"))

    assert failure.code == "target_refused"
    assert "(HTTP 401): The signature does not fit. Check that both sides" in str(failure)
    assert receiver.orders == []


def test_a_lower_fence_is_stale(receiver: WebhookServer, make: Make) -> None:
    send(make(), planned(8, fence=5))

    failure = refused(make(), planned(7, fence=4))

    assert failure.code == "stale_fence"
    assert "deploy 7 with fence 4" in str(failure)
    assert "Fence 5 was seen already" in str(failure)
    send(make(), planned(8, fence=5))  # the same again is no lower one
    assert [order["number"] for order in receiver.orders] == [8, 8]


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422])
def test_other_4xx_is_refused_with_the_receivers_words(receiver: WebhookServer, make: Make, status: int) -> None:
    receiver.instead = lambda request: reply("  No such\r\nservice\x00\x1b[31m\u202e here.\n", status)

    failure = refused(make())

    assert failure.code == "target_refused"
    assert f"(HTTP {status}): No such service[31m here." in str(failure)
    assert str(failure).isprintable()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_5xx_is_worth_asking_again(receiver: WebhookServer, make: Make, status: int) -> None:
    receiver.instead = lambda request: reply('{"error": "No disk."}', status, content_type="application/json")

    assert f"(HTTP {status}): No disk." in str(unreachable(make()))


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(receiver: WebhookServer, make: Make, status: int) -> None:
    with WebhookServer(SECRET).running() as other:
        receiver.instead = lambda request: reply("", status, location=other.url)
        assert refused(make()).code == "target_redirects"
    assert other.requests == []


def test_a_page_for_people_is_not_repeated(receiver: WebhookServer, make: Make) -> None:
    receiver.instead = lambda request: reply("<html><h1>Nginx</h1></html>", 404, content_type="text/html")

    assert str(refused(make())).endswith("(HTTP 404): it does not say why.")


def test_long_words_are_cut(receiver: WebhookServer, make: Make) -> None:
    receiver.instead = lambda request: reply("word " * 10_000, 400)

    assert len(str(refused(make())).partition("(HTTP 400): ")[2].rstrip(".")) <= 300


# What is never said


def test_secrets_are_never_repeated(receiver: WebhookServer, make: Make) -> None:
    def echo(request: Request) -> Reply:
        hidden = "\x00".join(SECRET)
        spread = SECRET.replace(" ", "\n")
        return reply(f"{hidden} {spread} {CALLBACK} {CALLBACK.rpartition('/')[2]} {request.path} {SECRET}", 400)

    receiver.instead = echo
    url = receiver.url.replace("http://", "http://ann:s3same@") + "/hook-0123456789abcdef?key=zyxwvutsrqponm%2Flk"
    told: list[str] = []
    with pytest.raises(TargetRefused) as caught:
        make(url).activate(planned(), progress=told.append)

    everything = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {told} {make(url)!r}"
    assert receiver.host in everything
    for word in (SECRET, "horse", CALLBACK, "q8Zr1vXw", "s3same", "ann:", "hook-", "zyxwvu", "key=zyx"):
        assert word not in everything
    assert "(HTTP 400): … … … … /lastgood/…?key=… …" in str(caught.value)
    expected = base64.b64encode(b"ann:s3same").decode()
    assert receiver.requests[0].headers["Authorization"] == f"Basic {expected}"


def test_a_secret_of_several_lines_is_not_repeated_in_one(receiver: WebhookServer, make: Make) -> None:
    secret = "two  words\nand more"
    receiver.instead = lambda request: reply(f"Not {secret}!", 400)

    assert str(refused(make(secret=secret))).endswith("(HTTP 400): Not …!.")


def test_half_a_secret_at_the_end_of_what_was_read_is_not_repeated(receiver: WebhookServer, make: Make) -> None:
    half = len(SECRET) // 2
    receiver.instead = lambda request: reply(" " * (64 * 1024 - half) + SECRET, 400)

    assert str(refused(make())).endswith("it does not say why.")


def test_the_message_without_an_answer_names_the_host_alone(client: httpx.Client, make: Make) -> None:
    failure = unreachable(make(f"http://ann:s3same@127.0.0.1:{free_port()}/hook?key=zyx"))

    assert "connection refused" in str(failure)
    for word in ("s3same", "hook", "zyx", SECRET):
        assert word not in str(failure)


# Receivers that are slow, endless, or not there


def test_a_silent_receiver_is_given_up(receiver: WebhookServer, make: Make) -> None:
    def late(request: Request) -> Reply:
        receiver.wait(20)
        return reply("", 202)

    receiver.instead = late
    started = time.monotonic()

    assert "did not answer within 0.5 seconds" in str(unreachable(make(timeout=0.5)))
    assert time.monotonic() - started < 5


def test_a_dripping_head_is_given_up(make: Make) -> None:
    with dripping(b"HTTP/1.1 202 Accepted\r\nX-Slow: ") as url:
        started = time.monotonic()
        assert "did not answer within 0.6 seconds" in str(unreachable(make(url, timeout=0.6)))
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [b"400 Bad Request", b"202 Accepted"])
def test_a_dripping_body_does_not_hold_up_a_status_that_came(make: Make, status: bytes) -> None:
    with dripping(b"HTTP/1.1 " + status + b"\r\n\r\n") as url:
        started = time.monotonic()
        if status.startswith(b"2"):
            assert send(make(url, timeout=0.6)) == Ordered(name=IMAGE)
        else:
            assert refused(make(url, timeout=0.6)).code == "target_refused"
        assert time.monotonic() - started < 5


def test_no_more_is_read_than_is_needed(receiver: WebhookServer, make: Make) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while not receiver.wait(0):
            sent += 65536
            yield b"no " * 21845 + b"!"

    receiver.instead = lambda request: Reply(endless, 422)

    assert "(HTTP 422): no no" in str(refused(make()))
    assert sent < 50 * 1024 * 1024


def test_whoever_does_not_speak_http_is_unreachable(make: Make) -> None:
    with dripping(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as url:
        assert "does not speak HTTP" in str(unreachable(make(url, timeout=5)))


def test_a_name_that_is_unknown_is_unreachable(make: Make) -> None:
    failure = unreachable(make("http://receiver.invalid/"))

    assert str(failure).startswith("The receiver at receiver.invalid cannot be reached (")


def test_a_link_local_address_is_never_called(make: Make) -> None:
    failure = refused(make("http://169.254.169.254/latest"))

    assert failure.code == "target_host_not_allowed"
    assert "link-local address, which is never called" in str(failure)


def test_a_certificate_that_is_not_accepted_is_said(client: httpx.Client, tmp_path: Path) -> None:
    serving, _ = tls_contexts(tmp_path)
    with WebhookServer(SECRET, tls=serving).running() as receiver:
        failure = unreachable(WebhookTarget(receiver.url, secret=SECRET, client=client))

    assert "shows a certificate that is not accepted (self-signed certificate)" in str(failure)
    assert receiver.requests == []


def test_tls_is_bounded_in_time_too(tmp_path: Path) -> None:
    serving, trusting = tls_contexts(tmp_path)
    with WebhookServer(SECRET, tls=serving).running() as receiver, httpx.Client(verify=trusting) as client:
        target = WebhookTarget(receiver.url, secret=SECRET, client=client, timeout=0.8)
        assert send(target) == Ordered(name=IMAGE)
        receiver.instead = lambda request: Reply(lambda: slowly(receiver), 400)
        started = time.monotonic()
        assert refused(target).code == "target_refused"
        assert time.monotonic() - started < 5


# The signature


def test_the_signature_is_hmac_sha256_of_time_and_body() -> None:
    # From: printf '1772625600.{"event":"deploy"}' | openssl dgst -sha256 -hmac 'correct horse'
    expected = "030c8524217077cb4d928850e0ee935d07cc8b77a1c22e5f43086affd874e824"

    assert sign("correct horse", 1772625600, b'{"event":"deploy"}') == f"t=1772625600,v1={expected}"


def test_verifies_what_was_signed_and_nothing_else() -> None:
    header = sign(SECRET, 1000, b"body")

    assert verify(SECRET, header, b"body", now=1000)
    assert verify(SECRET, header, b"body", now=1300)
    assert verify(SECRET, header, b"body", now=700)
    assert not verify(SECRET, header, b"body", now=1301)
    assert not verify(SECRET, header, b"body", now=699)
    assert not verify(SECRET, header, b"body", now=1011, tolerance=10)
    assert not verify(SECRET, header, b"body.", now=1000)
    assert not verify(SECRET + "r", header, b"body", now=1000)
    assert not verify(SECRET, header.replace("t=1000", "t=1001"), b"body", now=1000)
    assert not verify("", sign("", 1000, b"body"), b"body", now=1000)


@pytest.mark.parametrize(
    "header",
    ["", "t=1000", "v1=" + "0" * 64, "t=1000,v1=", "t=١٠٠٠,v1=" + "0" * 64, "t=1000,v1=" + "ä" * 64, "t=" + "9" * 5000],
)
def test_a_header_that_is_none_is_denied(header: str) -> None:
    assert not verify(SECRET, header, b"body", now=1000)


# Small servers


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def slowly(receiver: WebhookServer) -> Iterator[bytes]:
    while not receiver.wait(0.1):
        yield b"x"


@contextmanager
def dripping(beginning: bytes) -> Iterator[str]:
    """Serve one connection: the beginning at once, then a letter every tenth of a second without an end."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(beginning)
                while not over.wait(0.1):
                    connection.sendall(b"x")
        except OSError:
            pass  # the client had enough

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()
