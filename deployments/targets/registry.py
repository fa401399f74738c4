"""What an image registry is asked: which digest a tag has now, and whether a digest is still there."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from deployments.targets._asking import Answer, Unanswered, ask
from deployments.targets.base import TargetRefused, TargetUnreachable
from deployments.targets.images import DIGEST, Reference, checked_digest, is_loopback, parse

MANIFEST_BYTES = 4 * 1024 * 1024  # as much as registries take
TOKEN_BYTES = 256 * 1024
REDIRECTS = 3
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
CHALLENGE_LETTERS = 4000
# A scheme's name, if one begins here, and one of its parameters. Never read twice, however long it is.
CHALLENGE = re.compile(r'(?<![\w-])(?:([\w-]++) ++)?([\w-]++)=(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]++))')


class Registry:
    """Asks registries over their API v2, those of allowed hosts only. Nothing is remembered between two questions.

    `allowed` and `insecure` (which hosts speak plain HTTP) are asked about the host that is called, without its port:
    for Docker Hub that is registry-1.docker.io, and auth.docker.io for tokens. `credentials` is asked for user and
    password with the host as it stands in the image's name, port included: docker.io for Docker Hub.
    Refuses with bad_image, image_unknown, registry_auth, registry_host_not_allowed. Is unreachable with
    registry_unreachable.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        allowed: Callable[[str], bool],
        credentials: Callable[[str], tuple[str, str] | None],
        insecure: Callable[[str], bool] = is_loopback,
        timeout: float = 10.0,
    ) -> None:
        self._means = _Means(client, allowed, credentials, insecure, timeout)

    def resolve(self, image: str) -> str:
        """Answer the digest that the image has now. One that carries its digest is not asked about."""
        reference = parse(image)
        if reference.digest:
            return reference.digest
        digest = _Visit(self._means, reference).digest_of(reference.tag)
        if digest is None:
            raise TargetRefused(
                "image_unknown",
                f"{reference.host} has no image {reference.repository} with the tag {reference.tag}: "
                "push it there, or correct the name.",
            )
        return digest

    def exists(self, image: str, digest: str) -> bool:
        """Answer whether the image's repository holds a manifest with this digest."""
        visit = _Visit(self._means, parse(image))
        found = visit.digest_of(checked_digest(digest))
        if found not in (None, digest):
            raise visit.odd("answered with another manifest than it was asked for")
        return found is not None


@dataclass(frozen=True, repr=False)
class _Means:
    client: httpx.Client
    allowed: Callable[[str], bool]
    credentials: Callable[[str], tuple[str, str] | None]
    insecure: Callable[[str], bool]
    timeout: float


