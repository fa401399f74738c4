"""Small functions that make rows the way the product makes them. A test names only what it is about."""

import hashlib
import io
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from deployments import access, execution, operations
from deployments.access import Role
from deployments.models import CodeLocation, Deploy, Deployment, Organization

GOOD = {"definitions.py": b"version = 'good'\n", "data/rows.csv": b"1,2\n"}


def make_user(name: str = "operator", **fields: Any) -> User:
    """Make an account with the password "secret"."""
    user = User(username=name, **fields)
    user.set_password("secret")
    user.save()
    return user


def make_superuser(name: str = "root") -> User:
    """Make an account that may do everything."""
    return make_user(name, is_superuser=True, is_staff=True)


def make_organization(slug: str = "acme") -> Organization:
    """Make a tenant."""
    return Organization.objects.create(slug=slug)


def make_deployment(organization: Organization | None = None, slug: str = "production", **fields: Any) -> Deployment:
    """Make a place with a managed folder and no platform."""
    return Deployment.objects.create(organization=organization or make_organization(), slug=slug, **fields)


def make_location(deployment: Deployment | None = None, name: str = "shop") -> CodeLocation:
    """Make a unit that is deployed."""
    return CodeLocation.objects.create(deployment=deployment or make_deployment(), name=name)


def make_member(role: Role, on: Organization | Deployment, name: str | None = None) -> User:
    """Make an account with one role on one place."""
    user = make_user(name or role.value)
    grantor = User.objects.filter(is_superuser=True).first() or make_superuser()
    access.grant(user=user, role=role, on=on, actor=grantor)
    return user


def superuser() -> User:
    """Answer the superuser of this test, made when first asked for."""
    return User.objects.filter(is_superuser=True).first() or make_superuser()


def manifest_of(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Answer the manifest of a file tree."""
    return [
        {"path": path, "mode": "0644", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for path, content in files.items()
    ]


def upload(organization: Organization, files: dict[str, bytes], *, actor: User | None = None) -> str:
    """Upload a file tree as a client would, and answer its digest."""
    actor = actor or superuser()
    now = timezone.now()
    made = operations.register_bundle(organization=organization, files=manifest_of(files), actor=actor, now=now)
    by_name = {hashlib.sha256(content).hexdigest(): content for content in files.values()}
    for sha256 in made.missing:
        operations.upload_blob(
            organization=organization, sha256=sha256, stream=io.BytesIO(by_name[sha256]), actor=actor, now=now
        )
    return made.bundle.digest


def push(
    location: CodeLocation,
    files: dict[str, bytes] | None = None,
    *,
    mount: str = "dags",
    actor: User | None = None,
    **said: Any,
) -> Deploy:
    """Push a file tree, without carrying it out."""
    digest = upload(location.deployment.organization, GOOD if files is None else files)
    asked = operations.Push(parts={"bundles": {mount: digest}}, **said)
    return operations.create_deploy(location=location, push=asked, actor=actor or superuser(), now=timezone.now())


def carry_out(deploy: Deploy) -> Deploy:
    """Carry a deploy out in this process, and answer it as it is then."""
    execution.carry_out(deploy.pk, clock=timezone.now)
    return Deploy.objects.get(pk=deploy.pk)


def deploy(location: CodeLocation, files: dict[str, bytes] | None = None, **said: Any) -> Deploy:
    """Push a file tree and carry it out."""
    return carry_out(push(location, files, **said))


def roll_back(
    location: CodeLocation, to: int | str = "last-good", *, actor: User | None = None, description: str = "Bad."
) -> Deploy:
    """Ask for a rollback and carry it out."""
    return carry_out(ask_rollback(location, to, actor=actor, description=description))


def ask_rollback(
    location: CodeLocation,
    to: int | str = "last-good",
    *,
    actor: User | None = None,
    description: str = "Bad.",
    **more: Any,
) -> Deploy:
    """Ask for a rollback, without carrying it out."""
    return operations.request_rollback(
        location=location, to=to, description=description, actor=actor or superuser(), now=timezone.now(), **more
    )


def fresh(location: CodeLocation) -> CodeLocation:
    """Answer the location as it is now."""
    return CodeLocation.objects.select_related(
        "deployment__organization", "placed_deploy", "live_deploy", "wanted_deploy"
    ).get(pk=location.pk)


def noon() -> datetime:
    """Answer a fixed time."""
    return datetime.fromisoformat("2026-11-21T12:00:00+00:00")
