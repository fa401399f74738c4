"""What a token may be limited to. An account that comes with one carries it, and everything that asks for rights honours it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TokenScope:
    """Some rights (None: all that the account has), at one place (none: wherever the account has them)."""

    rights: frozenset[str] | None
    organization_id: int | None
    deployment_id: int | None

    def lets(self, right: str) -> bool:
        """Say whether the right is among those that the token may use."""
        return self.rights is None or right in self.rights


def scope_of(person: Any) -> TokenScope | None:
    """Answer the limits of the token that this account came with; None: it came with a password, or is not limited."""
    found: TokenScope | None = getattr(person, "token_scope", None)
    return found
