"""Where code comes from when the portal fetches it: whose turn it is, the repository's head, and its files in the store."""

from deployments.sourcing.hooks import address_of, forget_old_deliveries, new_secret
from deployments.sourcing.reading import head_of, read_head, sweep
from deployments.sourcing.turns import Turn, TurnLost, claim, due_sources, was_refused

__all__ = [
    "Turn",
    "TurnLost",
    "address_of",
    "claim",
    "due_sources",
    "forget_old_deliveries",
    "head_of",
    "new_secret",
    "read_head",
    "sweep",
    "was_refused",
]
