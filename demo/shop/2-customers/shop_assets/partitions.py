"""How the shop's data is cut."""

import dagster as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="Europe/Berlin")
