"""Refunds, as soon as new orders are there."""

from airflow.sdk import DAG, Asset, task
from money import euro

with DAG("refunds", schedule=[Asset("warehouse.orders")], tags=["core", "money"], catchup=False) as dag:

    @task(outlets=[Asset("warehouse.refunds")])
    def match() -> str:
        """Pretend to match refunds with orders."""
        return euro(3)

    match()
