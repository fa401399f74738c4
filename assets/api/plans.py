"""Rollback plans that say what becomes of the assets."""

from typing import Any

from assets import comparison
from assets.api.representations import compared
from deployments.api import plans
from deployments.planning import Plan
from deployments.states import RollbackScope

MOST = 50


class RollbackPlans(plans.RollbackPlans):
    """What a rollback would do, to the assets too."""

    def body(self, plan: Plan) -> dict[str, Any]:
        """Answer the plan as JSON, with the assets that it would add, remove and change."""
        return {**super().body(plan), "assets": assets_of(plan)}


def assets_of(plan: Plan) -> dict[str, Any] | None:
    """Answer what would become of the assets, the first fifty by their keys; None where nobody knows both sides."""
    if plan.served is None or plan.scope == RollbackScope.SETTINGS:
        return None
    found = comparison.compare(plan.location, plan.served, plan.target)
    if not found.old or not found.new:
        return None
    steps = [
        {
            "key": step.key,
            "kind": step.kind.lower(),
            "change_types": sorted(step.difference.change_types) if step.difference else [],
        }
        for step in found.steps[:MOST]
    ]
    return {**(compared(found) or {}), "results": steps, "more": max(0, len(found.steps) - MOST)}
