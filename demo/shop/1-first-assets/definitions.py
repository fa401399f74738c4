"""The shop's data platform."""

import dagster as dg

from shop_assets import mail, orders

defs = dg.Definitions(
    assets=[orders.raw_orders, orders.orders, mail.order_mail],
)
