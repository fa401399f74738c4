"""Carrying a deploy out: claim, put in place, reload, verify, outcome. Taking over the stalled; repairing drift.

Knows no user. No transaction is open while a driver is called; every write that follows a driver's answer asks first,
in the same statement, whether the row is still ours.
"""

from deployments.execution.pipeline import carry_out
from deployments.execution.settling import settle_target
from deployments.execution.takeup import due_deploys, due_targets, expired_holds

__all__ = ["carry_out", "due_deploys", "due_targets", "expired_holds", "settle_target"]
