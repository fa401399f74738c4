"""How images are named: Docker's rules for `host/repository:tag@digest`."""

import ipaddress
import re
from dataclasses import dataclass

from deployments.targets.base import TargetRefused

DOCKER_HUB = "docker.io"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LONGEST = 500  # letters, as long as a release's image may be
LONGEST_REPOSITORY = 255

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PATH_PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(
    rf"(?P<name>{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?"
)


@dataclass(frozen=True)
class Reference:
    """An image by its full name. `host` has the port, if one is given; `tag` or `digest` may be empty, never both."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def api_host(self) -> str:
        """Answer the host, with port, at which the registry's API is."""
        return "registry-1.docker.io" if self.host == DOCKER_HUB else self.host

    @property
    def api_hostname(self) -> str:
        """Answer the same without port and brackets, as `Registry` asks whether it is allowed."""
        found = _HOST.fullmatch(self.api_host)
        return (found["v6"] or found["name"]) if found else self.api_host


def parse(image: str) -> Reference:
    """Read an image's name as Docker does. Raises TargetRefused with code bad_image."""
    name, tag, digest = _split(image)
    first, slash, rest = name.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first.lower() == "localhost")
    host, path = (first.lower(), rest) if named else (DOCKER_HUB, name)
    if not _is_host(host):
        raise _bad(image, "its host is none")
    if host == "index.docker.io":
        host = DOCKER_HUB
    if len(path) > LONGEST_REPOSITORY or not all(_PATH_PART.fullmatch(part) for part in path.split("/")):
        raise _bad(image, "its repository must be of small letters and digits, in parts divided by / . _ or -")
    repository = f"library/{path}" if host == DOCKER_HUB and "/" not in path else path
    return Reference(host, repository, tag or ("" if digest else "latest"), digest)


def pinned(image: str, digest: str) -> str:
    """Answer "repository@sha256:…", the repository as it was written. Raises TargetRefused with code bad_image."""
    parse(image)
    return f"{_split(image)[0]}@{checked_digest(digest)}"


def checked_digest(digest: str) -> str:
    """Answer the digest if it is one of sha256. Raises TargetRefused with code bad_image."""
    if not DIGEST.fullmatch(digest):
        raise TargetRefused(
            "bad_image", f"{digest[:100]!r} is no image digest: write sha256: and 64 hexadecimal digits."
        )
    return digest


def is_loopback(host: str) -> bool:
    """Answer whether the host, given without port and brackets, is this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(image: str) -> tuple[str, str, str]:
    """Divide into name, tag and digest, where the last two may be missing."""
    if len(image) > LONGEST:
        raise _bad(image, f"it is longer than {LONGEST} letters")
    if "://" in image:
        raise _bad(image, "it is an address, not a name: leave out what stands before the host")
    rest, at, digest = image.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise _bad(image, "what follows the @ must be sha256: and 64 hexadecimal digits")
    name, colon, tag = rest.rpartition(":")
    # The colon before a port has a slash behind it.
    if not colon or "/" in tag:
        return rest, "", digest
    if not _TAG.fullmatch(tag):
        raise _bad(image, "its tag must be of at most 128 letters, digits, _ . and -, not beginning with . or -")
    return name, tag, digest


def _is_host(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if not found or len(host) > 255 or not 0 < int(found["port"] or 443) < 65536:
        return False
    if not found["v6"]:
        return True
    try:
        return bool(ipaddress.IPv6Address(found["v6"]))
    except ValueError:
        return False


def _bad(image: str, why: str) -> TargetRefused:
    # What stands before an @ may be a password.
    named = "The image" if "@" in image else repr(image[:100])
    return TargetRefused(
        "bad_image", f"{named} is no image reference, {why}. Write it like registry.example.com/team/etl:2026-03."
    )
