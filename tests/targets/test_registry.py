"""Asking registries, against a registry of our own"""

import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deployments.platforms import pinned
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.registry import Registry
from tests.certificates import tls_contexts
from tests.registry_server import Asked, RegistryServer, Told, manifest

ANN = ("ann", "pa:ss word")
DIGEST = "sha256:" + "ab" * 32
UNKNOWN = "sha256:" + "00" * 32


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with pinned.client() as client:
        yield client


Make = Callable[..., Registry]


@pytest.fixture
def make(client: httpx.Client) -> Make:
    """Make a registry client that may call 127.0.0.1, and nothing else."""

    def made(login: tuple[str, str] | None = None, timeout: float = 10.0, hosts: str = "127.0.0.1") -> Registry:
        return Registry(
            client, allowed=lambda host: host in hosts.split(), credentials=lambda host: login, timeout=timeout
        )

    return made


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer().running() as server:
        yield server


def refused(ask: Callable[[], object]) -> TargetRefused:
    with pytest.raises(TargetRefused) as caught:
        ask()
    return caught.value


def unreachable(ask: Callable[[], object]) -> TargetUnreachable:
    with pytest.raises(TargetUnreachable) as caught:
        ask()
    assert caught.value.code == "registry_unreachable"
    return caught.value


def authorizations(server: RegistryServer) -> list[str]:
    """Answer the schemes under which the requests came, in order."""
    return [asked.headers.get("authorization", "none").split()[0] for asked in server.requests]


# Tags and digests


def test_a_tag_that_moves_resolves_to_where_it_is(server: RegistryServer, make: Make) -> None:
    registry, image = make(), f"{server.host}/team/etl:v1"
    first = server.push("team/etl", "v1", manifest("one"))
    assert registry.resolve(image) == first == f"sha256:{hashlib.sha256(manifest('one')).hexdigest()}"

    second = server.push("team/etl", "v1", manifest("two"))

    assert registry.resolve(image) == second != first
    assert registry.exists(image, first)
    assert [(asked.method, asked.path) for asked in server.requests] == [
        ("HEAD", "/v2/team/etl/manifests/v1"),
        ("HEAD", "/v2/team/etl/manifests/v1"),
        ("HEAD", f"/v2/team/etl/manifests/{first}"),
    ]
    assert server.requests[0].headers["accept"].split(", ") == [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]


def test_a_digest_is_not_asked_about(server: RegistryServer, make: Make) -> None:
    assert make(hosts="").resolve(f"{server.host}/team/etl:v1@{DIGEST}") == DIGEST
    assert server.requests == []


@pytest.mark.parametrize("tells_digest", [True, False])
def test_deleted_manifests_are_not_there(server: RegistryServer, make: Make, tells_digest: bool) -> None:
    server.tells_digest = tells_digest
    registry, image = make(), f"{server.host}/team/etl:v1"
    gone = server.push("team/etl", "v1", manifest("one"))
    server.push("team/etl", "v2", manifest("two"))
    assert registry.exists(image, gone)

    server.delete("team/etl", gone)

    assert not registry.exists(image, gone)
    assert not registry.exists(f"{server.host}/team/unknown", gone)
    failure = refused(lambda: registry.resolve(image))
    assert failure.code == "image_unknown"
    assert f"{server.host} has no image team/etl with the tag v1" in str(failure)


def test_exists_takes_digests_only(server: RegistryServer, make: Make) -> None:
    assert refused(lambda: make().exists(f"{server.host}/team/etl", "v1")).code == "bad_image"
    assert server.requests == []


def test_without_a_header_the_manifest_is_hashed(server: RegistryServer, make: Make) -> None:
    server.tells_digest = False
    digest = server.push("team/etl", "v1", manifest())

    assert make().resolve(f"{server.host}/team/etl:v1") == digest
    assert [asked.method for asked in server.requests] == ["HEAD", "GET"]


