"""An environment of its own for a real Airflow, for the demonstration and for the tests.

The lock is made anew, from the repository's root, by

    printf 'apache-airflow==X\\n' | uv pip compile - --universal --python-version 3.12 \\
        --generate-hashes --no-header -o demo/requirements-airflow.txt
"""

from collections.abc import Callable
from pathlib import Path

from portal.tool_env import LOCKS, Tool, ToolEnvFailed, ensure_tool_env

AIRFLOW = Tool("Airflow", "airflow-env", LOCKS / "requirements-airflow.txt")
AirflowEnvFailed = ToolEnvFailed


def ensure_airflow_env(tools_dir: Path, *, say: Callable[[str], None]) -> Path:
    """Answer the `bin` directory of the pinned Airflow, made under `tools_dir` at need. Raises AirflowEnvFailed."""
    return ensure_tool_env(AIRFLOW, tools_dir, say=say)
