"""Environments for tools that never run beside us nor are imported: a real Dagster, a real Airflow.

Each is made once, from a lock with hashes, under `.tools/`; whoever needs it starts processes out of it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "demo"


class ToolEnvFailed(Exception):
    """The environment could not be made; the message ends with what the installer said."""


@dataclass(frozen=True)
class Tool:
    """What an environment is made for: its name as people say it, its folder's name, and the lock it is made from."""

    name: str
    folder: str
    requirements: Path


def ensure_tool_env(tool: Tool, tools_dir: Path, *, say: Callable[[str], None]) -> Path:
    """Answer the `bin` directory of the pinned tool, made under `tools_dir` when it is not there yet.

    Safe to call from several processes at once: one makes it, the others wait. Raises ToolEnvFailed.
    """
    tools_dir = tools_dir.resolve()
    env, wanted = tools_dir / tool.folder, _fingerprint(tool.requirements)
    if _made_from(env) != wanted:
        tools_dir.mkdir(parents=True, exist_ok=True)
        with _locked(tools_dir / f"{tool.folder}.lock"):
            # Another process may have made it while we waited.
            if _made_from(env) != wanted:
                say(f"Installing {tool.name} into {env}: this takes about a minute, once.")
                _make(env, tool.requirements, uv=_find_uv(tools_dir))
                (env / "made-from").write_text(wanted)
    return env / "bin"


def _fingerprint(requirements: Path) -> str:
    """Name what the environment is made from: the lock and our own interpreter."""
    made_from = requirements.read_bytes() + sys.version.encode() + sys.base_prefix.encode()
    return hashlib.sha256(made_from).hexdigest()


def _made_from(env: Path) -> str | None:
    """Answer the fingerprint of a finished environment, None for one that is absent or half made."""
    try:
        return (env / "made-from").read_text()
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file's lock; the kernel gives it back even if we are killed."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find_uv(tools_dir: Path) -> str | None:
    ours = tools_dir / "uv" / "bin" / "uv"
    return str(ours) if ours.exists() else shutil.which("uv")


def _make(env: Path, requirements: Path, *, uv: str | None) -> None:
    """Make the environment from nothing. Raises ToolEnvFailed."""
    # The mark goes first: whoever is killed here leaves nothing that looks finished.
    (env / "made-from").unlink(missing_ok=True)
    shutil.rmtree(env, ignore_errors=True)
    python, locked = str(env / "bin" / "python"), ["--require-hashes", "-r", str(requirements)]
    if uv is not None:
        _run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(env))
        # Compiled now, or every first start of a server pays for it.
        _run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *locked)
    else:
        _run(sys.executable, "-m", "venv", str(env))
        _run(python, "-m", "pip", "install", "--quiet", *locked)


def _run(*command: str) -> None:
    # uv would otherwise install into the environment that happens to be active.
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environ, text=True, capture_output=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise ToolEnvFailed(f"{' '.join(command[:3])} failed ({done.returncode}): {said}")
