"""A real Airflow for tests: API server, DAG processor, for runs a scheduler. None stays behind (see minder.py)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tests.real.dagster_server import HOST, MINDER, STOP_SECONDS, free_port

START_SECONDS = 120.0  # two cores, and other work beside us
# Name: role. Each one's password is its name with PASSWORD before it.
USERS = {"portal": "user", "watcher": "viewer", "root": "admin"}
PASSWORD = "secret-of-"
DAGS_FOLDER = "dags-folder"


class AirflowServer:
    """One Airflow in a folder of its own, over `dags` (a folder) or over `bundles` (as dag_bundle_config_list has them).

    `template` is a folder in which `migrate` was called. With `runs` tasks are carried out, too.
    """

    def __init__(
        self,
        home: Path,
        *,
        bin_dir: Path,
        template: Path,
        dags: Path | None = None,
        bundles: list[dict[str, Any]] | None = None,
        python_path: Path | None = None,
        runs: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self._bin_dir = bin_dir
        self._template = template
        self._commands = ["api-server", "dag-processor", *(["scheduler"] if runs else [])]
        self._minders: dict[str, subprocess.Popen[bytes]] = {}
        self._env = _environment(bin_dir, home) | {
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            **(env or {}),
        }
        if dags is not None:
            self._env["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
        if bundles is not None:
            self._env["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(bundles)
        if python_path is not None:
            self._env["PYTHONPATH"] = str(python_path)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all of it, and return once its API answers. Raises RuntimeError, with the log, when it does not."""
        shutil.copytree(self._template, self.home, dirs_exist_ok=True)
        for command in self._commands:
            self.start_one(command)
        give_up_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > give_up_at or self._minders["api-server"].poll() is not None:
                raise RuntimeError(f"Airflow does not answer: {self.log('api-server').read_text()[-3000:]}")
            time.sleep(0.2)

    def start_one(self, command: str) -> None:
        """Start one of its processes."""
        with self.log(command).open("ab") as log:
            self._minders[command] = subprocess.Popen(
                [sys.executable, "-I", "-S", str(MINDER), str(self._bin_dir / "airflow"), command],
                stdin=subprocess.PIPE,  # nothing is ever written: it is how the minder learns of our end
                stdout=log,
                stderr=log,
                cwd=self.home,
                env=self._env,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End all of it, and wait until nothing is left."""
        for command in reversed(list(self._minders)):
            self.stop_one(command)

    def stop_one(self, command: str) -> None:
        """End one of its processes with all that it started."""
        minder = self._minders.pop(command)
        assert minder.stdin is not None
        minder.stdin.close()
        try:
            minder.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(minder.pid, signal.SIGKILL)
            minder.wait()
            raise

    def log(self, command: str) -> Path:
        """Where that process writes what it says."""
        return self.home / f"{command}.log"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/version", timeout=5).is_success
        except httpx.TransportError:
            return False


def migrate(bin_dir: Path, template: Path) -> None:
    """Make the folder that every server of a session begins with: a migrated database, and the users' passwords."""
    template.mkdir(parents=True, exist_ok=True)
    env = _environment(bin_dir, template)
    done = subprocess.run([bin_dir / "airflow", "db", "migrate"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # It may hold the template's own paths: each server has its settings from its environment alone.
    (template / "airflow.cfg").unlink(missing_ok=True)
    passwords = template / "simple_auth_manager_passwords.json.generated"
    passwords.write_text(json.dumps({user: password_of(user) for user in USERS}))


def password_of(user: str) -> str:
    """Answer the user's password."""
    return PASSWORD + user


def _environment(bin_dir: Path, home: Path) -> dict[str, str]:
    return {
        "PATH": f"{bin_dir}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__FERNET_KEY": "iVwXYkv9mAVR4kAaIgQdwMTvyFiRkpBBzoB0gTeRVZo=",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": "only-for-tests" * 4,
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests" * 5,
        # Its own default is a folder that the whole machine shares.
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
