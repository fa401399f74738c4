"""The shop's data platform."""

import dagster as dg

from shop_assets import customers, mail, orders

nightly = dg.define_asset_job("nightly", selection=["customers"])

defs = dg.Definitions(
    assets=[orders.raw_orders, orders.orders, customers.customers, mail.order_mail],
    jobs=[nightly],
    schedules=[dg.ScheduleDefinition(job=nightly, cron_schedule="0 2 * * *")],
)
