"""The environments of real systems, made once for all tests of a process."""

from pathlib import Path

import pytest

from portal.airflow_env import ensure_airflow_env
from tests.real.airflow_server import migrate
from tests.workers import ROOT


@pytest.fixture(scope="session")
def airflow_bin() -> Path:
    """Make Airflow's own environment, once."""
    return ensure_airflow_env(ROOT / ".tools", say=print)


@pytest.fixture(scope="session")
def airflow_template(airflow_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a migrated database, which each server gets a copy of."""
    template = tmp_path_factory.mktemp("airflow") / "template"
    migrate(airflow_bin, template)
    return template
