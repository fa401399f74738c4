"""The shop's data platform."""

import dagster as dg

from shop_assets import customers, orders, refunds, revenue

nightly = dg.define_asset_job("nightly", selection=["customers", "refunds", "daily_revenue"])

defs = dg.Definitions(
    assets=[orders.raw_orders, orders.orders, customers.customers, revenue.daily_revenue, refunds.refunds],
    jobs=[nightly],
    schedules=[dg.ScheduleDefinition(job=nightly, cron_schedule="0 2 * * *")],
)
