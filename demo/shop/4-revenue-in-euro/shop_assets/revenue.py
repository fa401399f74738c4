"""Revenue: what it is all for."""

import dagster as dg


@dg.asset(
    group_name="finance",
    code_version="1",
    # The rates are loaded by the platform team, in another project.
    deps=["orders", "customers", "exchange_rates"],
    owners=["team:finance"],
    kinds={"python"},
    tags={"tier": "gold"},
    metadata={"unit": "EUR", "slack": "#finance", "formula": "sum(euros)"},
)
def daily_revenue() -> float:
    """Euros of one day."""
    return 16.5
