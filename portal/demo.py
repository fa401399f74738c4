"""The demonstration: an organization, its people, and a small Dagster project, deployed through the pipeline.

Nothing here writes history: the client deploys each version over HTTP, as CI would, and real workers carry it out.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from deployments import access, operations
from deployments.access import Role
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deployment, Organization, PlatformWatch, Token
from deployments.states import PlatformKind
from portal.dagster_env import ensure_dagster_env

PLACE = "acme/production/shop"
PEOPLE = {
    "orgadmin": Role.ORGANIZATION_ADMIN,
    "admin": Role.ADMIN,
    "editor": Role.EDITOR,
    "deployer": Role.DEPLOYER,
    "viewer": Role.VIEWER,
}
# The superuser: whoever tries the portal out wants to see the admin, too.
OPERATOR = "operator"
VERSIONS = {
    "1-first-assets": "Orders, raw and cleaned",
    "2-customers": "Customers, and a nightly job",
    "3-hourly-orders": "Orders by the hour, not by the day",
    "4-revenue-in-euro": "Daily revenue in euro",
    "5-does-not-import": "Refunds",
}
BROKEN = "5-does-not-import"
NEXT_TRY = "next-try"
SOURCES = settings.BASE_DIR / "demo" / "shop"
# What each version defines, as `lastgood snapshot` says it in an environment that has Dagster. What does not import,
# defines nothing that anybody could say.
SNAPSHOTS = settings.BASE_DIR / "demo" / "snapshots"
START_PATIENCE = 300.0  # seconds: the first start makes Dagster's environment

Say = Callable[[str], None]


def ensure_demo(*, url: str, dagster: bool, say: Say) -> None:
    """Make what is missing of the demonstration, and say what to try. Safe to call at every start."""
    people = _people()
    location = _place()
    dagster_url = _wait_for_dagster(say) if dagster else ""
    Deployment.objects.filter(pk=location.deployment_id).update(platform_url=dagster_url)
    _write_notes(url, people, dagster_url)
    if dagster_url and not location.deploys.exists():
        _look_later(location)
    _deploy_versions(url, people["deployer"]["token"], location, broken_too=bool(dagster_url), say=say)
    PlatformWatch.objects.filter(deployment=location.deployment_id).update(due_at=timezone.now())
    _say_what_to_try(url, people, dagster_url, say)


def dagster_command(data_dir: Path) -> tuple[list[str], dict[str, str], Path]:
    """Answer the command, the environment and the folder of a Dagster that serves what is deployed."""
    program = ensure_dagster_env(settings.BASE_DIR / ".tools", say=print) / "dagster-webserver"
    folder = data_dir / "demo" / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    code = settings.LASTGOOD_TARGET_ROOT / PLACE / "current" / "dags"
    workspace = folder / "workspace.yaml"
    entry = {"relative_path": f"{code}/definitions.py", "working_directory": str(code), "location_name": "shop"}
    # JSON is YAML, and quotes whatever a path may hold.
    workspace.write_text(json.dumps({"load_from": [{"python_file": entry}]}, indent=2))
    port = _dagster_port(folder)
    environment = {"DAGSTER_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    environment["PATH"] = f"{program.parent}:{os.environ.get('PATH', '')}"
    return [str(program), "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)], environment, folder


def _dagster_port(folder: Path) -> int:
    """Answer a free port and remember it: the one of before if it still is, or 3000, or any."""
    note = folder / "port"
    before = int(note.read_text()) if note.exists() else 3000
    for port in (before, 0):
        with socket.socket() as probe:
            # gRPC and HTTP servers may share a port silently: it has to be nobody's.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            note.write_text(str(chosen))
            return chosen
    raise OSError("No port is free for Dagster.")


def _look_later(location: CodeLocation) -> None:
    """Let the story begin with the first deploy: until then Dagster fails to load a folder that is not there."""
    later = {"due_at": timezone.now() + timedelta(minutes=10)}
    PlatformWatch.objects.update_or_create(deployment_id=location.deployment_id, defaults=later)


def _wait_for_dagster(say: Say) -> str:
    note = settings.DATA_DIR / "demo" / "dagster" / "port"
    say("Waiting for Dagster; the first time, its environment is made …")
    ends_at = time.monotonic() + START_PATIENCE
    while time.monotonic() < ends_at:
        if note.exists():
            url = f"http://127.0.0.1:{note.read_text()}"
            try:
                if httpx.get(f"{url}/server_info", timeout=5).is_success:
                    return url
            except httpx.TransportError:
                pass
        time.sleep(0.5)
    say("Dagster did not answer: the demonstration goes on without it. Its log is dagster.log.")
    return ""


def _people() -> dict[str, dict[str, str]]:
    """Make the accounts, or read what was written down when they were made."""
    notes = settings.DATA_DIR / "demo.json"
    if notes.exists():
        known: dict[str, dict[str, str]] = json.loads(notes.read_text())["users"]
        if User.objects.filter(username__in=known).count() == len(known):
            return known
    operator = _account(OPERATOR, is_superuser=True, is_staff=True)
    organization = Organization.objects.filter(slug="acme").first() or operations.create_organization(
        slug="acme", name="Acme", actor=operator
    )
    people = {}
    for name in [*PEOPLE, OPERATOR]:
        user = _account(name)
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save()
        if name in PEOPLE:
            access.grant(user=user, role=PEOPLE[name], on=organization, actor=operator)
        Token.objects.filter(user=user, name="demo").delete()
        _, token = Token.objects.create(user=user, name="demo", expiry=None, created_by_name=OPERATOR)
        people[name] = {"password": password, "token": token}
    return people


def _account(name: str, **fields: Any) -> User:
    return User.objects.get_or_create(username=name, defaults=fields)[0]


def _place() -> CodeLocation:
    owner = User.objects.get(username="orgadmin")
    organization = Organization.objects.get(slug="acme")
    deployment = Deployment.objects.filter(
        organization=organization, slug="production"
    ).first() or operations.create_deployment(
        organization=organization, actor=owner, slug="production", name="Production", platform=PlatformKind.DAGSTER
    )
    found = CodeLocation.objects.filter(deployment=deployment, name="shop").first()
    return found or operations.create_code_location(deployment=deployment, name="shop", actor=owner)


def _deploy_versions(url: str, token: str, location: CodeLocation, *, broken_too: bool, say: Say) -> None:
    """Deploy the versions that are not there yet, as long as nobody has done anything else with the place."""
    wanted = list(VERSIONS) if broken_too else [name for name in VERSIONS if name != BROKEN]
    done = location.deploys.count()
    if done >= len(VERSIONS) or location.holds.filter(released_at=None).exists():
        return
    project = settings.DATA_DIR / "demo" / "shop"
    for name in wanted[done:]:
        _commit(project, name, VERSIONS[name])
        say(f"Deploying version {name[0]}: {VERSIONS[name]}.")
        snapshot = SNAPSHOTS / f"{name}.json"
        said = ["--assets", str(snapshot)] if snapshot.exists() else []
        _lastgood(url, token, "deploy", PLACE, "--dags", str(project), *said, "--wait")
    # What whoever tries the portal out deploys next: it works, and is none of the versions that may be blamed by then.
    _commit(project, NEXT_TRY, "Take refunds off the revenue")
    shutil.copyfile(SNAPSHOTS / f"{NEXT_TRY}.json", settings.DATA_DIR / "demo" / "next-try.json")


def _commit(project: Path, version: str, message: str) -> None:
    """Put a version into a Git checkout of its own and commit it: the client reads commit and author from there."""
    project.mkdir(parents=True, exist_ok=True)
    if not (project / ".git").exists():
        _git(project, "init", "--quiet", "--initial-branch", "main")
    for old in project.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(SOURCES / version, project, dirs_exist_ok=True)
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--allow-empty", "--message", message)


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Dana Engineer", "-c", "user.email=dana@acme.example", "-c", "commit.gpgsign=false"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *who, *words], cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)


def _lastgood(url: str, token: str, *words: str) -> None:
    """Run the client. Raises RuntimeError when it could not even ask; a deploy that failed is a part of the story."""
    environment = {**os.environ, "LASTGOOD_URL": url, "LASTGOOD_TOKEN": token}
    command = [sys.executable, "-m", "lastgood.main", *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1, 3}:
        raise RuntimeError(f"lastgood {words[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def _write_notes(url: str, people: dict[str, dict[str, str]], dagster_url: str) -> None:
    notes = {"url": url, "place": PLACE, "dagster": dagster_url or None, "users": people}
    _write_private(settings.DATA_DIR / "demo.json", json.dumps(notes, indent=2) + "\n")
    editor = people["editor"]["token"]
    _write_private(settings.DATA_DIR / "demo.env", f"export LASTGOOD_URL='{url}'\nexport LASTGOOD_TOKEN='{editor}'\n")


def _write_private(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    aside.replace(path)


def _say_what_to_try(url: str, people: dict[str, dict[str, str]], dagster_url: str, say: Say) -> None:
    data = settings.DATA_DIR
    location = CodeLocation.objects.select_related("deployment__organization").get(
        deployment__organization__slug="acme", deployment__slug="production", name="shop"
    )
    say("")
    say(f"Sign in at {url} as editor, password {people['editor']['password']} (the others: {data / 'demo.json'}).")
    if dagster_url:
        say(f"Dagster is at {dagster_url}, and runs {target_path(location) / 'current'}.")
    say("Try, in another terminal:")
    say(f"  . {data / 'demo.env'}")
    say(f"  .venv/bin/lastgood history {PLACE}")
    say(f"  .venv/bin/lastgood assets {PLACE} orders --changes")
    say(f"  .venv/bin/lastgood rollback {PLACE} --to last-good --description 'Revenue is wrong' --wait")
    next_try = f"--dags {data / 'demo' / 'shop'} --assets {data / 'demo' / 'next-try.json'}"
    say(f"  .venv/bin/lastgood deploy {PLACE} {next_try} --description 'Next try'   # held")
    say(f"  .venv/bin/lastgood resume {PLACE}")
