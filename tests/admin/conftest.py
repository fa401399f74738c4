"""One tenant with a history, a foreign one with another, and somebody for every role."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin import ModelAdmin, site
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deployments import access, operations
from deployments.access import Role
from deployments.models import (
    AlertChannel,
    Blob,
    CodeLocation,
    Deploy,
    Deployment,
    GitSource,
    HookDelivery,
    IdempotencyRecord,
    Incident,
    Load,
    Organization,
    PlatformWatch,
    RemoteAgent,
    Survey,
    Token,
    WorkspaceTurn,
)
from tests import factories
from tests.keeping import Kept, kept

FOREIGN = "globex"
# Of every row of the foreign tenant, something that its pages would show.
CANARY = "canary"


@dataclass
class World:
    """Who and what there is. `people` by role; `rows` one of each model, `foreign` the same of the other tenant."""

    organization: Organization
    deployment: Deployment
    location: CodeLocation
    people: dict[str, User]
    rows: dict[str, Any]
    foreign: dict[str, Any]


@pytest.fixture(scope="module")
def kept_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept[World]]:
    """Make both tenants once a module."""
    with kept(tmp_path_factory.mktemp("world"), django_db_blocker, make_world) as found:
        yield found


@pytest.fixture
def world(kept_world: Kept[World], db: None, own_folders: None, tmp_path: Path) -> World:
    """Answer both tenants; what the test does to them is undone."""
    return kept_world.anew(tmp_path)


def make_world() -> World:
    """Make both tenants."""
    root = factories.superuser()
    own, other = (_tenant(slug, root) for slug in ("acme", FOREIGN))
    people = {role.value: factories.make_member(role, own["Deployment"]) for role in list(Role)[:-1]}
    people["organization_admin"] = factories.make_member(Role.ORGANIZATION_ADMIN, own["Organization"])
    people["foreign_admin"] = factories.make_member(Role.ORGANIZATION_ADMIN, other["Organization"], "foreign_admin")
    people["nobody"] = factories.make_user("nobody")
    people["superuser"] = root
    return World(own["Organization"], own["Deployment"], own["CodeLocation"], people, own, other)


def _tenant(slug: str, root: User) -> dict[str, Any]:
    """Make a tenant whose every row is there, and answer one of each by the model's name."""
    word = CANARY if slug == FOREIGN else "plain"
    organization = factories.make_organization(slug)
    deployment = factories.make_deployment(organization, f"{word}-deployment")
    location = factories.make_location(deployment, f"{word}_location")
    factories.deploy(location, {f"{word}.py": slug.encode()}, description=f"{word} first")
    factories.deploy(location, {f"{word}.py": slug.encode() * 2}, description=f"{word} second")
    factories.roll_back(location, 1, description=f"{word} rollback")
    deploy = Deploy.objects.get(code_location=location, number=1)
    account = operations.create_service_account(
        organization=organization, name=f"{word}-ci", actor=root, now=timezone.now()
    )
    access.grant(user=account.user, role=Role.DEPLOYER, on=deployment, actor=root)
    token, _ = operations.create_token(user=account.user, name=f"{word} token", days=3, actor=root)
    load = Load.objects.create(
        code_location=location, deploy=deploy, reported_at=timezone.now(), ok=True, version_key=word
    )
    record = IdempotencyRecord.objects.create(
        user=account.user, key_mac=slug, request_mac=slug, created_at=timezone.now(), status=201
    )
    bundle = organization.bundles.order_by("pk")[0]
    rows: list[Model] = [organization, deployment, location, deploy, account, token, load, record, bundle]
    rows += [deploy.release, deploy.release.mounts.get(), deploy.events.first(), bundle.files.get()]
    rows += [organization.possessions.first(), location.holds.get(), location.blames.get()]
    channel = AlertChannel.objects.create(
        deployment=deployment, name=f"{word} channel", kind="email", address=f"{word}@{word}.test", created_by_name=word
    )
    incident = Incident.objects.create(code_location=location, began_with=load, opened_at=timezone.now())
    told = channel.notifications.create(
        incident=incident, code_location=location, subject="s", title=word, body=word, due_at=timezone.now(),
        created_at=timezone.now(),
    )  # fmt: skip
    rows += [channel, incident, told]
    run = location.load_runs.create(likeness=word, first_at=timezone.now(), last_at=timezone.now(), newest=load)
    watch = PlatformWatch.objects.create(deployment=deployment, due_at=timezone.now(), version=word)
    rows += [run, watch, WorkspaceTurn.objects.create(deployment=deployment, deploy=deploy)]
    rows.append(RemoteAgent.objects.create(deployment=deployment, name=word, version=word, reported_at=timezone.now()))
    source = GitSource.objects.create(
        code_location=location, url=f"https://localhost/{word}.git", hook=word, hook_secret="s", set_by_name=word
    )
    rows += [source, HookDelivery.objects.create(source=source, name=word, taken_at=timezone.now())]
    rows.append(Survey.objects.create(name=word, taken_at=timezone.now(), found={"bytes": 1}))
    rows.append(Blob.objects.get(files__bundle=bundle))
    invited, _ = operations.invite(
        email=f"{word}@{word}.test", role=Role.VIEWER, place=organization, actor=root, now=timezone.now()
    )
    rows.append(invited)
    rows.append(Authenticator.objects.create(user=account.user, type=Authenticator.Type.TOTP, data={}))
    return {type(row).__name__: row for row in rows}


def admins() -> list[ModelAdmin]:
    """Answer the registered admins of our app."""
    return [each for model, each in site._registry.items() if model._meta.app_label == "deployments"]


def sign_in(user: User | None) -> Client:
    """Answer a browser in which this person is signed in, or nobody."""
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def list_of(name: str) -> str:
    """Answer the address of a model's list."""
    return reverse(f"admin:deployments_{name.lower()}_changelist")


def page_of(row: Model, page: str = "change") -> str:
    """Answer the address of a row's page."""
    return reverse(f"admin:deployments_{row._meta.model_name}_{page}", args=[row.pk])


def tokens_of(user: User) -> int:
    """Count an account's tokens."""
    return Token.objects.filter(user=user).count()
