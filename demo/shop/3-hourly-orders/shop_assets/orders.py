"""Orders, as the shop writes them, and cleaned."""

import dagster as dg

from shop_assets.partitions import HOURLY
from shop_assets.warehouse import Row, select

QUERY = """
select
    order_id,
    lower(trim(customer)) as customer,
    cents,
    cents >= 10000 as is_large
from raw_orders
where
    cents > 0
    and order_id is not null
order by order_id
"""

COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("order_id", "int", constraints=dg.TableColumnConstraints(nullable=False, unique=True)),
        dg.TableColumn("customer", "string", "An e-mail address, in small letters.", tags={"pii": "true"}),
        dg.TableColumn("cents", "int"),
        dg.TableColumn("is_large", "bool"),
    ]
)


@dg.asset(
    group_name="sales",
    code_version="2",
    partitions_def=HOURLY,
    owners=["team:sales"],
    kinds={"kafka"},
    tags={"tier": "bronze"},
    metadata={"source": "shop.orders.v2", "consumer_group": "warehouse"},
)
def raw_orders() -> list[Row]:
    """Orders of one hour, as the shop wrote them."""
    return [
        {"order_id": 1, "customer": "Ann@example.com ", "cents": 1200},
        {"order_id": 2, "customer": "bo@example.com", "cents": 450},
        {"order_id": 3, "customer": "ann@example.com", "cents": 0},
    ]


@dg.asset(
    group_name="sales",
    code_version="3",
    partitions_def=HOURLY,
    owners=["team:sales"],
    kinds={"sql"},
    tags={"tier": "gold"},
    metadata={"query": QUERY, "dagster/column_schema": COLUMNS, "dagster/table_name": "sales.orders"},
)
def orders(raw_orders: list[Row]) -> list[Row]:
    """Orders with an amount."""
    return select(QUERY, raw_orders=raw_orders)
