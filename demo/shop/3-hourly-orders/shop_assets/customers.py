"""Customers, out of their orders."""

import dagster as dg


@dg.asset(
    group_name="sales",
    code_version="1",
    deps=["raw_orders"],
    owners=["team:sales"],
    kinds={"python"},
    tags={"tier": "silver", "pii": "true"},
    metadata={"dagster/table_name": "sales.customers"},
)
def customers() -> list[str]:
    """Everybody who ever ordered."""
    return ["ann@example.com", "bo@example.com"]