class _Visit:
    """One question to one registry, bounded in time. What authorizes us is shown to that registry alone."""

    def __init__(self, means: _Means, reference: Reference) -> None:
        self._means = means
        self._reference = reference
        self._name = f"The registry {reference.host}"
        self._scheme = "http" if means.insecure(reference.api_hostname) else "https"
        self._home = httpx.URL(f"{self._scheme}://{reference.api_host}/v2/{reference.repository}/manifests/")
        self._authorization = ""
        # Some of the questions and detours may take their whole time, not all of them.
        self._ends_at = time.monotonic() + 2 * means.timeout

    def digest_of(self, which: str) -> str | None:
        """Answer the digest of the manifest with this tag or digest, None if there is none."""
        answer = self._manifest("HEAD", which)
        if answer is None:
            return None
        if told := answer.headers.get("docker-content-digest"):
            return self._valid(told)
        answer = self._manifest("GET", which)
        return None if answer is None else self._hashed(answer)

    def odd(self, what: str) -> TargetUnreachable:
        """Make the exception for an answer that no registry should give."""
        return TargetUnreachable("registry_unreachable", f"{self._name} {what}: check that it is one, or ask later.")

    def _valid(self, digest: str) -> str:
        if not DIGEST.fullmatch(digest):
            raise self.odd("named a digest that is not one of sha256")
        return digest

    def _hashed(self, answer: Answer) -> str:
        """Answer the digest of a manifest's bytes, which must be a manifest and what its own header says."""
        if not answer.whole or answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise self.odd("did not send a whole manifest")
        try:
            manifest = json.loads(answer.body)
        except (ValueError, RecursionError):
            manifest = None
        # A login page, say, has a digest too.
        if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
            raise self.odd("sent something else than a manifest")
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if answer.headers.get("docker-content-digest", digest) != digest:
            raise self.odd("sent a manifest that does not hash to its digest")
        return digest

    def _manifest(self, method: str, which: str) -> Answer | None:
        """Ask for a manifest, with credentials if the registry wants them. None: there is no such manifest."""
        url = self._home.join(f"./{which}")
        answer, at_home = self._followed(method, url)
        if answer.status == 401 and at_home and not self._authorization:
            self._authorization = self._authorized(answer)
            answer, at_home = self._followed(method, url)
        if answer.status in (401, 403):
            raise self._unauthorized(f"refused us (HTTP {answer.status})")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.odd(f"could not answer (HTTP {answer.status})")
        return answer

    # The way there

    def _followed(self, method: str, url: httpx.URL) -> tuple[Answer, bool]:
        """Ask, following redirects to allowed hosts. Answers also whether only the registry itself was asked."""
        at_home = True
        for _ in range(REDIRECTS + 1):
            headers = {"Accept": MANIFESTS}
            if at_home and self._authorization:
                headers["Authorization"] = self._authorization
            answer = self._asked(method, url, headers, MANIFEST_BYTES)
            if answer.status not in (301, 302, 303, 307, 308):
                return answer, at_home
            url = self._read_url(answer.headers.get("location", ""), "redirects to", base=url)
            at_home = at_home and _origin(url) == _origin(self._home)
        raise self.odd("redirects without an end")

    def _read_url(self, text: str, what: str, *, base: httpx.URL | None = None) -> httpx.URL:
        """Read an address that the registry gave."""
        try:
            url = base.join(text) if base and text else httpx.URL(text)
        except (httpx.InvalidURL, UnicodeError):
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.raw_host or url.userinfo:
            raise self.odd(f"{what} something that is no address")
        return url

    def _asked(self, method: str, url: httpx.URL, headers: dict[str, str], limit: int) -> Answer:
        """Ask an address once, if its host is allowed and the way there is safe."""
        host = _host(url)
        if not self._means.allowed(host):
            raise TargetRefused(
                "registry_host_not_allowed",
                f"{self._name} is asked at {host[:100]}, which this portal may not call: an operator allows hosts.",
            )
        # Whoever is spoken to over TLS does not lead us out of it.
        if url.scheme == "http" and (self._scheme == "https" or not self._means.insecure(host)):
            raise self.odd(f"leads to {host[:100]} without TLS")
        seconds = min(self._means.timeout, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise self.odd(f"did not answer within {2 * self._means.timeout:.3g} seconds")
        who = (
            self._name
            if _origin(url) == _origin(self._home)
            else f"{host[:100]} (the registry {self._reference.host} leads there)"
        )
        try:
            return ask(self._means.client, method, url, headers=headers, seconds=seconds, limit=limit)
        except Unanswered as trouble:
            if trouble.never:
                raise TargetRefused("registry_host_not_allowed", f"{who} {trouble}.") from trouble
            raise TargetUnreachable("registry_unreachable", f"{who} {trouble}: check that it runs.") from trouble

    # Who we are

    def _authorized(self, answer: Answer) -> str:
        """Answer the Authorization that the registry asks for."""
        challenges = _challenges(answer.headers)
        credentials = self._means.credentials(self._reference.host)
        if "bearer" in challenges:
            return f"Bearer {self._token(challenges['bearer'], credentials)}"
        if "basic" not in challenges:
            raise self._unauthorized("wants to know who we are, in a way that is neither Bearer nor Basic")
        if credentials is None:
            raise self._unauthorized("wants a user and a password (HTTP 401)")
        return _basic(credentials)

    def _token(self, challenge: dict[str, str], credentials: tuple[str, str] | None) -> str:
        """Get a token from the realm that the registry named."""
        realm = self._read_url(challenge.get("realm", ""), "names as its token server")
        asked = {"scope": f"repository:{self._reference.repository}:pull"}
        asked |= {name: challenge[name] for name in ("service", "scope") if challenge.get(name)}
        headers = {"Authorization": _basic(credentials)} if credentials else {}
        answer = self._asked("GET", realm.copy_merge_params(asked), headers, TOKEN_BYTES)
        if answer.status >= 500 or answer.status == 429:
            raise self.odd(f"has a token server that could not answer (HTTP {answer.status})")
        if 400 <= answer.status < 500:
            raise self._unauthorized(f"has a token server that refused us (HTTP {answer.status})")
        try:
            given = json.loads(answer.body)
            token = given.get("token") or given.get("access_token")
        except (ValueError, RecursionError, AttributeError):
            token = None
        if answer.status != 200 or not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise self.odd(f"has a token server that gave no token (HTTP {answer.status})")
        return token

    def _unauthorized(self, what: str) -> TargetRefused:
        return TargetRefused(
            "registry_auth",
            f"{self._name} {what}: check that {self._reference.repository} is there, and the user and password that "
            "are set for this registry.",
        )


def _host(url: httpx.URL) -> str:
    """Answer the host without its port; of IPv6 without the brackets."""
    return url.raw_host.decode("ascii").lower()


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, _host(url), url.port or (443 if url.scheme == "https" else 80)


def _basic(credentials: tuple[str, str]) -> str:
    return f"Basic {base64.b64encode(':'.join(credentials).encode()).decode()}"


def _challenges(headers: httpx.Headers) -> dict[str, dict[str, str]]:
    """Answer what WWW-Authenticate asks for: the parameters by the scheme, in small letters."""
    found: dict[str, dict[str, str]] = {}
    for line in headers.get_list("www-authenticate"):
        # Basic may come without a parameter.
        scheme = line.strip().lower() if " " not in line.strip() else ""
        if scheme:
            found[scheme] = {}
        for match in CHALLENGE.finditer(line[:CHALLENGE_LETTERS]):
            scheme = (match[1] or scheme).lower()
            quoted = re.sub(r"\\(.)", r"\1", match[3] or "")
            found.setdefault(scheme, {}).setdefault(match[2].lower(), quoted or match[4] or "")
    return found
