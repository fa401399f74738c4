"""The order to deploy as one signed POST, for what runs an image somewhere else: Kubernetes, Compose, ECS.

The receiver checks `Lastgood-Signature` (see `verify`), refuses a fence lower than the highest it has seen of that
place with HTTP 409, takes the order with any 2xx, and tells the outcome to `callback_url` in its own time. It knows by
`Lastgood-Delivery` an order that it has seen before: an order is sent again when no answer came.
"""

import contextlib
import hashlib
import hmac
import json
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import httpx

from deployments.targets._asking import Answer, Unanswered, ask
from deployments.targets.base import Holding, Ordered, PlannedRelease, TargetRefused, TargetUnreachable
from portal.common.canonical import canonical_json

ANSWER_BYTES = 64 * 1024
WORDS = 300  # letters of the receiver's that are repeated
TELLING = 16  # letters: such a long part of an address may be a token
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, at: int, body: bytes) -> str:
    """Answer the value of `Lastgood-Signature` for a body sent at that Unix second."""
    mac = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def verify(secret: str, header: str, body: bytes, *, now: float, tolerance: float = 300) -> bool:
    """Answer whether the body was signed with this secret, at most `tolerance` seconds from `now`."""
    found = SIGNATURE.fullmatch(header)
    if not found or not secret:
        return False
    expected = sign(secret, int(found[1]), body).partition(",v1=")[2]
    return hmac.compare_digest(expected, found[2]) and abs(now - int(found[1])) <= tolerance


class WebhookTarget:
    """A receiver that is told what to run. It cannot be asked what runs, nor be told a fence without an order.

    Refuses with stale_fence, target_refused, target_redirects, target_host_not_allowed, no_image, no_secret,
    target_bad_url. Is unreachable with target_unreachable. Messages name the receiver by its host alone.
    """

    puts = frozenset({"image"})

    def __init__(self, url: str, *, secret: str, client: httpx.Client, timeout: float = 10.0) -> None:
        self._url = _checked_url(url)
        self._secret = secret
        self._client = client
        self._timeout = timeout
        self.host = self._url.netloc.decode("ascii")
        self._name = f"The receiver at {self.host}"
        if not secret:
            raise TargetRefused("no_secret", f"{self._name} has no signing secret: set one, on both sides.")

    def read(self) -> Holding:
        """Say that nothing is known: the receiver is not asked."""
        return Holding(in_place=None, fence=0, known=False)

    def raise_fence(self, fence: int) -> Holding:
        """Say that nothing is known. The next order carries the fence."""
        return self.read()

    def prune(self, *, keep: Callable[[int], bool], fence: int) -> list[str]:
        """Remove nothing: images are the registry's."""
        return []

    def activate(self, release: PlannedRelease, *, progress: Callable[[str], None]) -> Ordered:
        """Send the order once. The receiver refuses it if it knows a higher fence."""
        image = release.order.get("image") or ""
        if not image:
            raise TargetRefused(
                "no_image",
                f"Release {release.number} names no image, and {self._name} can run nothing else: "
                "deploy again with an image.",
            )
        body = canonical_json(_order(release))
        progress(f"Sending the order to run {image} to {self.host}.")
        try:
            answer = self._sent(body, release)
        except Unanswered as trouble:
            raise self._without_answer(trouble) from trouble
        self._check(answer, release)
        progress(f"{self._name} took the order (HTTP {answer.status}).")
        return Ordered(name=image)

    def _sent(self, body: bytes, release: PlannedRelease) -> Answer:
        place = quote(str(release.order["place"]), safe="/:@")
        headers = {
            "Content-Type": "application/json",
            "Lastgood-Signature": sign(self._secret, int(time.time()), body),
            "Lastgood-Delivery": f"{place}#{release.number}",
        }
        return ask(
            self._client,
            "POST",
            self._url,
            headers=headers,
            content=body,
            seconds=self._timeout,
            limit=ANSWER_BYTES,
        )

    def _without_answer(self, trouble: Unanswered) -> TargetRefused | TargetUnreachable:
        if trouble.never:
            return TargetRefused("target_host_not_allowed", f"{self._name} {trouble}: give another address.")
        return TargetUnreachable(
            "target_unreachable",
            f"{self._name} {trouble}: check that it runs and that this portal can reach it. "
            "It may have taken the order all the same.",
        )

    def _check(self, answer: Answer, release: PlannedRelease) -> None:
        """Raise for every status but 2xx."""
        status = answer.status
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise TargetRefused(
                "target_redirects",
                f"{self._name} answered with a redirect (HTTP {status}), which is not followed: "
                "give the address that it leads to.",
            )
        words = _said(answer, self._unspeakable(release))
        if status == 409:
            raise TargetRefused(
                "stale_fence",
                f"{self._name} knows a newer order than deploy {release.number} with fence {release.fence}, and "
                f"refused this one (HTTP 409): {words}.",
            )
        if 400 <= status < 500:
            hint = " Check that both sides hold the same signing secret." if status in (401, 403) else ""
            raise TargetRefused("target_refused", f"{self._name} refused the order (HTTP {status}): {words}.{hint}")
        raise TargetUnreachable("target_unreachable", f"{self._name} failed (HTTP {status}): {words}.")

    def _unspeakable(self, release: PlannedRelease) -> list[str]:
        """Answer what is never repeated, the longest first."""
        callback = str(release.order["callback_url"])
        words = {self._secret, callback, str(self._url), self._url.password, *_tokens(self._url)}
        with contextlib.suppress(httpx.InvalidURL):  # the whole of it is among the words
            words |= _tokens(httpx.URL(callback))
        words |= {_one_line(word) for word in words}
        return sorted(words - {""}, key=len, reverse=True)


