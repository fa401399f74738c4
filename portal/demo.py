"""The demonstration: an organization, its people, and a small Dagster project, deployed through the pipeline.

Nothing here writes history: the client deploys each version over HTTP, as CI would, and real workers carry it out.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from deployments import access, operations, surveying
from deployments.access import Role
from deployments.drivers import target_path
from deployments.models import CodeLocation, Deployment, Organization, PlatformWatch, Token
from deployments.states import PlatformKind
from portal import demo_airflow
from portal.dagster_env import ensure_dagster_env
from portal.demo_acting import commit, remembered_port, run_client, write_private

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


def ensure_demo(*, url: str, dagster: bool, airflow: bool = False, say: Say) -> None:
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
    if airflow:
        demo_airflow.tell_story(url=url, token=people["deployer"]["token"], say=say)
    # Else the operators' first page would have nothing to say of storage for up to an hour.
    surveying.survey(clock=timezone.now)
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
    port = remembered_port(folder, 3000)
    environment = {"DAGSTER_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    environment["PATH"] = f"{program.parent}:{os.environ.get('PATH', '')}"
    return [str(program), "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)], environment, folder


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
        commit(project, SOURCES / name, VERSIONS[name])
        say(f"Deploying version {name[0]}: {VERSIONS[name]}.")
        snapshot = SNAPSHOTS / f"{name}.json"
        said = ["--assets", str(snapshot)] if snapshot.exists() else []
        run_client(url, token, "deploy", PLACE, "--dags", str(project), *said, "--wait")
    # What whoever tries the portal out deploys next: it works, and is none of the versions that may be blamed by then.
    commit(project, SOURCES / NEXT_TRY, "Take refunds off the revenue")
    shutil.copyfile(SNAPSHOTS / f"{NEXT_TRY}.json", settings.DATA_DIR / "demo" / "next-try.json")


def _write_notes(url: str, people: dict[str, dict[str, str]], dagster_url: str) -> None:
    notes = {"url": url, "place": PLACE, "dagster": dagster_url or None, "users": people}
    write_private(settings.DATA_DIR / "demo.json", json.dumps(notes, indent=2) + "\n")
    editor = people["editor"]["token"]
    write_private(settings.DATA_DIR / "demo.env", f"export LASTGOOD_URL='{url}'\nexport LASTGOOD_TOKEN='{editor}'\n")


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
