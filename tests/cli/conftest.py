"""A command line without this machine's settings, and a portal that is only a script."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lastgood import retries
from lastgood.main import cli

from .scripted_portal import ScriptedPortal

Run = Callable[..., Result]
Git = Callable[..., str]

_FOREIGN = (
    "LASTGOOD_", "GITHUB_", "GITLAB_", "CI", "BITBUCKET_", "JENKINS_", "GIT_", "CIRCLE", "TF_BUILD", "BUILD_",
    "SYSTEM_",
    "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "CHANGE_BRANCH", "BRANCH_NAME",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders() -> None:
    """Take the place of the server's fixture of this name: the client is tested without Django."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setattr(retries, "BACKOFF", (0.0, 0.0, 0.0))


@pytest.fixture
def portal() -> Iterator[ScriptedPortal]:
    scripted = ScriptedPortal()
    yield scripted
    scripted.close()


@pytest.fixture
def run() -> Run:
    """Run the command line without a portal."""
    return lambda *arguments, **options: CliRunner().invoke(cli, [str(each) for each in arguments], **options)


@pytest.fixture
def ask(run: Run, portal: ScriptedPortal, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line against the scripted portal."""
    monkeypatch.setenv("LASTGOOD_URL", portal.url)
    monkeypatch.setenv("LASTGOOD_TOKEN", "lg_secret")
    return run


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in a repository of its own, tmp_path/work."""
    work = tmp_path / "work"
    work.mkdir()

    def run_git(*arguments: str) -> str:
        who = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=work, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run_git("init", "-q", "-b", "main")
    return run_git


@pytest.fixture
def checkout(git: Git, tmp_path: Path) -> Path:
    """Commit one DAG file."""
    dags = tmp_path / "work" / "dags"
    dags.mkdir()
    (dags / "orders.py").write_text("orders = 1\n")
    git("add", ".")
    git("commit", "-q", "-m", "Add orders\n\nWith a body.")
    return tmp_path / "work"
