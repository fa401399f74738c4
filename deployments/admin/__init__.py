"""The operator's view of every row: seen by role, changed through the operations. One file a subject."""

from deployments.admin import (
    accounts,
    alerts,
    history,
    locations,
    places,
    releases,
    sources,
    store,
    surveys,
    users,
    watching,
)

__all__ = [
    "accounts",
    "alerts",
    "history",
    "locations",
    "places",
    "releases",
    "sources",
    "store",
    "surveys",
    "users",
    "watching",
]
