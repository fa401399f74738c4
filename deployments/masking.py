"""Secrets of a release in what others say: a command's output, a platform's traces. They are hidden before anything is kept."""

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from deployments import configuration
from deployments.models import Deploy
from deployments.platforms.base import LoadError, LocationReport
from portal.common.secret_field import Unreadable

SHORTEST_PIECE = 4  # letters of one line of a secret that has several
MASK = "•••"


class Mask:
    """Hides these secrets, in all the forms in which people and programs write them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._hidden = sorted({form for secret in secrets for form in _forms(secret) if form}, key=len, reverse=True)

    def text(self, said: str) -> str:
        """Answer the text without the secrets."""
        for hidden in self._hidden:
            said = said.replace(hidden, MASK)
        return said

    def plain(self, said: Any) -> Any:
        """Answer plain data with every text in it without the secrets."""
        if isinstance(said, str):
            return self.text(said)
        if isinstance(said, list):
            return [self.plain(each) for each in said]
        return {name: self.plain(each) for name, each in said.items()} if isinstance(said, dict) else said

    def error(self, said: LoadError | None) -> LoadError | None:
        """Answer the error without the secrets."""
        return replace(said, message=self.text(said.message), chain=self.plain(said.chain)) if said else None

    def report(self, said: LocationReport) -> LocationReport:
        """Answer the report with its error without the secrets."""
        return replace(said, error=self.error(said.error)) if said.error else said


def mask_of(*deploys: Deploy | None) -> Mask:
    """Answer what hides the secrets of these deploys' releases. Those whose key is gone cannot be known."""
    secrets: set[str] = set()
    for deploy in deploys:
        if deploy is None or deploy.release is None:
            continue
        try:
            secrets.update(configuration.secrets_in(deploy.release.settings))
        except Unreadable:
            continue
    return Mask(secrets)


def _forms(secret: str) -> Iterator[str]:
    """Answer how a secret looks in a line: as it is, as settings.json has it, as a shell's trace does, piece by piece."""
    yield secret
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield shlex.quote(secret)
    yield secret.replace("'", "'\\''")
    pieces = [piece.strip() for piece in secret.splitlines()]
    yield from (piece for piece in pieces if len(piece) >= SHORTEST_PIECE)
