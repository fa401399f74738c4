"""Revenue: what it is all for."""

import dagster as dg


@dg.asset(
    group_name="finance",
    code_version="1",
    deps=["orders", "customers"],
    tags={"tier": "gold"},
    metadata={"unit": "EUR", "owner_channel": "#finance"},
)
def daily_revenue() -> float:
    """Euros of one day."""
    return 16.5
