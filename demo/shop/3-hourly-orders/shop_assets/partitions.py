"""How the shop's data is cut."""

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="Europe/Berlin")
HOURLY = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00", timezone="Europe/Berlin")
