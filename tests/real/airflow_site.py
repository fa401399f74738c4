"""Releases of DAGs behind `current`, placed as deploys place them, and the wait until an Airflow has read them."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.platforms.airflow import AirflowPlatform
from deployments.platforms.base import Convergence, Expected, ExpectedFile
from deployments.targets.base import PlannedRelease
from deployments.targets.directory import DirectoryTarget
from tests.targets.releases import digest_of, plans, store_of

PATIENCE = 90.0
BROKEN = "from airflow.sdk import DAG\nimport a_module_that_is_not_there\n"


def dag(dag_id: str, *tasks: str, settings: str = "") -> str:
    """Answer the text of a file with one DAG, whose tasks follow one another."""
    steps = "".join(f"    {name} = EmptyOperator(task_id={name!r})\n" for name in tasks or ("only",))
    order = " >> ".join(tasks or ("only",))
    return (
        "from airflow.providers.standard.operators.empty import EmptyOperator\n"
        "from airflow.sdk import DAG, Asset\n\n"
        f"with DAG({dag_id!r}, {settings or 'schedule=None'}):\n{steps}    {order}\n"
    )


class Site:
    """A directory target of one code location. `put` places a release of DAG files and answers what is to be seen of it."""

    def __init__(self, root: Path) -> None:
        self._target = DirectoryTarget(root)
        self.root = root
        self.dags = root / "current" / "dags"
        self.files: Mapping[str, str] = {}  # what was put last
        self._number = 0

    def put(self, files: Mapping[str, str]) -> Expected:
        """Place a release of these files below dags/."""
        self._number += 1
        self.files = files
        contents = {f"dags/{path}": text.encode() for path, text in files.items()}
        placed_at = datetime.now(UTC)
        placed = self._target.activate(
            PlannedRelease(
                number=self._number,
                digest=digest_of(contents),
                fence=self._number,
                placed_at=placed_at,
                files=plans(contents),
                open_blob=store_of(contents),
            ),
            progress=lambda text: None,
        )
        return Expected(placed.name, {path: _expected_file(path, text) for path, text in files.items()}, placed_at)


def _expected_file(path: str, text: str) -> ExpectedFile:
    return ExpectedFile(path, hashlib.sha256(text.encode()).hexdigest(), lambda: text)


def converged(airflow: AirflowPlatform, expected: Expected) -> Convergence:
    """Ask until Airflow has read what was placed, as a deploy does."""
    airflow.ask_to_read()
    seen: dict[str, Any] = {}
    give_up_at = time.monotonic() + PATIENCE
    while True:
        found = airflow.converge(expected, seen)
        if found.done is not None:
            return found
        assert time.monotonic() < give_up_at, found.words
        seen = found.seen
        time.sleep(0.3)


def wait_for(ask: Callable[[], object], patience: float = PATIENCE) -> None:
    """Return once it answers something true."""
    give_up_at = time.monotonic() + patience
    while not ask():
        assert time.monotonic() < give_up_at
        time.sleep(0.3)
