"""A Dagster behind HTTPS whose certificate is not trusted: said so, with what to do, and asked once."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deployments.platforms import pinned
from deployments.platforms.base import PlatformRefused
from deployments.platforms.dagster import DagsterPlatform
from tests.platforms.conftest import GOOD
from tests.platforms.http_server import HttpServer

LOCAL = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("dagster.example.com")
DAY = timedelta(days=1)


class Certified:
    """A server with a certificate signed by itself; `hellos` counts who tried to connect, `trusting` trusts it."""

    def __init__(self, directory: Path, *, name: x509.GeneralName = LOCAL, days: tuple[int, int] = (-1, 1)) -> None:
        self._file = directory / "certificate.pem"
        self._file.write_bytes(_self_signed(name, days))
        self.hellos = 0
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self._file)
        tls.sni_callback = self._hello
        self.server = HttpServer(lambda request: GOOD, tls=tls)

    def trusting(self) -> httpx.Client:
        return httpx.Client(verify=ssl.create_default_context(cafile=self._file))

    def _hello(self, *_: object) -> None:
        self.hellos += 1


def _self_signed(name: x509.GeneralName, days: tuple[int, int]) -> bytes:
    """Answer a key and its certificate, valid from and until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dagster")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


@contextmanager
def distrusted(certified: Certified, client: httpx.Client) -> Iterator[pytest.ExceptionInfo[PlatformRefused]]:
    """Ask the server, and expect that it is not trusted."""
    with (
        certified.server.running() as server,
        DagsterPlatform(server.url, client=client) as dagster,
        pytest.raises(PlatformRefused) as refused,
    ):
        dagster.version()
    assert refused.value.code == "platform_certificate"
    assert f"{server.url} was not asked: its certificate is not trusted (" in str(refused.value)
    assert str(refused.value).endswith(".")
    assert (certified.hellos, server.requests) == (1, [])
    yield refused


def test_reads_from_a_server_whose_certificate_is_trusted(tmp_path: Path) -> None:
    certified = Certified(tmp_path)
    with certified.server.running() as server, certified.trusting() as client:
        assert DagsterPlatform(server.url, client=client).version() == "1.13.27"


@pytest.mark.parametrize("make", [httpx.Client, pinned.client])
def test_a_certificate_signed_by_itself_is_not_trusted(tmp_path: Path, make: Callable[[], httpx.Client]) -> None:
    with make() as client, distrusted(Certified(tmp_path), client) as refused:
        assert "self-signed certificate" in str(refused.value)
        assert "SSL_CERT_FILE" in str(refused.value)


@pytest.mark.parametrize(
    ("days", "remedy"),
    [((-3, -1), "has expired). Have it renewed"), ((1, 3), "is not yet valid). Compare the clocks")],
)
def test_a_certificate_out_of_its_time_is_not_trusted(tmp_path: Path, days: tuple[int, int], remedy: str) -> None:
    certified = Certified(tmp_path, days=days)
    with certified.trusting() as client, distrusted(certified, client) as refused:
        assert remedy in str(refused.value)


def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path) -> None:
    certified = Certified(tmp_path, name=ELSEWHERE)
    with certified.trusting() as client, distrusted(certified, client) as refused:
        assert "not valid for '127.0.0.1'). Give the address by the name that it was made for" in str(refused.value)


@pytest.mark.parametrize("reload", [lambda dagster: dagster.reload("orders"), lambda dagster: dagster.reload_all()])
def test_a_reload_is_refused_alike(tmp_path: Path, reload: Callable[[DagsterPlatform], bool]) -> None:
    with (
        Certified(tmp_path).server.running() as server,
        DagsterPlatform(server.url) as dagster,
        pytest.raises(PlatformRefused) as refused,
    ):
        reload(dagster)

    assert refused.value.code == "platform_certificate"