def test_a_manifest_that_was_changed_on_its_way_is_not_believed(server: RegistryServer, make: Make) -> None:
    digest = server.push("team/etl", "v1", manifest())
    image = f"{server.host}/team/etl:v1"
    server.spoil = lambda content: content.replace(b"one", b"two")
    server.tells_digest = False
    assert "another manifest" in str(unreachable(lambda: make().exists(image, digest)))

    def told_late(asked: Asked) -> Told | None:
        if asked.method == "HEAD":
            return Told(200)
        return Told(200, {"Docker-Content-Digest": digest}, manifest("two"))

    server.instead = told_late
    assert "does not hash to its digest" in str(unreachable(lambda: make().resolve(image)))


@pytest.mark.parametrize(
    "told",
    [
        Told(200, {"Docker-Content-Digest": "sha256:abc"}),
        Told(200, {"Docker-Content-Digest": "sha512:" + "ab" * 64}),
        Told(200, {"Content-Type": "text/html"}, b"<html>Log in</html>"),
        Told(200, {}, b"[1]"),
        Told(200, {}, b"[" * 100_000),
        Told(200, {}, b'{"schemaVersion": 2, "x": "' + b"x" * 5_000_000 + b'"}'),
        Told(200, {"Content-Encoding": "gzip"}, manifest()),
        Told(204),
        Told(302),
        Told(302, {"Location": "http://ann:secret@127.0.0.1/"}),
        Told(302, {"Location": "file:///etc/passwd"}),
        Told(302, {"Location": "http://x:secret/"}),
        Told(302, {"Location": "/v2/"}),
        Told(304),
        Told(400),
        Told(405),
        Told(429),
        Told(500),
        Told(503),
    ],
)
def test_odd_answers_are_worth_asking_again(server: RegistryServer, make: Make, told: Told) -> None:
    server.instead = lambda asked: told

    failure = unreachable(lambda: make().resolve(f"{server.host}/team/etl:v1"))

    assert f"The registry {server.host}" in str(failure)
    assert "secret" not in str(failure)


def test_another_digest_than_was_asked_for_is_odd(server: RegistryServer, make: Make) -> None:
    server.instead = lambda asked: Told(200, {"Docker-Content-Digest": DIGEST})

    unreachable(lambda: make().exists(f"{server.host}/team/etl", UNKNOWN))


# Who we are


@pytest.mark.parametrize("tokens", [False, True])
def test_user_and_password_open_the_registry(make: Make, tokens: bool) -> None:
    with RegistryServer(login=ANN, tokens=tokens).running() as server:
        digest = server.push("team/etl", "v1", manifest())
        server.tells_digest = False
        image = f"{server.host}/team/etl:v1"

        assert make(ANN).resolve(image) == digest
        assert make(ANN).exists(image, digest)
        assert not make(ANN).exists(image, UNKNOWN)

    once = ["none", "Basic", "Bearer"] if tokens else ["none", "Basic"]
    assert authorizations(server) == [*once, once[-1], *once, once[-1], *once]


def test_a_token_is_given_to_anybody_by_open_registries(make: Make) -> None:
    with RegistryServer(tokens=True).running() as server:
        digest = server.push("team/etl", "v1", manifest())
        assert make().resolve(f"{server.host}/team/etl:v1") == digest
    assert authorizations(server) == ["none", "none", "Bearer"]


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("login", [None, ("ann", "hunter2hunter2")])
def test_a_wrong_password_is_refused_and_not_said(make: Make, tokens: bool, login: tuple[str, str] | None) -> None:
    with RegistryServer(login=ANN, tokens=tokens).running() as server:
        digest = server.push("team/etl", "v1", manifest())
        registry = make(login)
        for ask in (
            lambda: registry.resolve(f"{server.host}/team/etl:v1"),
            lambda: registry.exists(f"{server.host}/team/etl", digest),
        ):
            failure = refused(ask)
            assert failure.code == "registry_auth"
            assert "check that team/etl is there" in str(failure)
            everything = f"{failure} {failure!r} {failure.__cause__!r} {failure.__context__!r} {registry!r}"
            assert "hunter2" not in everything
            assert "ann" not in everything


