"""Customers, out of their orders."""

import dagster as dg


@dg.asset(
    group_name="crm",
    code_version="2",
    deps=["orders"],
    owners=["dana@acme.example", "team:crm"],
    kinds={"python"},
    tags={"tier": "silver", "pii": "true"},
    metadata={"dagster/table_name": "crm.customers"},
)
def customers() -> list[str]:
    """Everybody who ever paid for an order."""
    return ["ann@example.com", "bo@example.com"]