def _order(release: PlannedRelease) -> dict[str, Any]:
    order = release.order
    return {
        "event": "deploy",
        "place": order["place"],
        "number": release.number,
        "kind": order["kind"],
        "fence": release.fence,
        "release": {
            "digest": release.digest,
            "image": order["image"],
            "image_digest": order["image_digest"],
            "runtime_version": order["runtime_version"],
            "bundles": dict(order["bundles"]),
        },
        "callback_url": order["callback_url"],
    }


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError):
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.raw_host or not 0 < (parsed.port or 443) < 65536:
        # Not repeated: it may hold a password or a token.
        raise TargetRefused(
            "target_bad_url",
            "The receiver's address is no http or https address: write it like https://deployer.example.com/lastgood.",
        )
    return parsed


def _tokens(url: httpx.URL) -> set[str]:
    """Answer the parts of an address, its host apart, that are as long as tokens are."""
    parts = [url.username, *re.split(r"[/?&=;,]", url.raw_path.decode("ascii"))]
    return {form for part in parts for form in (part, unquote(part)) if len(form) >= TELLING}


def _said(answer: Answer, unspeakable: list[str]) -> str:
    """Answer the receiver's own words in one line, without a full stop, and without what is never repeated."""
    text = _one_line(_own_words(answer))
    if not answer.whole:
        # Half of an unspeakable word may stand at the end.
        text = text[: max(0, len(text) - len(unspeakable[0]))]
    for word in unspeakable:
        text = text.replace(word, "…")
    text = text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"
    return text.rstrip(". ") or "it does not say why"


def _own_words(answer: Answer) -> str:
    """Answer the sentence in a JSON answer, or all of a plain one; a page for people says nothing here."""
    kind = answer.headers.get("content-type", "").lower()
    if "html" in kind or answer.headers.get("content-encoding", "identity").lower() != "identity":
        return ""
    text = answer.body.decode(errors="replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(said, dict):
        return next((said[key] for key in ("detail", "message", "error") if isinstance(said.get(key), str)), text)
    return said if isinstance(said, str) else text


def _one_line(text: str) -> str:
    """Answer the text without line breaks and whatever else does not show: control and direction characters."""
    shown = (each for each in text if each.isspace() or not unicodedata.category(each).startswith("C"))
    return " ".join("".join(shown).split())