def test_credentials_are_asked_for_by_the_name_in_the_image(client: httpx.Client) -> None:
    asked: list[str] = []

    def credentials(host: str) -> tuple[str, str]:
        asked.append(host)
        return ANN

    with RegistryServer(login=ANN).running() as server:
        digest = server.push("team/etl", "v1", manifest())
        registry = Registry(client, allowed=lambda host: True, credentials=credentials)
        assert registry.resolve(f"{server.host}/team/etl:v1") == digest
    assert asked == [server.host]


def test_403_is_refused_without_showing_credentials(server: RegistryServer, make: Make) -> None:
    server.instead = lambda asked: Told(403, {"WWW-Authenticate": "Basic"})

    assert refused(lambda: make(ANN).resolve(f"{server.host}/team/etl")).code == "registry_auth"
    assert authorizations(server) == ["none"]


@pytest.mark.parametrize(
    "challenge",
    ["", "Negotiate", 'Digest realm="x"', "Bearer " + "a-" * 20_000, "a" * 40_000, 'x="' + "\\a" * 20_000],
)
def test_a_challenge_that_leads_nowhere_is_refused(server: RegistryServer, make: Make, challenge: str) -> None:
    server.instead = lambda asked: Told(401, {"WWW-Authenticate": challenge})
    started = time.monotonic()

    assert refused(lambda: make(ANN).resolve(f"{server.host}/team/etl")).code == "registry_auth"
    assert time.monotonic() - started < 3
    assert authorizations(server) == ["none"]


@pytest.mark.parametrize("challenge", ["Bearer", 'Bearer realm="/token"', 'Bearer realm="http://ann:pw@127.0.0.1/"'])
def test_a_token_server_without_an_address_is_odd(server: RegistryServer, make: Make, challenge: str) -> None:
    server.instead = lambda asked: Told(401, {"WWW-Authenticate": challenge})

    assert "names as its token server" in str(unreachable(lambda: make(ANN).resolve(f"{server.host}/team/etl")))
    assert authorizations(server) == ["none"]


def test_what_a_registry_calls_a_host_is_cut(server: RegistryServer, make: Make) -> None:
    server.instead = lambda asked: Told(302, {"Location": f"http://{'a' * 20_000}/"})

    failure = refused(lambda: make().resolve(f"{server.host}/team/etl"))

    assert failure.code == "registry_host_not_allowed"
    assert len(str(failure)) < 400


@pytest.mark.parametrize("challenge", ["Basic", 'basic realm="a, b=c"', 'Negotiate, Basic realm="x", charset="UTF-8"'])
def test_basic_challenges_are_understood(make: Make, challenge: str) -> None:
    with RegistryServer(login=ANN).running() as server:
        digest = server.push("etl", "v1", manifest())

        def instead(asked: Asked) -> Told | None:
            return None if "authorization" in asked.headers else Told(401, {"WWW-Authenticate": challenge})

        server.instead = instead
        assert make(ANN).resolve(f"{server.host}/etl:v1") == digest


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Told(200, {}, b"{}"), "registry_unreachable"),
        (Told(200, {}, b'{"token": "a b\\r\\nX-Evil: 1"}'), "registry_unreachable"),
        (Told(200, {}, b"[]"), "registry_unreachable"),
        (Told(302, {"Location": "/token"}), "registry_unreachable"),
        (Told(429), "registry_unreachable"),
        (Told(500), "registry_unreachable"),
        (Told(400), "registry_auth"),
        (Told(403), "registry_auth"),
        (Told(200, {}, b'{"access_token": "sesame-sesame"}'), "registry_auth"),  # of no use
    ],
)
def test_token_servers_that_give_none(make: Make, told: Told, code: str) -> None:
    with RegistryServer(login=ANN, tokens=True).running() as server:
        server.instead = lambda asked: told if asked.path.startswith("/token") else None
        with pytest.raises((TargetRefused, TargetUnreachable)) as caught:
            make(ANN).resolve(f"{server.host}/team/etl")
    assert caught.value.code == code
    assert "sesame" not in str(caught.value)


# Where credentials go


