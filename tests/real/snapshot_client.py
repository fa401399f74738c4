"""The client in the environment of the real Dagster, which is never changed for it."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the client needs and Dagster does not bring comes from our own environment, after all that is Dagster's.
PROGRAM = """#!{python}
import sys
sys.path[0] = {client!r}
sys.path.append({ours!r})
from lastgood.main import main
main()
"""

Lastgood = Callable[..., subprocess.CompletedProcess[bytes]]


def install(directory: Path, bin_dir: Path) -> Lastgood:
    """Put the client into the directory, as the wheel would, and answer how to run it."""
    shutil.copytree(ROOT / "portal" / "cli", directory / "lastgood")
    shutil.copytree(ROOT / "assets" / "definitions", directory / "lastgood" / "definitions")
    program = directory / "program.py"
    ours = sysconfig.get_path("purelib")
    program.write_text(PROGRAM.format(python=bin_dir / "python", client=str(directory), ours=ours))

    def run(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(bin_dir / "python"), str(program), *map(str, words)],
            cwd=cwd,
            env={
                "PATH": f"{bin_dir}:{os.environ['PATH']}",
                "HOME": str(directory),
                "LANG": "C.UTF-8",
                "PYTHONWARNINGS": "ignore",
                "PYTHONDONTWRITEBYTECODE": "1",
                "DAGSTER_DISABLE_TELEMETRY": "yes",
                **environment,
            },
            capture_output=True,
            check=False,
        )

    return run
