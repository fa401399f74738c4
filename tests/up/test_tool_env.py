"""The environment of a tool that runs beside us …"""

import stat
from pathlib import Path

import pytest

from portal.airflow_env import AIRFLOW
from portal.dagster_env import DAGSTER
from portal.tool_env import Tool, ToolEnvFailed, ensure_tool_env

# Stands for uv: makes the folder, and writes down how it was called.
INSTALLER = """#!/bin/sh
echo "$@" >> {calls}
test "$1" = venv && mkdir -p {env}/bin
exit {code}
"""


class Installed:
    """A tool, and an installer that records what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.tools = folder / "tools"
        self.calls = folder / "calls"
        self.lock = folder / "requirements.txt"
        self.lock.write_text("thing==1\n")
        self.said: list[str] = []
        self.answers()

    def answers(self, code: int = 0) -> None:
        installer = self.tools / "uv" / "bin" / "uv"
        installer.parent.mkdir(parents=True, exist_ok=True)
        installer.write_text(INSTALLER.format(calls=self.calls, env=self.tools / "thing-env", code=code))
        installer.chmod(installer.stat().st_mode | stat.S_IXUSR)

    def ensure(self) -> Path:
        return ensure_tool_env(Tool("Thing", "thing-env", self.lock), self.tools, say=self.said.append)

    def count(self) -> int:
        return len(self.calls.read_text().splitlines())


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_is_made_once_from_the_lock(installed: Installed):
    bin_dir = installed.ensure()
    again = installed.ensure()

    assert bin_dir == again == installed.tools / "thing-env" / "bin"
    assert installed.count() == 2
    assert f"--require-hashes -r {installed.lock}" in installed.calls.read_text()
    assert len(installed.said) == 1
    assert "Installing Thing" in installed.said[0]


def test_is_made_anew_when_the_lock_changes(installed: Installed):
    installed.ensure()
    installed.lock.write_text("thing==2\n")
    installed.ensure()

    assert installed.count() == 4


def test_is_not_taken_for_made_when_the_installer_failed(installed: Installed):
    installed.answers(code=3)
    with pytest.raises(ToolEnvFailed, match=r"failed \(3\)"):
        installed.ensure()
    installed.answers()
    installed.ensure()

    assert (installed.tools / "thing-env" / "made-from").exists()


@pytest.mark.parametrize("tool", [AIRFLOW, DAGSTER], ids=lambda tool: tool.name)
def test_is_locked_to_hashes_and_to_no_registry(tool: Tool):
    text = tool.requirements.read_text()

    assert text.count("==") > 50
    assert text.count("--hash=sha256:") > text.count("==")
    assert "://" not in text
    assert "--index" not in text
