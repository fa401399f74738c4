"""How images are named"""

from collections.abc import Callable

import pytest

from deployments.targets.base import TargetRefused
from deployments.targets.images import Reference, is_loopback, parse, pinned

DIGEST = "sha256:" + "ab" * 32
UNKNOWN = "sha256:" + "00" * 32


def refused(ask: Callable[[], object]) -> TargetRefused:
    with pytest.raises(TargetRefused) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis", Reference("docker.io", "library/redis", "latest", "")),
        ("redis:7", Reference("docker.io", "library/redis", "7", "")),
        ("team/etl:v1", Reference("docker.io", "team/etl", "v1", "")),
        ("docker.io/redis", Reference("docker.io", "library/redis", "latest", "")),
        ("index.docker.io/team/etl", Reference("docker.io", "team/etl", "latest", "")),
        ("localhost/etl", Reference("localhost", "etl", "latest", "")),
        ("localhost:5000/etl:V.1_x-y", Reference("localhost:5000", "etl", "V.1_x-y", "")),
        ("registry:5000/etl", Reference("registry:5000", "etl", "latest", "")),
        ("Registry.Example.com/a/b/c-d__e.f:1", Reference("registry.example.com", "a/b/c-d__e.f", "1", "")),
        ("[::1]:5000/etl", Reference("[::1]:5000", "etl", "latest", "")),
        (f"quay.io/team/etl@{DIGEST}", Reference("quay.io", "team/etl", "", DIGEST)),
        (f"quay.io/team/etl:v1@{DIGEST}", Reference("quay.io", "team/etl", "v1", DIGEST)),
    ],
)
def test_reads_references_as_docker_does(image: str, expected: Reference) -> None:
    assert parse(image) == expected


def test_docker_hubs_api_is_on_another_host() -> None:
    assert parse("redis").api_host == "registry-1.docker.io"
    assert parse("localhost:5000/redis").api_host == "localhost:5000"


def test_knows_the_host_without_its_port() -> None:
    assert parse("redis").api_hostname == "registry-1.docker.io"
    assert parse("localhost:5000/redis").api_hostname == "localhost"
    assert parse("10.0.0.1/redis").api_hostname == "10.0.0.1"
    assert parse("[::1]:5000/redis").api_hostname == "::1"


@pytest.mark.parametrize(
    "image",
    [
        "",
        " ",
        "redis ",
        "re dis",
        "redis\n",
        "-redis",
        "-registry.example.com/redis",
        "Redis",
        "quay.io/Team/etl",
        "a//b",
        "/a",
        "a/",
        "quay.io/",
        "a..b/c/../d",
        "quay.io/a/../b",
        "redis:",
        "redis:-1",
        "redis:" + "1" * 129,
        "redis:ü",
        "quay.io:0/redis",
        "quay.io:65536/redis",
        "quay.io:x/redis",
        "[::g]:80/redis",
        "[::1/redis",
        "a_b.c/redis",
        "https://quay.io/redis",
        "quay.io?x/redis",
        "quay.io#x/redis",
        "redis@sha256:abc",
        f"redis@{DIGEST}x",
        f"redis@{DIGEST}@{DIGEST}",
        f"@{DIGEST}",
        "redis@sha512:" + "ab" * 64,
        "a" * 256,
        "a/" * 300 + "a",
        "a-" * 120_000,
    ],
)
def test_refuses_what_is_no_reference(image: str) -> None:
    failure = refused(lambda: parse(image))

    assert failure.code == "bad_image"
    assert len(str(failure)) < 400


def test_does_not_repeat_what_may_be_a_password() -> None:
    assert "passw0rd" not in str(refused(lambda: parse("ann:passw0rd@quay.io/team/etl")))


def test_pins_an_image_in_its_own_spelling() -> None:
    assert pinned("redis", DIGEST) == f"redis@{DIGEST}"
    assert pinned("localhost:5000/etl:v1", DIGEST) == f"localhost:5000/etl@{DIGEST}"
    assert pinned(f"Quay.io/team/etl:v1@{UNKNOWN}", DIGEST) == f"Quay.io/team/etl@{DIGEST}"
    assert refused(lambda: pinned("redis", "sha256:ABC")).code == "bad_image"
    assert refused(lambda: pinned("Redis", DIGEST)).code == "bad_image"


def test_knows_loopback_hosts() -> None:
    assert all(is_loopback(host) for host in ("localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1"))
    assert not any(is_loopback(host) for host in ("127.0.0.1.example.com", "10.0.0.1", "::2", "localhost.example.com"))
