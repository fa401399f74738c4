"""The mail that sales reads at breakfast."""

import dagster as dg

from shop_assets.partitions import DAILY

# Today and the day before.
TWO_DAYS = dg.TimeWindowPartitionMapping(start_offset=-1)


@dg.asset(
    group_name="sales",
    code_version="1",
    partitions_def=DAILY,
    owners=["team:sales"],
    kinds={"email"},
    tags={"tier": "silver"},
    deps=[dg.AssetDep("orders", partition_mapping=TWO_DAYS)],
    metadata={"recipients": ["sales@acme.example"], "sent_at": "06:30"},
)
def order_mail() -> str:
    """How many orders there were, beside the day before."""
    return "2 orders, as many as the day before"
