"""An environment of its own for a real Dagster, for the demonstration and for the tests.

The lock is made anew, from the repository's root, by

    printf 'dagster==X\\ndagster-webserver==X\\n' | uv pip compile - --universal --python-version 3.12 \\
        --generate-hashes --no-header -o demo/requirements-dagster.txt
"""

from collections.abc import Callable
from pathlib import Path

from portal.tool_env import LOCKS, Tool, ToolEnvFailed, ensure_tool_env

DAGSTER = Tool("Dagster", "dagster-env", LOCKS / "requirements-dagster.txt")
DagsterEnvFailed = ToolEnvFailed


def ensure_dagster_env(tools_dir: Path, *, say: Callable[[str], None]) -> Path:
    """Answer the `bin` directory of the pinned Dagster, made under `tools_dir` at need. Raises DagsterEnvFailed."""
    return ensure_tool_env(DAGSTER, tools_dir, say=say)
