"""Customers, out of their orders."""

import dagster as dg


@dg.asset(group_name="sales", code_version="1", deps=["orders"], tags={"tier": "silver"}, owners=["team:sales"])
def customers() -> list[str]:
    """Everybody who ever ordered."""
    return ["ann", "bo"]