def test_a_token_server_that_is_not_allowed_is_not_called(make: Make) -> None:
    with (
        RegistryServer(login=ANN, tokens=True).running() as server,
        RegistryServer(login=ANN, tokens=True).running() as other,
    ):
        server.realm = other.realm.replace("127.0.0.1", "localhost")
        failure = refused(lambda: make(ANN).resolve(f"{server.host}/team/etl"))

    assert failure.code == "registry_host_not_allowed"
    assert "is asked at localhost, which this portal may not call" in str(failure)
    assert authorizations(server) == ["none"]
    assert other.requests == []


def test_a_token_server_elsewhere_gets_the_credentials_if_it_is_allowed(make: Make) -> None:
    with (
        RegistryServer(tokens=True).running() as server,
        RegistryServer(login=ANN, tokens=True).running() as other,
    ):
        server.given_tokens = other.given_tokens
        server.realm = other.realm.replace("127.0.0.1", "localhost")
        digest = server.push("team/etl", "v1", manifest())
        assert make(ANN, hosts="127.0.0.1 localhost").resolve(f"{server.host}/team/etl:v1") == digest

    assert authorizations(server) == ["none", "Bearer"]
    assert authorizations(other) == ["Basic"]


def test_a_registry_that_is_not_allowed_is_not_called(server: RegistryServer, make: Make) -> None:
    for ask in (lambda: make(hosts="").resolve(f"{server.host}/etl"), lambda: make().resolve("redis")):
        assert refused(ask).code == "registry_host_not_allowed"
    assert server.requests == []


def test_redirects_lead_to_allowed_hosts_only(server: RegistryServer, make: Make) -> None:
    with RegistryServer().running() as other:
        digest = other.push("team/etl", "v1", manifest())
        elsewhere = f"http://{other.host.replace('127.0.0.1', 'localhost')}"
        server.instead = lambda asked: Told(307, {"Location": elsewhere + asked.path})

        failure = refused(lambda: make().resolve(f"{server.host}/team/etl:v1"))
        assert failure.code == "registry_host_not_allowed"
        assert other.requests == []

        assert make(hosts="127.0.0.1 localhost").resolve(f"{server.host}/team/etl:v1") == digest


@pytest.mark.parametrize("tokens", [False, True])
def test_after_a_redirect_nobody_is_shown_credentials(server: RegistryServer, make: Make, tokens: bool) -> None:
    with RegistryServer(login=ANN, tokens=tokens).running() as other:
        other.push("team/etl", "v1", manifest())
        server.instead = lambda asked: Told(302, {"Location": f"http://{other.host}{asked.path}"})
        failure = refused(lambda: make(ANN).resolve(f"{server.host}/team/etl:v1"))

    assert failure.code == "registry_auth"
    assert authorizations(other) == ["none"]


def test_a_redirect_after_the_login_does_not_take_it_along(make: Make) -> None:
    with RegistryServer(login=ANN).running() as server, RegistryServer().running() as other:
        digest = other.push("team/etl", "v1", manifest())

        def instead(asked: Asked) -> Told | None:
            if "authorization" not in asked.headers:
                return None
            return Told(307, {"Location": f"http://{other.host}{asked.path}"})

        def back(asked: Asked) -> Told | None:
            return Told(307, {"Location": f"http://{server.host}{asked.path}"}) if asked.method == "GET" else None

        server.instead, other.instead, other.tells_digest = instead, back, False
        image = f"{server.host}/team/etl:v1"
        # There and back: whoever has left shows nothing any more, even at home.
        assert refused(lambda: make(ANN).resolve(image)).code == "registry_auth"
        assert authorizations(server) == ["none", "Basic", "Basic", "none"]

        other.instead = None
        assert make(ANN).resolve(image) == digest
    assert set(authorizations(other)) == {"none"}


def test_a_redirect_on_the_same_host_keeps_the_login(make: Make) -> None:
    with RegistryServer(login=ANN).running() as server:
        digest = server.push("team/etl", "v1", manifest())

        def instead(asked: Asked) -> Told | None:
            return Told(308, {"Location": "/v2/team/etl/manifests/v1"}) if "/old/" in asked.path else None

        server.instead = instead
        assert make(ANN).resolve(f"{server.host}/old/etl:v1") == digest


# TLS


