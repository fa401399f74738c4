"""Orders, as the shop writes them, and cleaned."""

import dagster as dg

HOURLY = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00")


@dg.asset(group_name="sales", code_version="1", partitions_def=HOURLY, tags={"tier": "bronze"})
def raw_orders() -> list[dict[str, object]]:
    """Orders of one hour, as the shop wrote them."""
    return [{"order": 1, "customer": "ann", "cents": 1200}, {"order": 2, "customer": "bo", "cents": 450}]


@dg.asset(group_name="sales", code_version="2", partitions_def=HOURLY, tags={"tier": "gold"})
def orders(raw_orders: list[dict[str, object]]) -> list[dict[str, object]]:
    """Orders with an amount."""
    return [order for order in raw_orders if order["cents"]]
