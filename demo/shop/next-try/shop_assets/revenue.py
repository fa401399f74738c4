"""Revenue: what it is all for."""

import dagster as dg


@dg.asset(
    group_name="finance",
    code_version="2",
    deps=["orders", "customers"],
    tags={"tier": "gold"},
    metadata={"unit": "EUR", "owner_channel": "#finance"},
)
def daily_revenue() -> float:
    """Euros of one day, refunds taken off."""
    return 16.5 - 4.5
