"""Every day's orders, from the shop's files into the warehouse."""

import os
import time

from airflow.sdk import DAG, Asset, task
from helpers import REGION

orders = Asset("warehouse.orders")

with DAG("orders", schedule="@daily", tags=["core"], default_args={"owner": "dana"}, catchup=False) as dag:

    @task
    def fetch() -> int:
        """Pretend to read files for a while: long enough to roll back under it."""
        time.sleep(20)
        return 120

    @task(outlets=[orders])
    def store(count: int) -> str:
        """Say what would have been stored, and where."""
        return f"{count} orders to {os.environ.get('WAREHOUSE_URL', 'nowhere')} in {REGION}"

    store(fetch())
