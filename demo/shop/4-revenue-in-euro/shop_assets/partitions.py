"""How the shop's data is cut."""

import dagster as dg

HOURLY = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00", timezone="Europe/Berlin")
