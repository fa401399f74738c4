"""The operator's view of every row: seen by role, changed through the operations. One file a subject."""

from deployments.admin import accounts, history, places, releases, store, users

__all__ = ["accounts", "history", "places", "releases", "store", "users"]
