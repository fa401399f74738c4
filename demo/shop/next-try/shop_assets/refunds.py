"""Refunds: what went back to customers."""

import dagster as dg


@dg.asset(
    group_name="finance",
    code_version="1",
    deps=["orders"],
    owners=["team:finance"],
    kinds={"python"},
    tags={"tier": "silver"},
    metadata={"unit": "EUR", "dagster/table_name": "finance.refunds"},
)
def refunds() -> list[dict[str, object]]:
    """Every order whose money went back, in full or in part."""
    return [{"order_id": 2, "refunded": 4.5}]
