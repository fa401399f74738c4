"""The demonstration's Airflow: real processes over a location's releases, and the deploys that they show.

Its processes run under the supervisor of `make up`. They read the variables of the release in place when they start, so
that the operator's command (`demo/apply_airflow.py`) has only to end them.
"""

import json
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from deployments import operations
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deployment, Organization, PlatformWatch
from deployments.states import PlatformKind
from portal.airflow_env import ensure_airflow_env
from portal.demo_acting import commit, remembered_port, run_client, write_private

PLACE = "acme/warehouse/default"
BUNDLE = "warehouse"
PROCESSES = ("api-server", "dag-processor", "scheduler")
SOURCES = settings.BASE_DIR / "demo" / "warehouse"
DOWNLOADS = settings.BASE_DIR / "deployments" / "downloads"
NEXT_TRY = "next-try"
REGION = ["--setting", "env.WAREHOUSE_URL=postgresql://warehouse/orders", "--setting", "executor=LocalExecutor"]
# What is deployed, one after another: the folder (empty: no code), what is said of it, and what goes along.
STORY: list[tuple[str, str, list[str]]] = [
    ("1-daily-orders", "Orders, every day", []),
    ("2-refunds", "Refunds, as soon as orders are there", []),
    ("", "Orders go to the warehouse's own database", REGION),
    ("3-does-not-import", "Refunds in euro", []),
]
ASSETS_PATIENCE = 45.0  # seconds: read some time after a deploy went live
START_PATIENCE = 420.0  # seconds: the first start makes Airflow's environment and its database
Say = Callable[[str], None]


def folder_of(data_dir: Path) -> Path:
    """Answer the folder in which the demonstration's Airflow lives."""
    return data_dir / "demo" / "airflow"


