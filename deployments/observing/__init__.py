"""The history that writes itself: platforms are asked again and again what they loaded, whoever caused it.

Knows no user, and changes nothing but our own rows. Where a deploy of ours runs, execution reads, and nobody here.
"""

from deployments.observing.watching import due_deployments, observe

__all__ = ["due_deployments", "observe"]