def test_a_registry_over_tls_leads_nobody_out_of_it(tmp_path: Path) -> None:
    serving, trusting = tls_contexts(tmp_path)
    with (
        RegistryServer(login=ANN, tokens=True, tls=serving).running() as server,
        RegistryServer(login=ANN, tokens=True).running() as plain,
        httpx.Client(verify=trusting) as client,
    ):
        digest = server.push("team/etl", "v1", manifest())
        image, there = f"{server.host}/team/etl:v1", plain.host.replace("127.0.0.1", "localhost")
        # Plain HTTP would do there, had the registry itself been asked so.
        registry = Registry(
            client, allowed=lambda host: True, credentials=lambda host: ANN, insecure=lambda host: host == "localhost"
        )
        assert registry.resolve(image) == digest

        unreachable(lambda: registry.resolve(f"{plain.host}/team/etl:v1"))
        server.realm = f"http://{there}/token"
        assert "without TLS" in str(unreachable(lambda: registry.resolve(image)))
        server.instead = lambda asked: Told(302, {"Location": f"http://{there}{asked.path}"})
        assert "without TLS" in str(unreachable(lambda: registry.resolve(image)))
    assert plain.requests == []


def test_a_registry_without_tls_leads_to_no_other_that_should_have_it(server: RegistryServer, make: Make) -> None:
    server.instead = lambda asked: Told(302, {"Location": f"http://registry.example.com{asked.path}"})

    failure = unreachable(lambda: make(hosts="127.0.0.1 registry.example.com").resolve(f"{server.host}/etl"))

    assert "leads to registry.example.com without TLS" in str(failure)


def test_a_certificate_that_is_not_accepted_is_said(client: httpx.Client, tmp_path: Path) -> None:
    serving, _ = tls_contexts(tmp_path)
    with RegistryServer(tls=serving).running() as server:
        registry = Registry(
            client, allowed=lambda host: True, credentials=lambda host: ANN, insecure=lambda host: False
        )
        failure = unreachable(lambda: registry.resolve(f"{server.host}/team/etl"))
    assert "shows a certificate that is not accepted (self-signed certificate)" in str(failure)


# Registries that are slow or not there


def test_a_registry_that_is_not_there_is_unreachable(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert "connection refused" in str(unreachable(lambda: make().resolve(f"127.0.0.1:{port}/etl")))


def test_a_silent_registry_is_given_up(server: RegistryServer, make: Make) -> None:
    def late(asked: Asked) -> None:
        server.stopping.wait(20)

    server.instead = late
    started = time.monotonic()

    failure = unreachable(lambda: make(timeout=0.5).resolve(f"{server.host}/etl"))

    assert "did not answer within 0.5 seconds" in str(failure)
    assert time.monotonic() - started < 5


def test_a_dripping_manifest_is_given_up(server: RegistryServer, make: Make) -> None:
    def drip() -> Iterator[bytes]:
        while not server.stopping.wait(0.1):
            yield b" "

    server.instead = lambda asked: Told(200, {}, chunks=drip if asked.method == "GET" else None)
    started = time.monotonic()

    failure = unreachable(lambda: make(timeout=0.6).resolve(f"{server.host}/etl"))

    assert "did not send a whole manifest" in str(failure)
    assert time.monotonic() - started < 5


def test_many_slow_steps_are_bounded_together(server: RegistryServer, make: Make) -> None:
    def slow(asked: Asked) -> Told:
        server.stopping.wait(0.7)
        return Told(302, {"Location": asked.path})

    server.instead = slow

    failure = unreachable(lambda: make(timeout=1.0).resolve(f"{server.host}/etl"))

    assert re.search(r"did not answer within (2|0\.\d+) seconds", str(failure))
    assert len(server.requests) == 3


def test_a_link_local_address_is_never_called(client: httpx.Client) -> None:
    registry = Registry(client, allowed=lambda host: True, credentials=lambda host: ANN)

    failure = refused(lambda: registry.resolve("169.254.169.254/etl"))

    assert failure.code == "registry_host_not_allowed"
    assert "link-local address, which is never called" in str(failure)