def become(process: str, data_dir: Path) -> None:
    """Become one of Airflow's processes, with the variables of the release in place. Returns never."""
    folder = folder_of(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    bin_dir = ensure_airflow_env(settings.BASE_DIR / ".tools", say=print)
    if process == "api-server":
        remembered_port(folder, 8080)
        _prepare(folder, bin_dir)
    while not (folder / "prepared").exists():
        time.sleep(0.5)
    environment = _environment(folder, bin_dir) | _variables()
    (folder / f"{process}.pid").write_text(str(os.getpid()))
    os.chdir(folder)
    os.execve(bin_dir / "airflow", ["airflow", process], os.environ | environment)


def tell_story(*, url: str, token: str, say: Say) -> None:
    """Make the place, wait for its Airflow, and deploy what is not there yet. Safe to call at every start."""
    location = _place(url)
    airflow_url = _wait_for_airflow(say)
    _connect(location.deployment, airflow_url)
    if not airflow_url:
        return
    done = location.deploys.exclude(kind="observed").count()
    if done < len(STORY) and not location.holds.filter(released_at=None).exists():
        _deploy(url, token, location, STORY[done:], say)
    PlatformWatch.objects.filter(deployment=location.deployment_id).update(due_at=timezone.now())
    password = _secrets(folder_of(settings.DATA_DIR))["password"]
    say(f"Airflow is at {airflow_url} (portal, {password}), and runs {target_path(location) / 'current'}. Try:")
    say(f"  .venv/bin/lastgood plan {PLACE} --to last-good")
    say(f"  .venv/bin/lastgood rollback {PLACE} --to last-good --description 'Refunds do not import' --wait")


def _deploy(url: str, token: str, location: CodeLocation, story: list[tuple[str, str, list[str]]], say: Say) -> None:
    project = settings.DATA_DIR / "demo" / "warehouse"
    for source, message, more in story:
        said = list(more)
        if source:
            commit(project, SOURCES / source, message, whole=False)
            said += ["--dags", str(project)]
        say(f"Deploying to Airflow: {message}.")
        run_client(url, token, "deploy", PLACE, *said, "--description", message, "--wait")
        _wait_for_assets(location)
    commit(project, SOURCES / NEXT_TRY, "Refunds say that they are in euro", whole=False)


def _wait_for_assets(location: CodeLocation) -> None:
    """Let what the live deploy defines be read, before the next one comes: people deploy less often than this."""
    ends_at = time.monotonic() + ASSETS_PATIENCE
    while time.monotonic() < ends_at:
        live = CodeLocation.objects.select_related("live_deploy").get(pk=location.pk).live_deploy
        if live is None or live.asset_counts is not None:
            return
        time.sleep(0.5)


def _place(url: str) -> CodeLocation:
    owner = User.objects.get(username="orgadmin")
    organization = Organization.objects.get(slug="acme")
    deployment = Deployment.objects.filter(organization=organization, slug="warehouse").first()
    if deployment is None:
        deployment = operations.create_deployment(
            organization=organization, actor=owner, slug="warehouse", name="Warehouse", platform=PlatformKind.AIRFLOW
        )
    found = CodeLocation.objects.filter(deployment=deployment, name="default").first()
    location = found or operations.create_code_location(deployment=deployment, name="default", actor=owner)
    folder = folder_of(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    kwargs = {"root": str(target_path(location)), "refresh_interval": 5, "portal_url": url, "place": PLACE}
    bundle = {"name": BUNDLE, "classpath": "lastgood_airflow_bundle.LastgoodBundle", "kwargs": kwargs}
    write_private(folder / "bundles.json", json.dumps([bundle]))
    return location


def _connect(deployment: Deployment, airflow_url: str) -> None:
    # Unbuffered, so that the deploy's log has each line when it is said.
    command = [
        sys.executable,
        "-u",
        str(settings.BASE_DIR / "demo" / "apply_airflow.py"),
        str(folder_of(settings.DATA_DIR)),
    ]
    deployment.platform_url, deployment.dag_bundle = airflow_url, BUNDLE
    deployment.platform_user = "portal"
    deployment.platform_password = _secrets(folder_of(settings.DATA_DIR))["password"]
    # What a superuser sets in the admin.
    deployment.command_patience = 180
    deployment.activation_command = shlex.join(command) if airflow_url else ""
    deployment.save()


def _wait_for_airflow(say: Say) -> str:
    folder = folder_of(settings.DATA_DIR)
    say("Waiting for Airflow; the first time, its environment is made, which takes a minute or two …")
    ends_at = time.monotonic() + START_PATIENCE
    while time.monotonic() < ends_at:
        note = folder / "port"
        if note.exists() and (folder / "prepared").exists():
            url = f"http://127.0.0.1:{note.read_text()}"
            try:
                if httpx.get(f"{url}/api/v2/version", timeout=5).is_success:
                    return url
            except httpx.TransportError:
                pass
        time.sleep(0.5)
    say("Airflow did not answer: the demonstration goes on without it. Its logs are airflow-*.log.")
    return ""


def _prepare(folder: Path, bin_dir: Path) -> None:
    """Make the database and the account, once."""
    passwords = folder / "simple_auth_manager_passwords.json.generated"
    write_private(passwords, json.dumps({"portal": _secrets(folder)["password"]}))
    if (folder / "prepared").exists():
        return
    while not (folder / "bundles.json").exists():
        time.sleep(0.5)
    subprocess.run([bin_dir / "airflow", "db", "migrate"], env=os.environ | _environment(folder, bin_dir), check=True)
    (folder / "prepared").touch()


def _environment(folder: Path, bin_dir: Path) -> dict[str, str]:
    known = _secrets(folder)
    url = f"http://127.0.0.1:{(folder / 'port').read_text()}"
    return {
        "PATH": f"{bin_dir}:{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(DOWNLOADS),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "portal:admin",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__FERNET_KEY": known["fernet"],
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": (folder / "port").read_text(),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": known["api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": known["jwt"],
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": (folder / "bundles.json").read_text(),
        # Its own default is a folder that the whole machine shares.
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def _variables() -> dict[str, str]:
    """Answer the variables of the release in place, which is what a settings deploy changes."""
    organization, deployment, location = PLACE.split("/")
    path = (
        settings.LASTGOOD_TARGET_ROOT / organization / deployment / location / "current" / ".lastgood" / "settings.json"
    )
    try:
        found: dict[str, str] = json.loads(path.read_text())["settings"].get("env", {})
    except FileNotFoundError:
        return {}
    return found


def _secrets(folder: Path) -> dict[str, str]:
    """Answer what only this Airflow knows, made once."""
    note = folder / "secrets.json"
    if not note.exists():
        made = {name: secrets.token_hex(32) for name in ("api", "jwt")}
        made |= {"fernet": Fernet.generate_key().decode(), "password": secrets.token_urlsafe(12)}
        aside = folder / f"secrets.{os.getpid()}"
        write_private(aside, json.dumps(made))
        with suppress(FileExistsError):  # another of its processes was quicker
            os.link(aside, note)
        aside.unlink()
    known: dict[str, str] = json.loads(note.read_text())
    return known
